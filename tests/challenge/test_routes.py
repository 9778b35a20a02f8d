"""Challenges over their API, with the real service behind it and scripted models behind that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from assay.api import Endpoint
from assay.challenge.challenges import Challenges
from assay.challenge.people import People
from assay.challenge.queries import CHAIN
from assay.challenge.routes import REPORT_POLICY, routes
from assay.challenge.runner import Limits
from assay.core import Message, Request
from assay.store import Database
from assay.store.chain import read_verdicts, verify_chain
from tests.asgi import Session
from tests.challenge.scripted import JUDGE, NEW, OLD, ScriptedCaller, contest, find, questions, spec_of

pytestmark = pytest.mark.anyio

FAST = Limits(pauses_s=(0.0, 0.0), saving_pauses_s=(0.0, 0.0))
URL = "http://127.0.0.1:8470"


class Stage:
    """Scripted models, a challenge service over them, and its endpoints."""

    def __init__(self, database: Database, caller: ScriptedCaller, challenges: Challenges):
        self.caller = caller
        self.challenges = challenges
        self.people = People(database, challenges.hear, challenges.pass_over)
        self.url = URL
        self.endpoints: list[Endpoint] = routes(database, challenges, self.people, url=lambda: self.url)

    def session(self, name: str = "one") -> Session:
        return Session(self.endpoints, name)


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    caller = ScriptedCaller(contest(lambda number: 0.9))
    challenges = await Challenges.start(database, caller, find, limits=FAST)
    yield Stage(database, caller, challenges)
    await challenges.close()


@pytest.fixture
def admin(stage: Stage) -> Session:
    return stage.session()


async def begin(session: Session, items: int = 40, judges: tuple[str, ...] = (JUDGE.id,), **more: object) -> str:
    """The path of a challenge that was just begun."""
    reply = await session.post("/api/v1/challenges", msgspec.json.encode(spec_of(questions(items), judges, **more)))
    assert reply.status == 201, reply.json
    return f"/api/v1/challenges/{reply.json['id']}"


async def follow(session: Session, path: str) -> list[tuple[str, Any]]:
    """All events until the stream ends."""
    async with session.stream(f"{path}/events", method="GET") as events:
        return [event async for event in events]


async def find_pair(stage: Stage, session: Session, path: str) -> Any:
    """The next pair, for which the models may still have to answer; None once the challenge is over."""
    async with asyncio.timeout(20), aclosing(stage.challenges.watch(id_of(path))) as changes:
        async for _ in changes:
            if (reply := await session.get(f"{path}/pairs/next")).status == 200:
                return reply.json
    reply = await session.get(f"{path}/pairs/next")
    return reply.json if reply.status == 200 else None


async def next_pair(stage: Stage, session: Session, path: str) -> Any:
    """The next pair, which there must be."""
    pair = await find_pair(stage, session, path)
    assert pair is not None
    return pair


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


async def test_a_challenge_is_followed_to_its_verdict(admin: Session) -> None:
    path = await begin(admin)
    events = await follow(admin, path)
    assert [name for name, _ in events][:-1] == ["progress"] * (len(events) - 1)
    name, last = events[-1]
    assert (name, last["report"]["state"], last["report"]["decision"]["word"]) == ("end", "ended", "switch")
    assert (await admin.get(path)).json == last["report"]
    [summary] = (await admin.get("/api/v1/challenges")).json["challenges"]
    assert summary["id"] == last["report"]["id"]
    assert (summary["challenger"], summary["incumbent"], summary["state"]) == (NEW.id, OLD.id, "ended")
    assert summary["judged"] == last["report"]["tally"]["judged"] > 0
    assert summary["win_rate"] == last["report"]["win_rate"]
    assert await follow(admin, path) == [("end", last)], "what is over is told once"


async def test_whoever_stops_following_leaves_the_challenge_alone(admin: Session, stage: Stage) -> None:
    stage.caller.script = lambda deployment, request: None
    path = await begin(admin)
    async with admin.stream(f"{path}/events", method="GET") as events:
        name, said = await anext(events)
        assert (name, said["report"]["state"]) == ("progress", "running")
    assert (await admin.get(path)).json["state"] == "running"
    stopped = await admin.post(f"{path}/stop")
    assert (stopped.status, stopped.json["state"]) == (200, "stopped")
    stage.caller.script = contest(lambda number: 0.9)
    resumed = await admin.post(f"{path}/resume")
    assert (resumed.status, resumed.json["state"]) == (200, "running")
    assert (await follow(admin, path))[-1][1]["report"]["decision"]["word"] == "switch"


async def test_a_plan_asks_nobody(admin: Session, stage: Stage) -> None:
    reply = await admin.post("/api/v1/challenges/plan", msgspec.json.encode(spec_of(questions(30), limit=20)))
    assert reply.status == 200
    assert (reply.json["items"], reply.json["clusters"], reply.json["categories"]) == (20, 20, {"chat": 20})
    assert (reply.json["challenger"], reply.json["incumbent"], reply.json["bad"]) == (NEW.id, OLD.id, [])
    assert reply.json["estimate"]["nano"] > 0
    assert stage.caller.asked == []
    assert (await admin.get("/api/v1/challenges")).json == {"challenges": []}


async def test_items_are_listed_by_what_they_came_to(admin: Session, stage: Stage) -> None:
    stage.caller.script = contest(lambda number: (0.9, 0.5, 0.1)[number % 3])
    path = await begin(admin, 12)
    await follow(admin, path)
    whole = (await admin.get(f"{path}/items")).json
    assert [item["number"] for item in whole["items"]] == list(range(1, 13))
    assert whole["next"] is None
    for item in whole["items"]:
        asked = int(item["prompt"].removeprefix("Question ").removesuffix("?"))
        assert (item["outcome"], item["score"]) == (("won", 1.0), ("tied", 0.5), ("lost", 0.0))[asked % 3]
    won = (await admin.get(f"{path}/items?outcome=won&limit=3")).json
    assert [item["outcome"] for item in won["items"]] == ["won"] * 3
    rest = (await admin.get(f"{path}/items?outcome=won&after={won['next']}")).json
    assert (len(rest["items"]), rest["next"]) == (1, None)
    assert (await admin.get(f"{path}/items?category=code")).json["items"] == []
    assert "Worth" not in (await admin.get(f"{path}/items")).body.decode(), "whoever reads the list may still vote"


async def test_an_item_is_read_with_both_answers_and_every_judgment(admin: Session) -> None:
    path = await begin(admin)
    await follow(admin, path)
    item = (await admin.get(f"{path}/items/1")).json
    assert item["prefix"][0]["parts"][0]["text"].startswith("Question ")
    texts = {side: item["sides"][side]["turns"][-1]["parts"][0]["text"] for side in ("challenger", "incumbent")}
    assert texts == {"challenger": "Worth 0.9.", "incumbent": "Worth 0.5."}
    side = item["sides"]["challenger"]
    assert (side["name"], side["ending"], side["ttft_ms"], side["total_ms"]) == (NEW.id, "answered", 20, 120)
    assert side["cost"]["nano"] > 0
    assert (item["outcome"], item["score"]) == ("won", 1.0)
    judgments = sorted((one["first"], one["won"], one["kind"], one["judge"], one["outcome"]) for one in item["judgments"])
    assert judgments == [(first, "challenger", "model", JUDGE.id, "ok") for first in ("challenger", "incumbent")]
    assert {one["reason"] for one in item["judgments"]} == {"As I see it."}


async def test_a_report_is_written_down_and_can_run_nothing(admin: Session, stage: Stage) -> None:
    def script(deployment: str, request: Request) -> Message | None:
        said = contest(lambda number: 0.9)(deployment, request)
        assert isinstance(said, Message)
        if deployment == NEW.id:
            part = msgspec.structs.replace(said.parts[0], text=f"{said.text} <script>alert(1)</script>")
            return msgspec.structs.replace(said, parts=(part,))
        return said

    stage.caller.script = script
    path = await begin(admin)
    await follow(admin, path)
    html = await admin.get(f"{path}/report")
    assert html.headers["content-type"] == "text/html; charset=utf-8"
    assert html.headers["content-security-policy"] == REPORT_POLICY
    assert "script" not in REPORT_POLICY
    assert "content-disposition" not in html.headers
    assert b"<script" not in html.body
    assert b"&lt;script&gt;alert(1)" in html.body, "the clearest wins are there to read"
    text = await admin.get(f"{path}/report?format=md&download=1")
    assert text.headers["content-type"] == "text/markdown; charset=utf-8"
    id = id_of(path)
    assert text.headers["content-disposition"] == f'attachment; filename="challenge-{id}.md"'
    assert (await admin.get(f"{path}/report?format=json")).json == (await admin.get(path)).json
    assert (await admin.get(f"{path}/report?format=pdf")).json["code"] == "api.bad_query"


async def test_what_was_read_in_a_report_is_not_served_blind(admin: Session, stage: Stage) -> None:
    path = await begin(admin)
    await follow(admin, path)
    report = (await admin.get(path)).json
    read = {*report["clearest_wins"], *report["clearest_losses"]}
    assert (await next_pair(stage, admin, path))["number"] in read
    await admin.get(f"{path}/report?format=md")
    assert (await next_pair(stage, admin, path))["number"] not in read


async def test_people_decide_and_the_challenge_ends_by_their_votes(admin: Session, stage: Stage, database: Database) -> None:
    path = await begin(admin, 60, judges=("human",))
    votes = 0
    while (pair := await find_pair(stage, admin, path)) is not None:
        better = "a" if "0.9" in pair["a"][-1]["parts"][0]["text"] else "b"
        voted = await admin.post(f"{path}/pairs/{pair['number']}/vote", {"choice": better})
        if voted.status == 409:
            assert voted.json["code"] == "challenge.over", "the vote before decided it, while this pair was being fetched"
            break
        votes += 1
        assert (voted.status, voted.json["voted"]) == (200, votes)
    report = (await admin.get(path)).json
    assert report["decision"]["word"] == "switch"
    assert report["tally"]["judged"] == votes < 60
    [judge] = report["judges"]
    assert (judge["judge"], judge["kind"], judge["decides"], judge["judgments"]) == ("admin", "human", True, votes)
    assert (await verify_chain(database, CHAIN)).length == votes
    late = await admin.post(f"{path}/pairs/{votes + 1}/vote", {"choice": "a"})
    assert (late.status, late.json["code"]) == (409, "challenge.over")
    assert (await admin.get(f"{path}/pairs")).json == {
        "name": "admin", "open": False, "decides": True, "voted": votes, "waiting": 0
    }  # fmt: skip


async def test_nothing_that_a_voter_gets_names_a_model(admin: Session, stage: Stage) -> None:
    path = await begin(admin, 6, judges=("human",))
    invited = await admin.post(f"{path}/people", {"name": "Ana"})
    guest = await stage.people.redeem(id_of(path), invited.json["url"].rpartition("as=")[2])
    ana = stage.session(guest.session)
    for choice in ("a", "b", "tie", "both_bad"):
        pair = await next_pair(stage, ana, path)
        await ana.post(f"{path}/pairs/{pair['number']}/vote", {"choice": choice})
    pair = await next_pair(stage, ana, path)
    await ana.post(f"{path}/pairs/{pair['number']}/skip")
    await ana.get(f"{path}/pairs")
    await ana.post(f"{path}/pairs/1/vote", {"choice": "a"})
    seen = ana.seen.decode().lower()
    assert not [
        word for word in ("stage", "new", "old", "challenger", "incumbent", "call") if f'"{word}' in seen or f"{word}/" in seen
    ]


async def test_an_invitation_says_where_it_can_be_used(admin: Session, stage: Stage) -> None:
    path = await begin(admin, 6, judges=("human",))
    id = id_of(path)
    here = (await admin.post(f"{path}/people", {"name": "Ana"})).json
    assert here["url"].startswith(f"{URL}/challenges/{id}/vote?as=")
    assert here["this_machine_only"] is True
    for url, only_here in (("https://assay.example.org", False), ("http://192.0.2.7:8470", False), ("http://[::1]:8470", True)):
        stage.url = url
        reply = await admin.post(f"{path}/people", {"name": "Ana"})
        assert (reply.status, reply.json["this_machine_only"]) == (201, only_here)
        assert reply.json["person"] == here["person"]
    [person] = (await admin.get(f"{path}/people")).json["people"]
    assert person == {"person": here["person"], "name": "Ana", "votes": 0, "invited": True, "removed": False}
    assert (await admin.ask("DELETE", f"{path}/people/{here['person']}")).status == 204
    [person] = (await admin.get(f"{path}/people")).json["people"]
    assert (person["invited"], person["removed"]) == (False, True)


async def test_a_vote_on_a_judge_is_in_the_report_even_after_the_end(admin: Session, stage: Stage) -> None:
    path = await begin(admin)
    await follow(admin, path)
    assert (await admin.get(path)).json["agreements"] == []
    for _ in range(3):
        pair = await next_pair(stage, admin, path)
        better = "a" if "0.9" in pair["a"][-1]["parts"][0]["text"] else "b"
        await admin.post(f"{path}/pairs/{pair['number']}/vote", {"choice": better})
    report = (await admin.get(path)).json
    assert report["decision"]["word"] == "switch"
    assert [(one["pairs"], one["rate"]["value"]) for one in report["agreements"]] == [(3, 1.0)]


async def test_calls_of_pairs_that_people_may_still_judge_are_named_as_hidden(admin: Session, stage: Stage) -> None:
    path = await begin(admin, 20, judges=("human",))
    pair = await next_pair(stage, admin, path)
    asked = {filed for _, _, filed in stage.caller.asked}
    hidden = await stage.challenges.hidden_requests()
    assert asked <= set(hidden)
    await admin.post(f"{path}/pairs/{pair['number']}/vote", {"choice": "tie"})
    id = id_of(path)
    left = set(await stage.challenges.hidden_requests())
    assert set(hidden) - left == {f"{id}.{pair['number']}.challenger", f"{id}.{pair['number']}.incumbent"}
    await admin.post(f"{path}/stop")
    assert set(await stage.challenges.hidden_requests()) == left, "it may go on"


async def test_calls_that_a_judge_decides_are_not_hidden(admin: Session, stage: Stage) -> None:
    path = await begin(admin)
    await follow(admin, path)
    assert await stage.challenges.hidden_requests() == []


async def test_what_is_not_there_is_not_found(admin: Session) -> None:
    asked = [
        *(("GET", below) for below in ("", "/events", "/items", "/items/1", "/report", "/people", "/pairs", "/pairs/next")),
        *(("POST", below) for below in ("/stop", "/resume", "/pairs/1/skip")),
        ("DELETE", "/people/x"),
    ]
    for method, below in asked:
        reply = await admin.ask(method, f"/api/v1/challenges/nothing{below}")
        assert reply.status == 404, (method, below, reply.json)


async def test_a_number_that_no_item_has_is_not_found(admin: Session) -> None:
    path = await begin(admin, 3)
    for number in ("0", "99", "-1", "x", "1e3", "²", "99999999999999999999999"):
        reply = await admin.get(f"{path}/items/{number}")
        assert (reply.status, reply.json["code"]) == (404, "challenge.no_item")


async def test_a_ballot_that_is_none_is_refused(admin: Session, stage: Stage, database: Database) -> None:
    path = await begin(admin, 3, judges=("human",))
    pair = await next_pair(stage, admin, path)
    for body in (b"", b"{}", b'{"choice": "c"}', b'{"choice": "a", "by": "x"}', b"[", b"\xff"):
        reply = await admin.post(f"{path}/pairs/{pair['number']}/vote", body)
        assert (reply.status, reply.json["code"]) == (400, "api.bad_body")
    assert await read_verdicts(database, chain=CHAIN) == []
