"""A run, and two runs compared, for reading in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.cli.output import table
from assay.core import Money

_VERDICTS = {"A better": "A is better", "B better": "B is better", "cannot tell": "cannot tell"}
_FLIPS = 20
"""How many questions that flipped are listed; the page shows all."""

REASONS = {
    "no_data": "nothing is scored yet",
    "one_cluster": "one question only: no interval",
    "no_spread": "all alike: no interval",
    "too_few": "too few for a bound",
    "errors": "too many samples ended in an error for a score",
    "no_categories": "it has no categories",
}


def percent(value: float | None) -> str:
    """A share as people say it."""
    return "-" if value is None else f"{value * 100:.1f} %"


def figure(one: Mapping[str, Any]) -> str:
    """A share with its interval; where there is no value, why, and the bounds that hold all the same."""
    low, high = one.get("low"), one.get("high")
    bounds = "" if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f}"
    if one["value"] is None:
        why = REASONS.get(one.get("reason") or "no_data", one.get("reason") or "")
        return f"no score: {why}" + (f"; it lies within {bounds} %" if bounds else "")
    return percent(one["value"]) + (f"  ({bounds})" if bounds else "")


def as_text(run: Mapping[str, Any]) -> str:
    """A run with all that its number rests on."""
    lines = [f"{run['title']} · {run['model']} · {run['state']}"]
    if run["trouble"]:
        lines.append(f"trouble: {run['trouble']}")
    lines += ["", f"{'score':<14}{figure(run['score'])}   n = {run['score']['n']:,}"]
    lines += [f"{one['name']:<13} {figure(one)}" for one in run["metrics"]]
    lines.append(
        f"{'outcomes':<14}" + ("  ".join(f"{name} {count:,}" for name, count in run["outcomes"].items() if count) or "none yet")
    )
    lines.append(f"{'scored':<14}{run['done']:,} of {run['planned']:,}, {percent(run['coverage'])} of them answered")
    if run["categories"]:
        rows = [{"category": one["name"], "score": figure(one), "n": one["n"]} for one in run["categories"]]
        lines += ["", table(rows, {"category": "category", "n": "n", "score": "score"}), ""]
    tokens = run["tokens"]
    lines.append(
        f"{'cost':<14}{money(run['cost'])}" + (f", {tokens['input']:,} tokens in, {tokens['output']:,} out" if tokens else "")
    )
    times = {name: one["value"] for name, one in (run["latency"] or {}).items() if one["value"] is not None}
    if times:
        lines.append(f"{'latency':<14}" + ", ".join(f"{name} {value / 1e6:.2f} s" for name, value in times.items()))
    if run["layers"]:
        lines.append(f"{'sandbox':<14}{', '.join(run['layers'])}")
    if run["missing"]:
        lines.append(f"{'not active':<14}{', '.join(run['missing'])}")
    lines.append(f"{'recipe':<14}{run['recipe'][:16]}")
    lines.append(f"{'run':<14}{run['id']}")
    return "\n".join(lines)


def progress(run: Mapping[str, Any]) -> str:
    """How far a run is, in one line."""
    parts = [f"{run['done']:,} of {run['planned']:,}", f"score {figure(run['score'])}" if run["done"] else "nothing scored yet"]
    if errors := run["outcomes"].get("error"):
        parts.append(f"errors {errors:,}")
    if run["rate_per_s"]:
        parts.append(f"{run['rate_per_s']:.1f}/s")
    if run["left_s"] is not None:
        minutes, seconds = divmod(round(run["left_s"]), 60)
        parts.append(f"{minutes}:{seconds:02d} left")
    if run["cost"]:
        parts.append(f"spent {money(run['cost'])}")
    return " · ".join(parts)


def compared(said: Mapping[str, Any]) -> str:
    """Two runs side by side."""
    a, b, found = said["a"], said["b"], said["found"]
    score = found["score"]
    by = score["difference"]
    lines = [f"A  {a['title']} · {a['model']}: {figure(a['score'])}", f"B  {b['title']} · {b['model']}: {figure(b['score'])}", ""]
    if found["different"]:
        lines.append("not measured alike: " + ", ".join(found["different"]))
    bounds = "" if by["low"] is None or by["high"] is None else f"  ({by['low'] * 100:+.1f} to {by['high'] * 100:+.1f})"
    value = f"not known{bounds}" if by["value"] is None else f"{by['value'] * 100:+.1f} points{bounds}"
    p = "" if score["p"] is None else f", p = {score['p']:.3g} ({score['test'].replace('_', ' ')})"
    lines += [f"{_VERDICTS[found['verdict']]}: A less B {value} on {found['questions']:,} questions{p}"]
    if score["detectable"] is not None:
        lines.append(f"so many questions show a difference of {score['detectable'] * 100:.1f} points in 8 of 10 cases")
    only_a, only_b = said["flipped"]
    alike = found["questions"] - only_a - only_b
    lines += [f"better answered by A {only_a:,}, by B {only_b:,}, alike {alike:,}"]
    flips = sorted((*found["better_a"], *found["better_b"]), key=lambda flip: -abs(flip["a"] - flip["b"]))[:_FLIPS]
    rows = [{**one, "who": "A" if one["a"] > one["b"] else "B"} for one in flips]
    if rows:
        lines += ["", table(rows, {"sample": "question", "who": "better", "outcome_a": "A", "outcome_b": "B"})]
    return "\n".join(lines)


def money(said: Mapping[str, Any] | None) -> str:
    """An amount, or that there is none."""
    return "no price known" if said is None else str(Money(said["nano"], said["currency"]))
