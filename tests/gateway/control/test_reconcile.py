"""What providers report beside what is on record: their formats, how names match, what explains a difference."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Call, InvalidInput, Money, Price, Usage
from assay.gateway.control.reconcile import DriftLine, compare_bills, match, reconcile
from assay.gateway.control.reports import Reported, read_report
from assay.store import Database
from assay.store.spend import SpentOn, each_billed
from tests.store.test_spend import call, save

pytestmark = pytest.mark.anyio
DAY = 20_409  # 2025-11-17
AT = DAY * 86_400
PRICE = Price(input=1_000_000_000, output=4_000_000_000, cache_read=100_000_000)


def spent(**known: Any) -> SpentOn:
    """A million tokens in and a million out, by `PRICE`."""
    usual = SpentOn(
        day=DAY, key_id="k", user_id="", team_id="", provider="up", model="m", purpose="traffic", currency="USD", calls=10,
        input_tokens=1_000_000, output_tokens=1_000_000, cost_nano=5 * 10**9, low_nano=5 * 10**9, high_nano=5 * 10**9,
    )  # fmt: skip
    for name, value in known.items():
        setattr(usual, name, value)
    return usual


def billed(**known: Any) -> Reported:
    usual = Reported(
        day=DAY, model="m", requests=10, input=1_000_000, cache_read=0, cache_write=0, output=1_000_000, cost=Money.of("5")
    )
    return msgspec.structs.replace(usual, **known)


def only(theirs: Reported, ours: SpentOn) -> DriftLine:
    (line,) = reconcile("up", [theirs], [ours], {"m": PRICE}).lines
    return line


OPENAI_USAGE = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": AT,
            "end_time": AT + 86_400,
            "results": [
                {
                    "object": "organization.usage.completions.result",
                    "input_tokens": 1000,
                    "output_tokens": 500,
                    "input_cached_tokens": 800,
                    "input_cache_write_tokens": 50,
                    "num_model_requests": 5,
                    "model": "gpt-5.2-2025-12-11",
                }
            ],
        }
    ],
    "has_more": False,
}
OPENAI_COSTS = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": AT,
            "end_time": AT + 86_400,
            "results": [
                {
                    "object": "organization.costs.result",
                    "amount": {"value": 0.06, "currency": "usd"},
                    "line_item": "gpt-5.2-2025-12-11, cached input",
                }
            ],
        }
    ],
}
ANTHROPIC_USAGE = {
    "data": [
        {
            "starting_at": "2025-11-17T00:00:00Z",
            "ending_at": "2025-11-18T00:00:00Z",
            "results": [
                {
                    "uncached_input_tokens": 150,
                    "cache_read_input_tokens": 800,
                    "cache_creation": {"ephemeral_1h_input_tokens": 30, "ephemeral_5m_input_tokens": 20},
                    "output_tokens": 500,
                    "model": "claude-opus-4-6",
                }
            ],
        }
    ]
}
ANTHROPIC_COSTS = {
    "data": [
        {
            "starting_at": "2025-11-17T00:00:00Z",
            "results": [
                {
                    "amount": "123.45",
                    "currency": "USD",
                    "model": "claude-opus-4-6",
                    "cost_type": "tokens",
                    "token_type": "output_tokens",
                }
            ],
        }
    ]
}
OPENROUTER = {
    "data": [
        {
            "date": "2025-11-17",
            "model": "openai/gpt-5.2",
            "model_permaslug": "openai/gpt-5.2-20251211",
            "usage": 0.015,
            "byok_usage_inference": 0.0,
            "requests": 5,
            "prompt_tokens": 50,
            "completion_tokens": 125,
            "reasoning_tokens": 25,
        }
    ]
}
GOOGLE = """Billing account name,My account
Invoice month,2025-11

