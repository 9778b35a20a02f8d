"""A run, and two runs compared, for reading in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.cli.output import table
from assay.core import Money

_VERDICTS = {"a_better": "A is better", "b_better": "B is better", "cannot_tell": "cannot tell"}
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
    lines += [f"{one['name']:<14}{figure(one)}" for one in run["metrics"]]
    lines.append(f"{'outcomes':<14}" + "  ".join(f"{name} {count:,}" for name, count in run["outcomes"].items() if count))
    lines.append(f"{'scored':<14}{run['done']:,} of {run['planned']:,}, {percent(run['coverage'])} of them answered")
    if run["categories"]:
        rows = [{"category": one["name"], "score": figure(one), "n": one["n"]} for one in run["categories"]]
        lines += ["", table(rows, {"category": "category", "n": "n", "score": "score"}), ""]
    lines.append(f"{'cost':<14}{money(run['cost'])}, {run['input_tokens']:,} tokens in, {run['output_tokens']:,} out")
    if run["latency"]:
        lines.append(f"{'latency':<14}p50 {run['latency']['p50_ms'] / 1000:.2f} s, p95 {run['latency']['p95_ms'] / 1000:.2f} s")
    if run["layers"]:
        lines.append(f"{'sandbox':<14}{', '.join(run['layers'])}")
    lines += [f"{'note':<14}{note}" for note in run["notes"]]
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
    a, b, by = said["a"], said["b"], said["difference"]
    lines = [f"A  {a['title']} · {a['model']}: {figure(a['score'])}", f"B  {b['title']} · {b['model']}: {figure(b['score'])}", ""]
    if not said["same_recipe"]:
        lines.append("not measured alike: " + ", ".join(part["name"] for part in said["differing"]))
    bounds = "" if by["low"] is None else f"  ({by['low'] * 100:+.1f} to {by['high'] * 100:+.1f})"
    value = "not known" if by["value"] is None else f"{by['value'] * 100:+.1f} points{bounds}"
    p = "" if said["p"] is None else f", p = {said['p']:.3g} ({said['test']})"
    lines += [f"{_VERDICTS[said['verdict']]}: A less B {value} on {by['n']:,} questions{p}"]
    if said["detectable"] is not None:
        lines.append(f"so many questions show a difference of {said['detectable'] * 100:.1f} points in 8 of 10 cases")
    lines += [f"both right {said['both']:,}, only A {said['only_a']:,}, only B {said['only_b']:,}, neither {said['neither']:,}"]
    flips = [{**one, "who": "A" if one["a"] > one["b"] else "B"} for one in said["flips"][:_FLIPS]]
    if flips:
        columns = {
            "sample": "question",
            "who": "right",
            "a_outcome": "A",
            "b_outcome": "B",
            "a_answer": "A said",
            "b_answer": "B said",
        }
        lines += ["", table(flips, columns)]
    return "\n".join(lines)


def money(said: Mapping[str, Any] | None) -> str:
    """An amount, or that there is none."""
    return "no price known" if said is None else str(Money(said["nano"], said["currency"]))
