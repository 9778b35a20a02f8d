"""A run's numbers, as the board shows them: each with its interval, what it was measured under, and a link to its samples."""

from __future__ import annotations

from assay.bench.recipe import is_balanced
from assay.bench.report import RunReport
from assay.core import Measurement, now_us
from assay.stats import Interval
from assay.store import Database
from assay.store.queries import publish_measurements


async def publish(db: Database, report: RunReport) -> None:
    """Publish the score of a run that has ended, and the metrics beside it. A later run of the same recipe on the same model takes
    its place; one that asked other questions, or of another model, stands beside it."""
    if report.summary is None:
        return
    metrics = {report.task: report.summary.score, **{f"{report.task}.{name}": one for name, one in report.summary.metrics.items()}}
    measurements = [_measurement(report, metric, interval) for metric, interval in metrics.items()]
    await publish_measurements(db, measurements, series=f"{report.model} {report.recipe}")


def _measurement(report: RunReport, metric: str, interval: Interval) -> Measurement:
    assert report.summary is not None
    summary, spec = report.summary, report.spec
    conditions = {
        "recipe": report.recipe,
        "task": report.task,
        "title": report.title,
        "version": report.version,
        "sampling": report.parts.get("sampling", {}),
        "questions": summary.questions,
        "samples": summary.samples,
        "interval": summary.interval,
        "coverage": summary.coverage.share,
    }
    if spec.limit is not None:
        conditions["limit"] = spec.limit
    if spec.options:
        conditions["options"] = spec.options
    if spec.judge is not None:
        conditions["judge"] = spec.judge
    if spec.baseline is not None:
        conditions["baseline"] = spec.baseline
    return Measurement(
        kind="estimate",
        subject=report.model,
        metric=metric,
        at=report.ended_at or now_us(),
        method=f"{report.title}, mean {_mean_over(report, metric)}, 95 % interval by question",
        source="measured",
        value=interval.value,
        reason=interval.reason if interval.value is None else None,
        low=interval.low,
        high=interval.high,
        n=interval.n,
        conditions=conditions,
        rows=f"/bench/{report.id}",
    )


def _mean_over(report: RunReport, metric: str) -> str:
    is_balanced_score = metric == report.task and is_balanced(report.parts)
    return "of the categories' means" if is_balanced_score else "value of the samples"
