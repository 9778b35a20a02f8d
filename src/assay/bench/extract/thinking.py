"""What was thought aloud, taken away."""


def strip_thinking(text: str) -> str | None:
    """What follows the last ``</think>``; None where thinking never stopped."""
    if "</think>" in text:
        return text.rsplit("</think>", 1)[1]
    return None if "<think>" in text else text
