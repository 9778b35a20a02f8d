"""The board over HTTP: ratings of the vote log, composed with what else is known of a model."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from assay.arena.imports import import_file
from assay.arena.rating import rate_tally, tally_verdicts
from assay.board import routes as board_routes
from assay.board.datasets import datasets
from assay.core import Call, Choice, Model, Price, Provider, Subject, Usage, Verdict, new_id, now_us
from assay.stats import Ties
from assay.store import Database, Vault
from assay.store.chain import append_verdicts, read_verdicts
from assay.store.queries import record_calls
from tests.board.reader import Reader

pytestmark = pytest.mark.anyio

PRICE = Price(input=150_000_000, output=600_000_000, source="https://example.org/prices", date="2026-11-01")
PROVIDERS = (
    Provider(name="mirror", title="Mirror", base_url="http://x", models=(Model(name="x"),)),
    Provider(
        name="acme",
        title="Acme",
        base_url="http://y",
        organization="Acme AI",
        models=(Model(name="x", title="The X", licence="MIT", price=PRICE), Model(name="y")),
    ),
)


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault.open(tmp_path / "keys" / "master.key")


@pytest.fixture
def api(database: Database, vault: Vault) -> Reader:
    add = partial(import_file, database, vault)
    return Reader(board_routes.routes(database, providers=lambda: PROVIDERS, hidden=requests_of_open_battles, import_file=add))


async def requests_of_open_battles() -> list[str]:
    return ["open.1a"]


def vote(a: str, b: str, choice: Choice, by: str = "v1:ann", flags: tuple[str, ...] = ()) -> Verdict:
    subjects = (Subject(model=a), Subject(model=b))
    return Verdict(id=new_id(), kind="vote", subjects=subjects, by=by, at=now_us(), choice=choice, flags=flags)


async def cast(database: Database, *votes: Verdict) -> None:
    async with database.transaction() as tx:
        await append_verdicts(tx, votes)


CIRCLE: list[tuple[str, str, Choice]] = [
    ("x", "y", "a"),
    ("y", "z", "a"),
    ("z", "x", "a"),
    ("x", "y", "a"),
    ("y", "x", "tie"),
    ("x", "z", "both_bad"),
]


async def test_without_votes_the_board_offers_public_ones(api: Reader) -> None:
    board = (await api.get("/api/v1/board")).json
    assert board["rows"] == board["sources"] == board["excluded"] == []
    assert board["source"] is None
    assert board["method"] is None
    [llmfao] = board["datasets"]
    assert (llmfao["name"], llmfao["votes"], llmfao["licence"], llmfao["imported"]) == ("llmfao", 8931, "CC BY 4.0", False)


async def test_ratings_are_those_of_the_command_line(api: Reader, database: Database) -> None:
    await cast(database, *(vote(a, b, choice, by=f"v1:{number % 3}") for number, (a, b, choice) in enumerate(CIRCLE * 5)))
    for ties in get_args(Ties):
        for cluster in ("none", "voter"):
            board = (await api.get(f"/api/v1/board?ties={ties}&cluster={cluster}")).json
            expected = rate_tally(tally_verdicts(await read_verdicts(database)), ties=ties, by_voter=cluster == "voter")
            for shown, row in zip(board["rows"], expected.models, strict=True):
                for name in row.__struct_fields__:
                    assert shown[name] == getattr(row, name)
            assert (board["method"]["ties"], board["method"]["cluster"]) == (ties, cluster)
            assert board["method"]["text_key"] == f"{ties}_{cluster}"
            assert board["method"]["computed_at"].endswith("Z")


async def test_a_new_vote_changes_the_board_and_an_old_fit_is_kept_until_then(api: Reader, database: Database) -> None:
    await cast(database, *(vote(*fields) for fields in CIRCLE))
    first = (await api.get("/api/v1/board")).json
    assert (await api.get("/api/v1/board")).json == first  # computed_at included
    await cast(database, vote("x", "y", "b"))
    second = (await api.get("/api/v1/board")).json
    assert second["method"]["votes"] == first["method"]["votes"] + 1
    assert {row["model"]: row["rating"] for row in second["rows"]} != {row["model"]: row["rating"] for row in first["rows"]}


async def test_one_hundred_readers_see_one_board(api: Reader, database: Database) -> None:
    """Readers that arrive together wait for one fit, and count no vote twice."""
    await cast(database, *(vote(*fields) for fields in CIRCLE))
    boards = await asyncio.gather(*(api.get("/api/v1/board") for _ in range(100)))
    assert len({json.dumps(board.json) for board in boards}) == 1
    assert boards[0].json["method"]["votes"] == len(CIRCLE)


async def test_collections_are_rated_apart_and_ones_own_comes_first(api: Reader, database: Database, vault: Vault) -> None:
    rows = "".join(f"{a},{b},{choice}\n" for a, b, choice in CIRCLE * 2)
    await import_file(database, vault, f"a,b,choice\n{rows}".encode(), "votes.csv", "mine")
    board = (await api.get("/api/v1/board")).json
    assert (board["source"], board["method"]["votes"]) == ("mine", 2 * len(CIRCLE))
    await cast(database, vote("p", "q", "a"))
    board = (await api.get("/api/v1/board")).json
    assert (board["source"], [row["reason"] for row in board["rows"]]) == ("here", ["undefeated", "winless"])
    mine = (await api.get("/api/v1/board?source=mine")).json
    assert mine["method"]["votes"] == 2 * len(CIRCLE)
    here, imported = sorted(mine["sources"], key=lambda source: source["name"])
    assert (here["votes"], imported["votes"]) == (1, 2 * len(CIRCLE))
    assert here["last"] is not None
    assert imported["last"] is None  # the file had no times; that of the import would be a lie


async def test_what_is_left_out_is_counted_by_reason(api: Reader, database: Database) -> None:
    leaked = vote("x", "y", "a", flags=("identity_leak",))
    await cast(database, *(vote(*fields) for fields in CIRCLE), leaked, vote("strong", "x", "a"))
    board = (await api.get("/api/v1/board")).json
    assert board["excluded"] == [{"reason": "identity_leak", "votes": 1}, {"reason": "not_connected", "votes": 1}]
    assert board["method"]["votes_used"] == len(CIRCLE)
    assert board["sources"][0]["votes"] == len(CIRCLE) + 2


async def test_a_row_joins_who_makes_it_what_it_costs_and_how_fast_it_was(api: Reader, database: Database) -> None:
    await cast(database, *(vote(*fields) for fields in CIRCLE))
    await record_calls(database, [_call("x", ttft, total) for ttft, total in ((100, 1100), (200, 2200), (900, 5900))], [])
    await record_calls(database, [msgspec.structs.replace(_call("x", 1, 2), request_id="open.1a")], [])
    rows = {row["model"]: row for row in (await api.get("/api/v1/board")).json["rows"]}
    x, y, z = rows["x"], rows["y"], rows["z"]
    assert (x["title"], x["provider"], x["organization"], x["licence"]) == ("The X", "acme", "Acme AI", "MIT")
    assert x["price"] == {
        "input": 150_000_000,
        "output": 600_000_000,
        "currency": "USD",
        "date": "2026-11-01",
        "source": "https://example.org/prices",
    }
    assert (x["ttft_ms_p50"], x["tokens_per_s_p50"], x["speed_calls"], x["speed_days"]) == (200.0, 50.0, 3, 30)
    assert (y["provider"], y["price"], y["ttft_ms_p50"], y["speed_calls"]) == ("acme", None, None, 0)
    assert (z["title"], z["provider"], z["organization"]) == ("z", None, None)
    assert x["preliminary"]


def _call(model: str, ttft_ms: int, total_ms: int) -> Call:
    return Call(
        id=new_id(),
        request_id=new_id(),
        at=now_us(),
        purpose="battle",
        outcome="ok",
        asked=model,
        deployment=f"acme/{model}",
        provider="acme",
        model=model,
        protocol="openai_chat",
        stream=True,
        duration_us=total_ms * 1000,
        ttft_us=ttft_ms * 1000,
        usage=Usage(input=10, output=100),
    )


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("ties=skip", 400, "api.bad_query"),
        ("cluster=prompt", 400, "api.bad_query"),
        ("source=nowhere", 404, "board.unknown_source"),
    ],
)
async def test_a_question_that_has_no_answer_is_refused(query: str, status: int, code: str, api: Reader) -> None:
    reply = await api.get(f"/api/v1/board?{query}")
    assert (reply.status, reply.json["code"]) == (status, code)


async def test_an_unknown_dataset_is_not_found(api: Reader) -> None:
    reply = await api.post("/api/v1/datasets/nothing/import")
    assert (reply.status, reply.json["code"]) == (404, "dataset.not_found")


async def test_the_board_does_not_offer_what_is_here(api: Reader, database: Database, vault: Vault) -> None:
    await import_file(database, vault, b"a,b,choice\nx,y,a\n", "votes.csv", "llmfao")
    assert (await api.get("/api/v1/board")).json["datasets"][0]["imported"]
    reply = await api.post("/api/v1/datasets/llmfao/import")
    assert (reply.status, reply.json["code"]) == (409, "votes.already_imported")


def test_shipped_datasets_say_whose_they_are() -> None:
    for row in datasets().values():
        assert row.url.startswith("https://")
        assert len(row.sha256) == 64
        assert row.licence
        assert row.author
