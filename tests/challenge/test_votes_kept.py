"""A person's vote that was acknowledged is there, once, whatever happened to the server, its database or the way to it."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from assay.challenge.people import People
from assay.challenge.queries import CHAIN
from assay.challenge.record import number_of
from assay.core import CHOICES, Conflict, Unavailable, Verdict
from assay.store import open_database
from assay.store.chain import read_verdicts, verify_chain
from tests.arena.cutting_proxy import When, cutting_proxy
from tests.arena.test_crash import CONFIG
from tests.arena.voters import PATIENCE_S, PollingPlace
from tests.challenge.pairs import add_challenge
from tests.upstream import ScriptedUpstream

COLLEAGUES = 5


@pytest.mark.anyio
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_connection_at_any_message_refuses_the_vote(database_url: str, when: When) -> None:
    """Where the commit went through and only its answer was lost, the challenge hears of the vote all the same."""
    heard: set[str] = set()

    def hear(id: str, number: int, verdict: Verdict) -> None:
        heard.add(verdict.id)

    directly = await open_database(database_url)
    async with cutting_proxy(database_url) as proxy:
        db = await open_database(proxy.url)
        people = People(db, hear, lambda id, number: None)
        run = await add_challenge(directly, 36)
        lost = refused = 0
        for number in range(1, 37):
            pair = await people.next_pair(run.id, "one")
            assert pair is not None
            assert pair.number == number
            proxy.cut(1 + number % 18, when)
            with_answer = await outcome(people, run.id, number)
            proxy.heal()
            saved = len(await read_verdicts(directly, chain=CHAIN)) == number
            if with_answer == "":
                assert saved
            else:
                assert with_answer == "store.unavailable"
                lost += saved
                refused += not saved
                assert await outcome(people, run.id, number) == ("vote.already_cast" if saved else "")
            assert f"{run.id}.{number}.human" in heard
        await db.close()
    assert refused >= 5
    assert (lost > 0) == (when == "after")
    verdicts = await read_verdicts(directly, chain=CHAIN)
    assert [number_of(verdict) for verdict in verdicts] == list(range(1, 37))
    assert (await verify_chain(directly, CHAIN)).ok
    await directly.close()


async def outcome(people: People, id: str, number: int) -> str:
    """The code of what went wrong with a vote, empty where it was taken; what it answers beside that does not matter."""
    try:
        await people.vote(id, number, "one", "a")
    except (Unavailable, Conflict) as error:
        return error.code
    return ""


def test_no_acknowledged_vote_is_lost_or_doubled(database_url: str, tmp_path: Path) -> None:
    """Two kills; `make prove` does twenty."""
    vote_under_kills(database_url, tmp_path, kills=2)


@pytest.mark.prove
@pytest.mark.timeout(600)
def test_no_acknowledged_vote_is_lost_or_doubled_in_twenty_kills(database_url: str, tmp_path: Path) -> None:
    vote_under_kills(database_url, tmp_path, kills=20)


def vote_under_kills(database_url: str, folder: Path, kills: int) -> None:
    with ScriptedUpstream(key=None) as upstream:
        config = folder / "assay.toml"
        config.write_text(CONFIG.format(url=upstream.url))
        place = PollingPlace(folder / "server", "--database", database_url, config=config)
        assay = place.open()
        [admin] = place.sessions(1)
        path = begin(assay.ask, admin)
        colleagues = [Colleague(place, path, invite(assay.ask, admin, path, f"Colleague {n}")) for n in range(COLLEAGUES)]
        for colleague in colleagues:
            colleague.start()
        for _ in range(kills):
            place.wait_for_votes(place.votes_sent + random.randint(COLLEAGUES, 3 * COLLEAGUES))
            threading.Event().wait(random.uniform(0, 0.02))
            place.kill()
            assay = place.open()
            assert assay.ask("POST", f"{path}/resume", headers={"cookie": admin}).status == 200
        place.wait_for_votes(place.votes_sent + COLLEAGUES)
        place.close()
        for colleague in colleagues:
            colleague.join(PATIENCE_S)
            assert not colleague.is_alive()
            assert colleague.failure is None, (colleague.failure, assay.stderr[-4000:].decode())
        assert assay.stop() == 0
        assert assay.process.stdout is not None
        assay.process.stdout.close()
    asyncio.run(compare(database_url, colleagues))


def begin(ask: Callable[..., Any], cookie: str) -> str:
    """The path of a challenge that people judge, with more items than they will."""
    text = "".join(f"Question {number}?\n" for number in range(1, 2001))
    spec = {
        "challenger": "scripted/text",
        "incumbent": "scripted/echo",
        "source": {"kind": "content", "name": "questions.txt", "text": text},
        "judges": ["human"],
        "limit": 2000,
        "margin": 0.001,
        "confidence": 0.999999,
    }
    reply = ask("POST", "/api/v1/challenges", spec, {"cookie": cookie})
    assert reply.status == 201, reply.json
    return f"/api/v1/challenges/{reply.json['id']}"


def invite(ask: Callable[..., Any], cookie: str, path: str, name: str) -> str:
    """The cookie of a colleague who was invited."""
    url = urlsplit(ask("POST", f"{path}/people", {"name": name}, {"cookie": cookie}).json["url"])
    return str(ask("GET", f"{url.path}?{url.query}").headers["set-cookie"].split(";")[0])


class Ballot(msgspec.Struct):
    """What a colleague knows of a vote of theirs."""

    choice: str
    acknowledged: bool = False
    sent: int = 0


class Colleague(threading.Thread):
    """Judges pair after pair until the polling place closes; the vote under way then is brought to its end."""

    def __init__(self, place: PollingPlace, path: str, cookie: str):
        super().__init__(daemon=True)
        self.ledger: dict[int, Ballot] = {}
        self.failure: Exception | None = None
        self._place = place
        self._path = path
        self._cookie = cookie
        self._random = random.Random()

    def run(self) -> None:
        try:
            while not self._place.closed:
                if (number := self._until_alive(self._next)) is not None:
                    self._vote(number)
        except Exception as error:  # noqa: BLE001 - the thread ends with it, and the test looks at it
            self.failure = error

    def _vote(self, number: int) -> None:
        ballot = self.ledger.setdefault(number, Ballot(self._random.choice(CHOICES)))
        while not ballot.acknowledged:
            self._until_alive(lambda: self._cast(number, ballot))

    def _next(self) -> int | None:
        status, said = self._ask("GET", f"{self._path}/pairs/next")
        assert status in {200, 204, 503}, said
        return int(said["number"]) if status == 200 else None

    def _cast(self, number: int, ballot: Ballot) -> None:
        ballot.sent += 1
        self._place.count_vote()
        status, said = self._ask("POST", f"{self._path}/pairs/{number}/vote", {"choice": ballot.choice})
        if status == 409:
            assert said["code"] == "vote.already_cast", said
            assert ballot.sent > 1, "a vote sent once was refused as a second one"
        ballot.acknowledged = status in {200, 409}
        assert status in {200, 409, 503}, said

    def _until_alive(self, work: Callable[[], Any]) -> Any:
        """Do it again after each death of the server."""
        while True:
            url = self._place.url
            try:
                return work()
            except (OSError, http.client.HTTPException):
                if self._place.closed:
                    raise
                self._place.wait_for_another(url)

    def _ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(urlsplit(self._place.url).netloc, timeout=PATIENCE_S)
        try:
            connection.request(method, path, json.dumps(body or {}), {"content-type": "application/json", "cookie": self._cookie})
            response = connection.getresponse()
            said = response.read()
            return response.status, json.loads(said) if said else None
        finally:
            connection.close()


async def compare(database_url: str, colleagues: list[Colleague]) -> None:
    """The log against the colleagues' ledgers."""
    db = await open_database(database_url)
    report = await verify_chain(db, CHAIN)
    assert report.ok, report
    logged = [(number_of(verdict), verdict.choice) for verdict in await read_verdicts(db, chain=CHAIN)]
    await db.close()
    acknowledged = [(number, ballot.choice) for one in colleagues for number, ballot in one.ledger.items() if ballot.acknowledged]
    assert len(acknowledged) >= COLLEAGUES
    assert sorted(logged) == sorted(acknowledged)
