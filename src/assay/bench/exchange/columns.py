"""A run as columns: one row for each sample, for notebooks and data frames."""

from __future__ import annotations

import importlib
import io
from typing import Any

from assay.bench.exchange.sheet import Sheet
from assay.bench.result import Result
from assay.core import Unavailable


def write_parquet(sheet: Sheet) -> bytes:
    """Apache Parquet; the run's own facts are in the metadata of the schema.

    Raises:
        Unavailable: ``exchange.extra_missing``.
    """
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise Unavailable(
            "exchange.extra_missing",
            "Parquet is written by pyarrow, which is not installed.",
            hint="Install `modelassay[parquet]`.",
        ) from None
    kinds = {
        **dict.fromkeys(("sample", "cluster", "category", "outcome", "extracted", "detail", "error", "stop"), arrow.string()),
        **dict.fromkeys(("asked", "answer", "target", "currency"), arrow.string()),
        **dict.fromkeys(("epoch", "input_tokens", "output_tokens", "cost_nano", "latency_us", "ttft_us"), arrow.int64()),
        "value": arrow.float64(),
        "parts": arrow.map_(arrow.string(), arrow.float64()),
    }
    facts = {name: str(getattr(sheet, name)) for name in ("task", "version", "title", "model", "source", "at")}
    schema = arrow.schema(list(kinds.items()), metadata=facts)
    kept = io.BytesIO()
    parquet.write_table(
        arrow.Table.from_pylist([_row(sheet, result) for result in sheet.results], schema), kept, compression="zstd"
    )
    return kept.getvalue()


def _row(sheet: Sheet, result: Result) -> dict[str, Any]:
    scored, usage, cost = result.scored, result.usage, result.cost
    return {
        "sample": result.sample,
        "epoch": result.epoch,
        "cluster": result.cluster,
        "category": result.category,
        "outcome": scored and scored.outcome,
        "value": scored and scored.value,
        "extracted": scored and scored.extracted,
        "detail": scored and scored.detail,
        "error": scored and scored.error,
        "parts": list(scored.parts.items()) if scored else None,
        "stop": result.stop,
        "asked": result.transcript and "\n\n".join(f"{one.role}: {one.text}" for one in result.transcript.messages),
        "answer": result.message and result.message.text,
        "target": sheet.targets.get(result.sample),
        "input_tokens": usage and usage.total_input,
        "output_tokens": usage and usage.total_output,
        "cost_nano": cost and cost.nano,
        "currency": cost and cost.currency,
        "latency_us": result.latency_us,
        "ttft_us": result.ttft_us,
    }