Service description,SKU description,Usage start date,Usage amount,Usage unit,Cost ($)
Gemini API,Generate content input token count gemini 2.5 flash short input text,2025-11-17,"1,000",count,0.30
Gemini API,Generate content output token count gemini 2.5 flash short output text,2025-11-17,200,count,0.50
Gemini API,Cached content token count gemini 2.5 flash,2025-11-17,50,count,0.01
,,,,Subtotal,0.81
"""
PLAIN = "Day,Model,Tokens,Cost,Currency\n2025-11-17,m,150,1.25,EUR\n2025-11-18,=m2,10,0.5,EUR\n"
CREATED = "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,tokens_cached,model_permaslug\ngen-1,2025-11-17 10:00:00.123,0.002,100,20,60,openai/gpt-5.2\n"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            OPENAI_USAGE,
            [Reported(day=DAY, model="gpt-5.2-2025-12-11", requests=5, input=150, cache_read=800, cache_write=50, output=500)],
        ),
        (OPENAI_COSTS, [Reported(day=DAY, model="gpt-5.2-2025-12-11", cost=Money.of("0.06"))]),
        (ANTHROPIC_USAGE, [Reported(day=DAY, model="claude-opus-4-6", input=150, cache_read=800, cache_write=50, output=500)]),
        (ANTHROPIC_COSTS, [Reported(day=DAY, model="claude-opus-4-6", cost=Money.of("1.2345"))]),
        (OPENROUTER, [Reported(day=DAY, model="openai/gpt-5.2", requests=5, input=50, output=125, cost=Money.of("0.015"))]),
        (
            GOOGLE,
            [
                Reported(day=DAY, model="gemini-2.5-flash", input=1000, cost=Money.of("0.30")),
                Reported(day=DAY, model="gemini-2.5-flash", output=200, cost=Money.of("0.50")),
                Reported(day=DAY, model="gemini-2.5-flash", cache_read=50, cost=Money.of("0.01")),
            ],
        ),
        (
            PLAIN,
            [
                Reported(day=DAY, model="m", tokens=150, cost=Money.of("1.25", "EUR")),
                Reported(day=DAY + 1, model="=m2", tokens=10, cost=Money.of("0.5", "EUR")),
            ],
        ),
        (CREATED, [Reported(day=DAY, model="openai/gpt-5.2", input=40, cache_read=60, output=20, cost=Money.of("0.002"))]),
    ],
    ids=["openai usage", "openai costs", "anthropic usage", "anthropic costs", "openrouter", "google", "plain", "per request"],
)
def test_each_providers_report_is_read_in_disjoint_tokens(document: Any, expected: list[Reported]) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    assert read_report(text.encode()) == expected
    if not isinstance(document, str):  # pages that follow each other
        assert read_report(f"{text}\n{text}\n".encode()) == read_report(f"[{text}, {text}]".encode()) == expected * 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "reconcile.unknown_format"),
        (b"{", "reconcile.unknown_format"),
        (b"[1, 2]", "reconcile.unknown_format"),
        (b'{"data": [{"what": 1}]}', "reconcile.unknown_format"),
        (b"a,b\n1,2\n", "reconcile.unknown_format"),
        (b"day,model,cost\nyesterday,m,1\n", "reconcile.bad_row"),
        (b"day,model,cost\n2025-11-17,m,dear\n", "reconcile.bad_row"),
        (b'{"data": [{"start_time": "x", "results": [{"input_tokens": 1}]}]}', "reconcile.bad_row"),
        (b'{"data": [{"starting_at": "2025-11-17T00:00:00Z", "results": [3]}]}', "reconcile.bad_row"),
        (b"\xff\xfe\x00", "reconcile.unknown_format"),
        (b"[" * 200_000, "reconcile.unknown_format"),
        (b'{"data": ["date"]}', "reconcile.bad_row"),
        (b'{"data": [{"date": "9999-12-31", "model": "m", "cost": 1}]}', "reconcile.bad_row"),
        (b'{"data": [{"date": "2025-11-17", "model": {}, "cost": 1}]}', "reconcile.bad_row"),
        (b'{"data": [{"date": "2025-11-17", "model": "m", "cost": "1e999999999"}]}', "reconcile.bad_row"),
        (b'{"data": [{"date": "2025-11-17", "model": "m", "cost": "NaN"}]}', "reconcile.bad_row"),
        (b'{"data": [{"start_time": 1e300, "results": [{"input_tokens": 1, "output_tokens": 1}]}]}', "reconcile.bad_row"),
        (b'{"data": [{"start_time": 1763337600, "results": [{"amount": [1]}]}]}', "reconcile.bad_row"),
    ],
)
def test_what_is_no_report_is_said_to_be_none(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_report(data)
    assert caught.value.code == code


FIELDS = """
    data results start_time starting_at date model amount value currency line_item cost usage input_tokens output_tokens
    uncached_input_tokens cache_creation input_cached_tokens tokens requests
