"""From times to numbers: a figure for each repeat, then their mean with Student's interval over repeats.

Requests of one repeat share the server's state, its other users and the weather on the network, so they are no independent draws;
repeats are as near to that as can be had. Few repeats make wide intervals, and that is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import TypeAlias

import msgspec
import numpy as np

from assay.bench.speed.report import Faster, Figure, PairedFigure, Side
from assay.bench.speed.spec import Slo
from assay.bench.speed.timing import Timed
from assay.core import Money
from assay.stats import LEVEL, Interval, holm, mean, paired_mean, t_test

_MS = 1e6
_GOODPUT = ("goodput_per_s", "within_slo")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Repeat: TypeAlias = Sequence[Timed]
ByRepeat: TypeAlias = Mapping[str, Sequence[float] | Interval]
"""A number for each repeat, or, where there is none, what is known instead."""


def side_of(model: str, repeats: Sequence[Repeat], slo: Slo) -> Side:
    """All that the repeats say of one deployment."""
    everything = [one for repeat in repeats for one in repeat]
    answered = [one for one in everything if one.error is None]
    cost: Counter[str] = Counter()
    for one in everything:
        if one.cost is not None:
            cost[one.cost.currency] += one.cost.nano
    return Side(
        model=model,
        asked=len(everything),
        answered=len(answered),
        errors=dict(Counter(one.error for one in everything if one.error is not None)),
        tokens=sum(one.tokens or 0 for one in answered),
        tokens_unknown=sum(one.tokens is None for one in answered),
        characters=sum(one.characters for one in answered),
        bytes=sum(one.bytes for one in answered),
        cost=tuple(Money(nano, currency) for currency, nano in cost.items()),
        late_ms=max((one.asked_ns - one.due_ns for one in everything), default=0) / _MS,
        figures=tuple(
            Figure(name=name, value=found if isinstance(found, Interval) else _over_repeats(name, found))
            for name, found in by_repeat(repeats, slo).items()
        ),
    )


def by_repeat(repeats: Sequence[Repeat], slo: Slo) -> ByRepeat:
    """Each figure, repeat by repeat."""
    answers = [[one for one in repeat if one.error is None] for repeat in repeats]
    found: dict[str, Sequence[float] | Interval] = {}
    for name, of in _TIMES.items():
        for label, q in _QUANTILES.items():
            found[f"{name}_{label}_ms"] = _quantiles([of(repeat) for repeat in answers], q)
    for name, rate in _EACH.items():
        found[f"{name}_per_s_each"] = _quantiles([_known(map(rate, repeat)) for repeat in answers], 0.5)
    for name, amount in _TOGETHER.items():
        found[f"{name}_per_s"] = [
            sum(amount(one) for one in good) / _seconds(whole) for good, whole in zip(answers, repeats, strict=True)
        ]
    if all(one.tokens is None for repeat in answers for one in repeat):
        found["tokens_per_s"] = Interval(reason="not_counted")
    kept = [[one for one in repeat if _keeps(one, slo)] for repeat in answers]
    if slo != Slo():
        together, share = _GOODPUT
        found[together] = [len(good) / _seconds(whole) for good, whole in zip(kept, repeats, strict=True)]
        found[share] = [len(good) / len(whole) for good, whole in zip(kept, repeats, strict=True)]
    return found


def paired(a: Sequence[Repeat], b: Sequence[Repeat], slo: Slo, *, complete: bool = True) -> tuple[PairedFigure, ...]:
    """What both have, A less B, repeat by repeat; the verdicts hold for all of them together (Holm).

    Not ``complete``: many questions failed on a side, and nobody knows how slow their answers would have been. Then only goodput has a
    verdict, since it counts them.
    """
    one, other = by_repeat(a, slo), by_repeat(b, slo)
    both = {name: (x, y) for name, x in one.items() if not isinstance(x, Interval) and not isinstance(y := other[name], Interval)}
    judged = {name: t_test(np.subtract(x, y)) if complete or name in _GOODPUT else None for name, (x, y) in both.items()}
    chances = holm([1.0 if p is None else p for p in judged.values()])
    return tuple(
        PairedFigure(name=name, difference=(found := paired_mean(x, y)), verdict=_verdict(name, found, p))
        for (name, (x, y)), p in zip(both.items(), chances, strict=True)
    )


def _verdict(name: str, difference: Interval, p: float) -> Faster:
    if p > LEVEL or difference.value is None:
        return "cannot tell"
    more_is_faster = not name.endswith("_ms")
    return "A faster" if (difference.value > 0) == more_is_faster else "B faster"


def _over_repeats(name: str, values: Sequence[float]) -> Interval:
    """The mean; nothing of these can be under 0, and no share over 1."""
    found = mean(values)
    if found.low is None or found.high is None:
        return found
    return msgspec.structs.replace(
        found, low=max(0.0, found.low), high=min(1.0, found.high) if name == "within_slo" else found.high
    )


def _quantiles(repeats: Sequence[Sequence[float]], q: float) -> Sequence[float] | Interval:
    """The quantile of each repeat. One that rests on less than one request beyond it is no quantile."""
    together = [value for repeat in repeats for value in repeat]
    if not together:
        return Interval(reason="not_counted")
    if min(map(len, repeats)) < ceil(round(1 / (1 - q), 6)):
        return Interval(value=_quantile(together, q), n=len(repeats), reason="few_requests")
    return [_quantile(repeat, q) for repeat in repeats]


def _quantile(values: Sequence[float], q: float) -> float:
    return float(np.quantile(values, q, method="averaged_inverted_cdf"))


def _known(values: map[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _to_first(repeat: Repeat) -> list[float]:
    return [(one.first_ns - one.due_ns) / _MS for one in repeat if one.first_ns is not None]


def _between(one: Timed) -> float | None:
    """Milliseconds from a token to the next on average; None where they were not counted, or all came at once."""
    if one.tokens is None or one.tokens < 2 or not one.pauses_ns:
        return None
    return sum(one.pauses_ns) / (one.tokens - 1) / _MS


def _in_all(repeat: Repeat) -> list[float]:
    return [(one.last_ns - one.due_ns) / _MS for one in repeat if one.last_ns is not None]


def _tokens_each(one: Timed) -> float | None:
    between = _between(one)
    return 1000 / between if between else None


def _characters_each(one: Timed) -> float | None:
    return one.characters_after_first / sum(one.pauses_ns) * 1e9 if one.pauses_ns else None


def _bytes_each(one: Timed) -> float | None:
    return one.bytes_after_first / sum(one.pauses_ns) * 1e9 if one.pauses_ns else None


_TIMES: dict[str, Callable[[Repeat], list[float]]] = {
    "ttft": _to_first,
    "between_tokens": lambda repeat: _known(map(_between, repeat)),
    "pause": lambda repeat: [pause / _MS for one in repeat for pause in one.pauses_ns],
    "total": _in_all,
}
_EACH: dict[str, Callable[[Timed], float | None]] = {
    "tokens": _tokens_each,
    "characters": _characters_each,
    "bytes": _bytes_each,
}
_TOGETHER: dict[str, Callable[[Timed], float]] = {
    "requests": lambda one: 1.0,
    "tokens": lambda one: float(one.tokens or 0),
    "characters": lambda one: float(one.characters),
    "bytes": lambda one: float(one.bytes),
}


def _seconds(repeat: Repeat) -> float:
    """From when the first question was due until the last answer's end."""
    ends = [one.last_ns or one.asked_ns for one in repeat]
    return max(1e-9, (max(ends) - min(one.due_ns for one in repeat)) / 1e9)


def _keeps(one: Timed, slo: Slo) -> bool:
    """Whether an answer is within every bound. One whose time to the next token is not known keeps no bound on it."""
    measured = (
        (slo.ttft_ms, None if one.first_ns is None else (one.first_ns - one.due_ns) / _MS),
        (slo.between_ms, _between(one)),
        (slo.total_ms, None if one.last_ns is None else (one.last_ns - one.due_ns) / _MS),
    )
    return all(bound is None or (value is not None and value <= bound) for bound, value in measured)
