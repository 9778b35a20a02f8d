"""What lm-eval's ``filter_list`` does to answers, for the filters whose rules are few (lm-eval 0.4.13, ``lm_eval/filters``).

A list of answers to one question goes through filter after filter; most change each answer, ``take_first`` and ``majority_vote`` leave
one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from assay.core import InvalidInput

VERSION = 1
INVALID = "[invalid]"
"""What stands for an answer in which a pattern was not found, if the filter names nothing else."""

_PATTERN = r"#### (\-?[0-9\.\,]+)"
_OPTIONS: dict[str, frozenset[str]] = {
    "regex": frozenset({"regex_pattern", "group_select", "fallback"}),
    "remove_whitespace": frozenset(),
    "strip": frozenset(),
    "lowercase": frozenset(),
    "uppercase": frozenset(),
    "map": frozenset({"mapping_dict", "default_value"}),
    "take_first": frozenset(),
    "majority_vote": frozenset(),
}


def check_filters(filters: Sequence[Mapping[str, Any]]) -> None:
    """See that all are known, and their patterns can be read.

    Raises:
        InvalidInput: ``exchange.construct_unknown``.
    """
    for one in filters:
        name = one.get("function")
        if name not in _OPTIONS:
            raise _unknown(f"the filter {name!r}", f"It knows {', '.join(_OPTIONS)}.")
        if strange := set(one) - {"function"} - _OPTIONS[name]:
            raise _unknown(
                f"{min(strange)!r} of the filter {name!r}", f"It knows {', '.join(sorted(_OPTIONS[name])) or 'no option'}."
            )
        try:
            re.compile(one.get("regex_pattern", ""))
        except (re.error, TypeError) as error:
            raise _unknown(f"the pattern {one['regex_pattern']!r}", f"It is none: {error}.") from None
        if not isinstance(one.get("group_select", 0), int) or not isinstance(one.get("mapping_dict", {}), dict):
            raise _unknown(f"the options of the filter {name!r}", "`group_select` is a number and `mapping_dict` a table.")


def filtered(answers: Sequence[str], filters: Sequence[Mapping[str, Any]]) -> str:
    """The one answer that is left in the end; the first, where several are."""
    left = list(answers)
    for one in filters:
        match one["function"]:
            case "regex":
                left = [_found(text, one) for text in left]
            case "remove_whitespace" | "strip":
                left = [text.strip() for text in left]
            case "lowercase":
                left = [text.lower() for text in left]
            case "uppercase":
                left = [text.upper() for text in left]
            case "map":
                left = [str(one.get("mapping_dict", {}).get(text, one.get("default_value"))) for text in left]
            case "take_first":
                left = left[:1]
            case "majority_vote":
                left = [Counter(left).most_common(1)[0][0]]
    return left[0]


def fallbacks(filters: Sequence[Mapping[str, Any]]) -> set[str]:
    """What is left where no answer was found."""
    return {str(one.get("fallback", INVALID)) for one in filters if one["function"] == "regex"}


def _found(text: str, options: Mapping[str, Any]) -> str:
    """The match of that number; of several groups the first that is not empty."""
    fallback = str(options.get("fallback", INVALID))
    found = re.findall(options.get("regex_pattern", _PATTERN), text)
    at = int(options.get("group_select", 0))
    if not -len(found) <= at < len(found):
        return fallback
    match = found[at]
    groups = [group for group in match if group] if isinstance(match, tuple) else [match]
    return str(groups[0]).strip() if groups else fallback


def _unknown(what: str, hint: str) -> InvalidInput:
    return InvalidInput("exchange.construct_unknown", f"Assay does not know {what}.", hint=hint)
