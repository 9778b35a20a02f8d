"""Which program a file is of, and how a run is written for which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from assay.bench.exchange import evalplus, inspect_log, lm_eval
from assay.bench.exchange.check import check
from assay.bench.exchange.columns import write_parquet
from assay.bench.exchange.sheet import LARGEST, MALFORMED, Sheet
from assay.core import InvalidInput, TooLarge, now_us

_ZIP = b"PK"


class Format(msgspec.Struct, frozen=True):
    """A way to write a run: what its files end in, how they are served, and how they are made."""

    suffix: str
    media: str
    write: Callable[[Sheet], bytes]


FORMATS: dict[str, Format] = {
    "humaneval": Format(".jsonl", "application/jsonl", evalplus.write_samples),
    "lm-eval": Format(".json", "application/json", lm_eval.write_results),
    "inspect": Format(".eval", "application/zip", inspect_log.write_log),
    "parquet": Format(".parquet", "application/vnd.apache.parquet", write_parquet),
}


def read_sheet(path: Path, *, model: str | None = None, task: str | None = None, metric: str | None = None) -> Sheet:
    """The run in a file of evalplus, lm-eval or Inspect, whichever it is. ``model`` and ``task`` go over what the file says; ``task``
    and ``metric`` choose where it holds several.

    Raises:
        InvalidInput: ``exchange.unknown``, or what is wrong with it. TooLarge: ``exchange.too_large``.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise TooLarge("exchange.too_large", f"{path} is larger than {LARGEST:,} bytes.")
        words = path.read_bytes()
    except OSError as error:
        raise InvalidInput("exchange.unknown", f"{path} cannot be read: {error.strerror}.") from error
    is_log = words.startswith(_ZIP)
    sheet = inspect_log.read_log(path, metric) if is_log else _read_json(path, words, model, task, metric)
    given = {name: value for name, value in (("model", model), ("task", task)) if value is not None}
    return check(_typed(path, msgspec.structs.replace(sheet, **given)))


def _typed(path: Path, sheet: Sheet) -> Sheet:
    """``sheet``, whose values were found in a file and may be of any type: what it is once it has travelled."""
    try:
        return msgspec.json.decode(msgspec.json.encode(sheet), type=Sheet)
    except MALFORMED as error:
        raise InvalidInput("exchange.invalid", f"{path.name} holds no run: {error}.") from error


def _read_json(path: Path, words: bytes, model: str | None, task: str | None, metric: str | None) -> Sheet:
    try:
        said = msgspec.json.decode(words)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput("exchange.unknown", f"{path} is neither JSON nor a log of Inspect: {error}.") from error
    if lm_eval.is_lm_eval(said):
        return lm_eval.read_results(path, said, task, metric)
    if evalplus.is_evalplus(said):
        if model is None:
            raise InvalidInput("exchange.no_model", f"{path.name} does not say of which model it is.", hint="Name it with --model.")
        return evalplus.read_results(said, model, now_us())
    raise InvalidInput(
        "exchange.unknown",
        f"{path} holds no results of evalplus (*_eval_results.json), lm-eval (results_*.json) or Inspect (*.eval).",
    )
