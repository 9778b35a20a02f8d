"""What each provider accepts: the types of its official SDK, strictly, and the rules that are not in types.

The SDKs take seconds to import, so each is imported when the first request of its protocol is checked.
"""
