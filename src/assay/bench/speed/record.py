"""A measurement of speed on record: a row for each number that has an interval."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from assay.bench.speed.report import Side, SpeedReport
from assay.core import Measurement, content_hash, iso
from assay.store import Database
from assay.store.queries import publish_measurements

_UNITS = {"_ms": "ms", "_each": "per second", "_per_s": "per second", "within_slo": "share"}
METRICS = "speed."
"""What the names of all these metrics begin with."""


async def keep(db: Database, report: SpeedReport) -> None:
    """Publish the numbers of each side. Those of the same deployment under the same conditions take the place of older ones."""
    for side in (report.a, report.b):
        if side is not None and (rows := measurements(report, side)):
            await publish_measurements(db, rows, series=f"{side.model} {content_hash(rows[0].conditions)}")


def measurements(report: SpeedReport, side: Side) -> list[Measurement]:
    """The numbers of one side, as rows."""
    left_out = {"model", "against", "prompts", "seed", "concurrency" if report.spec.schedule == "open" else "rate_per_s"}
    asked = {name: value for name, value in msgspec.structs.asdict(report.spec).items() if name not in left_out}
    conditions = {
        **asked,
        "slo": msgspec.to_builtins(report.spec.slo),
        "prompts": content_hash(report.spec.prompts) if report.spec.prompts else "own",
    }
    since, until = (iso(at) for at in (report.at, report.at + round(report.took_s * 1e6)))
    rows = "/traffic?" + urlencode({"purpose": "bench", "text": side.model, "since": since, "until": until})
    return [
        Measurement(
            kind="estimate",
            subject=side.model,
            metric=METRICS + figure.name,
            at=report.at,
            method=f"{report.spec.schedule} schedule, mean over {figure.value.n} repeats, Student's 95 % interval over them",
            source="measured",
            value=figure.value.value,
            unit=next(unit for end, unit in _UNITS.items() if figure.name.endswith(end)),
            low=figure.value.low,
            high=figure.value.high,
            n=figure.value.n,
            conditions=conditions,
            rows=rows,
        )
        for figure in side.figures
        if figure.value.low is not None
    ]
