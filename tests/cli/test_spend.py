"""``assay spend`` in a terminal and for machines: sums, exports, and a provider's report beside them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.core import Money, Usage
from assay.store import migrate, open_database
from assay.web import SCHEMAS
from tests.cli.command import command
from tests.server import RunningAssay, running
from tests.store.test_spend import DAY, call, save

PROVIDER = '[providers.up]\ntitle = "Up"\nbase_url = "http://127.0.0.1:9/v1"\n[[providers.up.models]]\nname = "m"\nprice = { input = "1", output = "2", date = "2026-11-22" }\n'
AT = DAY * 86_400


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server on whose record are four calls of one day, one of them estimated, and one of the next."""
    folder = tmp_path_factory.mktemp("spend")
    (folder / "data").mkdir(mode=0o700)
    (folder / "assay.toml").write_text(PROVIDER)
    asyncio.run(_fill(folder / "data" / "assay.db"))
    with running(folder) as server:
        yield server


async def _fill(path: Path) -> None:
    db = await open_database(f"sqlite:///{path}")
    await migrate(db, *SCHEMAS)
    usage = Usage(input=1_000_000, output=1_000_000)
    await save(
        db,
        *[call(usage=usage, cost=Money.of("3")) for _ in range(3)],
        call(usage=usage, cost=Money.of("3"), cost_between=(2 * 10**9, 5 * 10**9), outcome="cancelled", key="local"),
        call(usage=Usage(input=1_000_000, reported=Money.of("1.5")), cost=Money.of("1.5"), at=(DAY + 1) * 86_400_000_000),
    )
    await db.close()


def test_sums_are_a_table_by_what_was_asked(spent: RunningAssay) -> None:
    by_day = command(spent.folder, "spend")
    assert by_day.code == 0, by_day
    lines = by_day.out.splitlines()
    assert lines[0].split() == [
        "day",
        "calls",
        "failed",
        "no",
        "price",
        "estimated",
        "input",
        "from",
        "cache",
        "output",
        "cost",
        "between",
    ]
    assert lines[1].split()[:2] == ["2024-10-05", "1"]
    assert lines[2].split()[-5:] == ["12.00", "USD", "11.00", "and", "14.00"]
    by_key = command(spent.folder, "spend", "--by", "key", "--until", "2024-10-05")
    assert "the local door" in by_key.out
    assert command(spent.folder, "spend", "--by", "model", "--json").json["rows"][0]["what"] == "m"


def test_an_export_is_one_table(spent: RunningAssay) -> None:
    done = command(spent.folder, "spend", "--csv", "--since", "2024-10-05")
    (row,) = csv.DictReader(io.StringIO(done.out, newline=""))
    assert (row["day"], row["model"], row["cost_nano"]) == ("2024-10-05", "m", "1500000000")


def test_a_day_that_is_none_is_refused(spent: RunningAssay) -> None:
    done = command(spent.folder, "spend", "--since", "yesterday")
    assert (done.code, "spend.bad_day" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("cost", "gate", "code", "why"),
    [
        ("12.00", "0", 0, "equal"),
        ("13.50", "0", 0, "within the bounds of our estimates"),
        ("20.00", "50", 0, "the same tokens at another price"),
        ("20.00", "10", 1, "the same tokens at another price"),
    ],
)
def test_a_report_is_laid_beside_the_record_and_gated(spent: RunningAssay, cost: str, gate: str, code: int, why: str) -> None:
    report = f"day,model,input_tokens,output_tokens,cost\n2024-10-04,openai/m-20240101,4000000,4000000,{cost}\n"
    (spent.folder / "report.csv").write_text(report)
    done = command(spent.folder, "spend", "reconcile", "report.csv", "--provider", "up", "--gate", gate)
    assert (done.code, why in done.out) == (code, True), done
    assert f"theirs {cost} USD" in done.err


def test_bills_of_single_calls_are_laid_beside_the_price_list(spent: RunningAssay) -> None:
    page = {
        "data": [
            {"date": "2024-10-05", "model": "m", "usage": 1.5, "requests": 1, "prompt_tokens": 1_000_000, "completion_tokens": 0}
        ]
    }
    done = command(spent.folder, "spend", "reconcile", "-", "--provider", "up", "--calls", "--json", stdin=json.dumps(page))
    assert done.json["report"]["lines"][0]["reason"] == "equal"
    (bills,) = done.json["bills"]
    assert (bills["differing"], bills["reported_nano"], bills["listed_nano"]) == (1, 1_500_000_000, 1_000_000_000)


def test_what_is_no_report_is_refused_with_a_way_out(spent: RunningAssay) -> None:
    done = command(spent.folder, "spend", "reconcile", "-", "--provider", "up", stdin="hello")
    assert (done.code, "reconcile.unknown_format" in done.err, "day, model, cost" in done.err) == (2, True, True)
