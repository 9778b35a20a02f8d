"""What providers report of usage and costs, as files that they give: one list of days, models, tokens and amounts.

Read are, told apart by their own fields:

- OpenAI, ``/v1/organization/usage/completions`` and ``/v1/organization/costs``, grouped by model or line item (API reference and
  openai 3.54, 2026-11). ``input_tokens`` holds what was cached and written to a cache; a line item is "MODEL, input" and the like.
- Anthropic, ``/v1/organizations/usage_report/messages`` and ``/v1/organizations/cost_report`` (API reference 2026-11; Claude Cookbook
  "Usage & Cost Admin API", 2026). Amounts are text in hundredths; costs of the Priority Tier are not in it.
- OpenRouter, ``/api/v1/activity`` as JSON, and activity as CSV (API reference, 2026-11). ``completion_tokens`` hold the reasoning.
- Google Cloud's cost table as CSV, or the billing export (cloud.google.com/billing/docs/how-to/cost-table, 2026-11): an SKU is "Generate
  content input token count gemini 2.5 flash ..." and the like.
- Any CSV with a day, a model, and tokens or a cost, under common names of these columns.

Pages may follow each other: as a JSON list, or one document a line.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from assay.core import InvalidInput, Money

_EPOCH = date(1970, 1, 1).toordinal()
_HUNDREDTHS = Decimal(100)
_MOST_DIGITS = 15
_LAST_DAY = 100_000
"""In the year 2243."""

Json = dict[str, Any]


class Reported(msgspec.Struct, kw_only=True, frozen=True):
    """What a provider says of one day and one model (None: of all). Tokens are disjoint; None where it does not say.

    ``tokens`` is the sum, where only that is told.
    """

    day: int
    model: str | None
    requests: int | None = None
    input: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output: int | None = None
    tokens: int | None = None
    cost: Money | None = None


def read_report(data: bytes) -> list[Reported]:
    """All that a file reports.

    Raises:
        InvalidInput: ``reconcile.unknown_format``, or ``reconcile.bad_row`` with its number.
    """
    text = data.decode("utf-8-sig", "replace").strip()
    try:
        found = [*_read_json(text)] if text[:1] in ("{", "[") else [*_read_csv(text)]
    except RecursionError:
        raise _unknown("it is nested too deep") from None
    if not found:
        raise _unknown("nothing in it is a day's usage or cost")
    return found


def _read_json(text: str) -> Iterator[Reported]:
    try:
        documents = msgspec.json.decode(text)
    except msgspec.DecodeError:
        try:
            documents = [msgspec.json.decode(line) for line in text.splitlines() if line.strip()]
        except msgspec.DecodeError as error:
            raise _unknown(f"it is no JSON: {error}") from None
    for document in documents if isinstance(documents, list) else [documents]:
        if not isinstance(document, dict):
            raise _unknown("a page is no object")
        rows = document.get("data", [document])
        for number, row in enumerate(rows if isinstance(rows, list) else [], 1):
            yield from _row(row, number)


def _row(row: Any, number: int) -> Iterator[Reported]:
    try:
        if "results" in row:
            day = _day(row["start_time"] if "start_time" in row else row["starting_at"])
            for result in row["results"]:
                yield from _anthropic(day, result) if "starting_at" in row else _openai(day, result)
        elif "date" in row:
            yield _named(row)
        else:
            raise _unknown("its fields are none that are known")
    except (KeyError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise _bad_row(number, error) from None


def _openai(day: int, result: Json) -> Iterator[Reported]:
    if "amount" in result:
        amount = result["amount"]
        # "gpt-4o-2024-08-06, cached input": the model and what of it
        model = str(result["line_item"]).partition(",")[0].strip() if result.get("line_item") else None
        yield Reported(day=day, model=model, cost=Money.of(_amount(amount["value"]), _currency(amount.get("currency"))))
        return
    cached, written = _int(result.get("input_cached_tokens")), _int(result.get("input_cache_write_tokens"))
    yield Reported(
        day=day,
        model=_model(result),
        requests=_int(result.get("num_model_requests")),
        input=_int(result["input_tokens"]) - cached - written,
        cache_read=cached,
        cache_write=written,
        output=_int(result["output_tokens"]),
    )


def _anthropic(day: int, result: Json) -> Iterator[Reported]:
    if "amount" in result:
        amount = _amount(result["amount"]) / _HUNDREDTHS
        yield Reported(day=day, model=_model(result), cost=Money.of(amount, _currency(result.get("currency"))))
        return
    written = result.get("cache_creation") or {}
    yield Reported(
        day=day,
        model=_model(result),
        input=_int(result["uncached_input_tokens"]),
        cache_read=_int(result.get("cache_read_input_tokens")),
        cache_write=sum(_int(count) for count in written.values()),
        output=_int(result["output_tokens"]),
    )


_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "day": ("day", "date", "usage start date", "usage_start_time", "created_at", "usage date"),
    "model": ("model", "model_permaslug", "model name", "sku description", "sku.description", "sku_description"),
    "requests": ("requests", "calls", "num_model_requests"),
    "input": ("input_tokens", "prompt_tokens", "tokens_prompt", "input"),
    "cache_read": ("cache_read_tokens", "cached_tokens", "tokens_cached", "cache_read_input_tokens"),
    "cache_write": ("cache_write_tokens", "cache_creation_input_tokens"),
    "output": ("output_tokens", "completion_tokens", "tokens_completion", "output"),
    "tokens": ("tokens", "total_tokens", "usage amount", "usage.amount"),
    "cost": ("cost", "usage", "cost_total", "amount", "cost ($)", "cost (usd)", "spend", "subtotal ($)"),
    "currency": ("currency",),
}
"""What the columns of tables are called, in small letters."""


def _read_csv(text: str) -> Iterator[Reported]:
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        for number, cells in enumerate(rows, 1):
            names = [cell.strip().lower() for cell in cells]
            # A cost table begins with lines about the account.
            if _column(names, "day") is not None and (_column(names, "cost") is not None or _column(names, "output") is not None):
                yield from _read_lines(names, rows, number)
                return
    except csv.Error as error:
        raise _unknown(f"it is no CSV: {error}") from None
    raise _unknown("no line of it names the columns 'day' and 'cost'")


def _read_lines(names: list[str], rows: Iterable[list[str]], first: int) -> Iterator[Reported]:
    for number, cells in enumerate(rows, first + 1):
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        if not row.get(names[_column(names, "day") or 0]):
            continue  # sums below the table
        try:
            yield _named(row)
        except (KeyError, ValueError, ArithmeticError) as error:
            raise _bad_row(number, error) from None


def _column(names: Iterable[str], field: str) -> int | None:
    known = list(names)
    return next((known.index(name) for name in _COLUMNS[field] if name in known), None)


def _named(row: Mapping[str, Any]) -> Reported:
    """A row of named values, whatever its names."""

    def value(field: str) -> Any:
        return next((row[name] for name in _COLUMNS[field] if row.get(name) not in (None, "")), None)

    known = {
        field: None if value(field) is None else _int(value(field))
        for field in ("requests", "input", "cache_read", "cache_write", "output")
    }
    if known["cache_read"] and known["input"] is not None and "input_tokens" not in row:
        known["input"] -= known["cache_read"]  # of a prompt that holds both
    model, tokens = value("model"), value("tokens")
    if model is not None and not isinstance(model, str):
        raise TypeError("a model is no text")
    if isinstance(model, str) and (sku := _SKU.search(model)) is not None:
        kind = "cache_read" if "cach" in model.lower() else "output" if "output" in model.lower() else "input"
        known[kind], tokens, model = (None if tokens is None else _int(tokens)), None, re.sub(r"[\s_]+", "-", sku[0].lower())
    cost = value("cost")
    return Reported(
        day=_day(value("day")),
        model=model,
        **known,
        tokens=None if tokens is None else _int(tokens),
        cost=None if cost is None else Money.of(_amount(cost), _currency(value("currency"))),
    )


_SKU = re.compile(r"(?i)\bgemini[\s_-]+[\d.]+(?:[\s_-]+(?:pro|flash|ultra|nano))(?:[\s_-]+lite)?\b")


def _model(result: Json) -> str | None:
    model = result.get("model")
    if model is not None and not isinstance(model, str):
        raise TypeError("a model is no text")
    return model


def _currency(value: Any) -> str:
    return str(value or "USD").upper()[:3]


def _amount(value: Any) -> Decimal:
    amount = Decimal(str(value).replace(",", "").replace("$", "").strip())
    if not amount.is_finite() or amount.adjusted() > _MOST_DIGITS:
        raise ValueError(f"{str(value)[:40]} is no amount")
    return amount


def _int(value: Any) -> int:
    return 0 if value is None else int(_amount(value))


def _day(value: Any) -> int:
    if isinstance(value, int | float):
        day = int(value) // 86_400
    else:
        moment = datetime.fromisoformat(str(value).strip().removesuffix(" UTC"))
        day = (moment.astimezone(UTC) if moment.tzinfo is not None else moment).toordinal() - _EPOCH
    if not 0 <= day < _LAST_DAY:
        raise ValueError(f"{str(value)[:40]} is no day of ours")
    return day


def _unknown(reason: str) -> InvalidInput:
    return InvalidInput(
        "reconcile.unknown_format",
        f"This is no report that is known: {reason}.",
        hint="Give JSON of the provider's usage or cost API, or CSV with the columns day, model, cost.",
    )


def _bad_row(number: int, error: Exception) -> InvalidInput:
    return InvalidInput(
        "reconcile.bad_row",
        f"Row {number} of the report cannot be read: {type(error).__name__}: {error}"[:300],
        hint="Mend the row or leave it out; days are written like 2026-11-22, amounts like 12.50.",
    )