"""
words = st.sampled_from(FIELDS.split())
atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["2025-11-17", "1.5", "m", "usd"])
)
trees = st.recursive(atoms, lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=5), max_leaves=12)


@given(st.lists(st.dictionaries(words, trees, max_size=6), max_size=3))
def test_whatever_a_file_holds_it_is_a_report_or_refused(rows: list[dict[str, Any]]) -> None:
    """And what is read can be laid beside ours."""
    try:
        theirs = read_report(json.dumps({"data": rows}).encode())
    except InvalidInput:
        return
    reconcile("up", theirs, [spent()], {"m": PRICE})


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("m", {"m"}, "m"),
        ("openai/gpt-5.2", {"gpt-5.2"}, "gpt-5.2"),
        ("gpt-5.2-2025-12-11", {"gpt-5.2"}, "gpt-5.2"),
        ("claude-opus-4-6-20260101", {"claude-opus-4-6"}, "claude-opus-4-6"),
        ("gpt-5.2", {"openai/gpt-5.2-20251211"}, "openai/gpt-5.2-20251211"),
        ("gpt-5.2-mini", {"gpt-5.2"}, "gpt-5.2-mini"),
        (None, {"m"}, None),
    ],
)
def test_models_are_known_without_maker_and_date(theirs: str | None, ours: set[str], expected: str | None) -> None:
    assert match(theirs, ours) == expected


def test_equal_bills_are_equal_though_reports_are_rounded() -> None:
    assert only(billed(cost=Money.of("5.0004")), spent()).reason == "equal"
    assert only(billed(cost=None), spent()).reason == "equal"


def test_the_bucket_that_differs_by_the_most_money_is_named() -> None:
    """A hundred thousand tokens more out weigh more than two hundred thousand more from the cache."""
    line = only(billed(cache_read=200_000, output=1_100_000, cost=Money.of("5.42")), spent())
    assert (line.reason, line.bucket, line.drift_nano) == ("tokens", "output", -420_000_000)
    assert line.drift == pytest.approx(-0.0775, abs=1e-4)
    cached = only(billed(input=100_000, cache_read=900_000, cost=Money.of("4.19")), spent())
    assert (cached.reason, cached.bucket) == ("tokens", "input")


def test_the_same_tokens_at_another_price_are_told_apart() -> None:
    line = only(billed(cost=Money.of("6")), spent())
    assert (line.reason, line.bucket) == ("price", None)


def test_estimates_explain_what_lies_within_their_bounds() -> None:
    doubtful = spent(estimated=2, low_nano=45 * 10**8, high_nano=62 * 10**8)
    assert only(billed(cost=Money.of("6")), doubtful).reason == "within_estimates"
    assert only(billed(cost=Money.of("6.5")), doubtful).reason == "price"
    report = reconcile("up", [billed(cost=Money.of("6"))], [doubtful], {})
    assert report.drift == pytest.approx(-1 / 6)
    assert report.beyond == 0
    beyond = reconcile("up", [billed(cost=Money.of("6.5"))], [doubtful], {})
    assert beyond.beyond == pytest.approx(0.3 / 6.5)


def test_missing_days_unknown_models_and_missing_prices_are_named() -> None:
    theirs = [billed(), billed(model="other"), billed(day=DAY + 1), billed(day=DAY + 3, model="free", cost=Money.of("1"))]
    ours = [
        spent(), spent(day=DAY + 2), spent(day=DAY + 9),
        spent(day=DAY + 3, model="free", currency="", unpriced=4, cost_nano=0, low_nano=0, high_nano=0),
    ]  # fmt: skip
    report = reconcile("up", theirs, ours, {"m": PRICE})
    assert [(line.day, line.model, line.reason) for line in report.lines] == [
        ("2025-11-17", "m", "equal"),
        ("2025-11-17", "other", "missing_here"),
        ("2025-11-18", "m", "missing_here"),
        ("2025-11-19", "m", "missing_there"),
        ("2025-11-20", "free", "unpriced"),
    ]
    assert (report.missing_here, report.missing_there, report.unpriced) == (["2025-11-18"], ["2025-11-19"], ["free"])


def test_a_report_of_days_alone_is_laid_beside_all_models() -> None:
    theirs = [billed(model=None, cost=Money.of("10"))]
    report = reconcile("up", theirs, [spent(), spent(model="m2", key_id="k2")], {})
    (line,) = report.lines
    assert (line.model, line.drift_nano, line.reason) == (None, 0, "equal")


async def test_bills_of_calls_are_laid_beside_the_price_list(database: Database) -> None:
    """OpenRouter sends a bill with each answer; one that the price list does not come to is named."""
    usage = Usage(input=1_000_000, output=0)
    fair = [call(usage=msgspec.structs.replace(usage, reported=Money.of("1")), cost=Money.of("1")) for _ in range(3)]
    dear = call(usage=msgspec.structs.replace(usage, reported=Money.of("1.10")), cost=Money.of("1.10"))
    await save(
        database,
        *fair,
        dear,
        call(usage=usage),
        call(provider="other", usage=msgspec.structs.replace(usage, reported=Money.of("9"))),
    )
    (bills,) = await compare_bills(each_billed(database, "up", 0, 99_999), {"m": PRICE})
    assert (bills.calls, bills.differing, bills.reported_nano, bills.listed_nano) == (4, 1, 4_100_000_000, 4_000_000_000)
    assert [(one.id, one.reported, one.listed) for one in bills.worst] == [(dear.id, Money.of("1.10"), Money.of("1"))]
    assert await compare_bills(each_billed(database, "up", 0, 99_999, [dear.request_id]), {"m": PRICE}) != [bills]


async def test_only_the_worst_of_many_are_kept() -> None:
    async def calls() -> AsyncIterator[Call]:
        for number in range(100):
            yield call(usage=Usage(input=1_000_000, reported=Money(10**9 + number * 10**7)))

    (bills,) = await compare_bills(calls(), {"m": PRICE})
    assert (bills.differing, len(bills.worst)) == (99, 20)
    assert [one.reported.nano for one in bills.worst[:2]] == [10**9 + 99 * 10**7, 10**9 + 98 * 10**7]
