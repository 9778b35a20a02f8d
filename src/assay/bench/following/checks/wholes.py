"""What the answer as a whole must be, how it begins and how it ends."""

from __future__ import annotations

import json

from assay.bench.following.checks.amounts import Phrase
from assay.bench.following.splitting import PUNCTUATION

_CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCES = ("```json", "```Json", "```JSON", "```")
_SIX_STARS = "******"
_TEMPLATE = ("My Answer:", "My Conclusion:", "Future Outlook:")
_LETTERED = "abc"


def constrained(answer: str) -> bool:
    """One of the three sentences that are allowed is in it."""
    return any(sentence in answer for sentence in _CONSTRAINED)


def json_format(answer: str) -> bool:
    """JSON, in a fence or without."""
    text = answer.strip()
    for fence in _FENCES:
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def two_responses(answer: str) -> bool:
    """Two different answers with six asterisks between them; six more may begin or end the whole."""
    parts = [part.strip() for part in answer.split(_SIX_STARS)]
    said = [part for part in parts if part]
    return all(parts[1:-1]) and len(said) == 2 and said[0] != said[1]


def ends_with(answer: str, *, end_phrase: Phrase) -> bool:
    """Ends with the phrase, in any case; quotes around the answer do not count."""
    return answer.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def quotation(answer: str) -> bool:
    """Double quotes stand around all of it."""
    text = answer.strip()
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def no_comma(answer: str) -> bool:
    """There is no comma of ASCII; those of other scripts may be there."""
    return "," not in answer


def no_whitespace(answer: str) -> bool:
    """No space, tab or line break, not even at the end."""
    return not any(mark.isspace() for mark in answer)


def output_template(answer: str) -> bool:
    """The three headings of the template are there."""
    return all(heading in answer for heading in _TEMPLATE)


def one_of(answer: str, *, options: Phrase) -> bool:
    """Exactly one of the options: letters with brackets to the letter, words without regard to case and to the marks around them."""
    separator = next((mark for mark in ("/", "or") if mark in options), ",")
    allowed = [option.strip() for option in options.split(separator)]
    if "".join(letter for letter in options.lower() if letter.isalnum()).startswith(_LETTERED):
        return answer in allowed
    return _plain(answer) in {_plain(option) for option in allowed}


def _plain(text: str) -> str:
    return text.strip(PUNCTUATION + " ").lower()
