"""The wall clock jumps a day forth and back while Assay runs: what takes time takes as long as it does, and keys stay what they are."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.server import running
from tests.workers.rig import chat, models, upstream, write_config

pytestmark = pytest.mark.anyio
JUMPS = """
import pathlib, time
_jump, _time, _time_ns = pathlib.Path(__file__).with_name("jump"), time.time, time.time_ns
def _days():
    return int(_jump.read_text() or 0)
time.time = lambda: _time() + 86_400 * _days()
time.time_ns = lambda: _time_ns() + 86_400_000_000_000 * _days()
"""


async def test_a_jump_of_the_clock_changes_no_duration_and_no_key(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    clock.mkdir()
    (clock / "sitecustomize.py").write_text(JUMPS)
    (clock / "jump").write_text("0")
    environ = {"SCRIPTED_API_KEY": "sk-upstream", "PYTHONPATH": os.pathsep.join([str(clock), *sys.path])}
    with upstream() as provider:
        write_config(tmp_path, provider)
        with running(tmp_path, "--demo", "--workers", "2", environ=environ) as assay:
            assay.sign_in()
            key = assay.gateway_key
            streams = [asyncio.create_task(chat(assay.url, key, "scripted/slow", stream=True)) for _ in range(4)]
            for days in ("1", "-1", "0"):
                (clock / "jump").write_text(days)
                made = assay.ask("POST", "/api/v1/keys", {"name": f"on day {days}"}).json
                assert await models(assay.url, made["key"]) == 200
                assert assay.ask("DELETE", f"/api/v1/keys/{made['id']}").status == 200
                assert await models(assay.url, made["key"]) == 401
                assert await models(assay.url, key) == 200
            replies = await asyncio.gather(*streams)
            assert {(reply.status, reply.complete) for reply in replies} == {(200, True)}
            took = [call["duration_us"] for call in assay.ask("GET", "/api/v1/calls?limit=50").json["calls"]]
            assert all(0 < duration_us < 60_000_000 for duration_us in took), took
