"""How much a model should think: a word in some protocols, a number of tokens in others.

No provider says which word means how many tokens, so every conversion is an approximation and is reported as one. The numbers
are those that LiteLLM and Google's OpenAI-compatible endpoint settled on, rounded to powers of two (2026-11).
"""

from __future__ import annotations

_BUDGETS = {"none": 0, "minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 24576, "max": 32768}


def budget_of(effort: str) -> int:
    """Tokens for a word; one that we do not know counts as ``medium``."""
    return _BUDGETS.get(effort.lower(), _BUDGETS["medium"])


def effort_of(budget: int) -> str:
    """The nearest of ``none``, ``minimal``, ``low``, ``medium`` and ``high``, which every protocol with words has."""
    if budget <= 0:
        return "none"
    return next((word for word in ("minimal", "low", "medium") if budget <= _BUDGETS[word] * 3 // 2), "high")
