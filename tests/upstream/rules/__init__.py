"""What each provider accepts: the types of its official SDK, strictly, and the rules that are not in types."""
