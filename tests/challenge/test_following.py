"""Whoever follows a challenge is told of its end, also where the server is what ends."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from tests.arena.test_crash import CONFIG
from tests.challenge.test_votes_kept import begin
from tests.server import Reply, running
from tests.upstream import ScriptedUpstream

PROMPTLY_S = 10
"""Less than half of what answers under way are given to end."""


def test_a_server_that_stops_does_not_wait_for_those_who_follow(tmp_path: Path) -> None:
    replies: list[Reply] = []
    with ScriptedUpstream(key=None) as upstream:
        (tmp_path / "assay.toml").write_text(CONFIG.format(url=upstream.url))
        with running(tmp_path / "server", environ={"ASSAY_CONFIG": str(tmp_path / "assay.toml")}) as assay:
            assay.sign_in()
            path = begin(assay.ask, assay.cookie)
            follower = threading.Thread(target=lambda: replies.append(assay.ask("GET", f"{path}/events")))
            follower.start()
            deadline = time.monotonic() + 20
            while assay.ask("GET", path).json["waiting_for_people"] == 0:
                assert time.monotonic() < deadline
            begun = time.monotonic()
            assert assay.stop() == 0
            assert time.monotonic() - begun < PROMPTLY_S
            follower.join(PROMPTLY_S)
            assert not follower.is_alive()
    [reply] = replies
    *_, last, end = reply.body.decode().split("\n\n")
    assert end == ""
    name, data = last.split("\n", 1)
    assert name == "event: end"
    assert json.loads(data.removeprefix("data: "))["report"]["state"] == "interrupted"
