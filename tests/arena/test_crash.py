"""A server that is killed at random moments under concurrent voters keeps every vote that it acknowledged, once."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path

import pytest

from assay.store import open_database
from assay.store.chain import read_verdicts, verify_chain
from tests.arena.voters import PATIENCE_S, PollingPlace, Voter
from tests.upstream import ScriptedUpstream

VOTERS = 8

CONFIG = """
[providers.scripted]
title = "Scripted"
base_url = "{url}"
auth = "none"
models = [{{name = "text"}}, {{name = "echo"}}, {{name = "burst"}}]
"""


def test_no_acknowledged_vote_is_lost_or_doubled(database_url: str, tmp_path: Path) -> None:
    """Two kills; `make prove` runs the twenty that are promised."""
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
        voters = [Voter(place, cookie) for cookie in place.sessions(VOTERS)]
        for voter in voters:
            voter.start()
        for _ in range(kills):
            # a random vote from now on, and a random moment of what the server does with it
            place.wait_for_votes(place.votes_sent + random.randint(VOTERS, 4 * VOTERS))
            threading.Event().wait(random.uniform(0, 0.02))
            place.kill()
            assay = place.open()
        place.wait_for_votes(place.votes_sent + VOTERS)
        place.close()
        for voter in voters:
            voter.join(PATIENCE_S)
            assert not voter.is_alive()
            assert voter.failure is None, (voter.failure, assay.stderr[-4000:].decode())
        assert assay.stop() == 0
        assert assay.process.stdout is not None
        assay.process.stdout.close()
    asyncio.run(compare(database_url, voters))


async def compare(database_url: str, voters: list[Voter]) -> None:
    """The log against the voters' ledgers."""
    db = await open_database(database_url)
    report = await verify_chain(db)
    assert report.ok, report
    logged = [(verdict.id, verdict.choice) for verdict in await read_verdicts(db)]
    await db.close()
    acknowledged = [(id, entry.choice) for voter in voters for id, entry in voter.ledger.items() if entry.acknowledged]
    assert len(acknowledged) >= VOTERS
    assert sorted(logged) == sorted(acknowledged)
