"""`assay vault rotate` beside a running server: no request is refused, keys go on working, whoever was signed in signs in again."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from assay.core import new_id
from tests.cli.command import command
from tests.postgres import Postgres
from tests.server import running
from tests.store.test_migrate import make_database

HELLO = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "2 + 2"}]}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_requests_go_on_while_the_master_key_changes(tmp_path: Path, workers: str) -> None:
    with running(tmp_path, "--demo", "--workers", workers) as assay:
        assay.sign_in()
        assert assay.ask("GET", "/api/v1/keys").status == 200
        statuses: list[int] = []
        over = threading.Event()

        def ask_on() -> None:
            while not over.is_set():
                statuses.append(assay.chat(HELLO).status)

        asking = [threading.Thread(target=ask_on) for _ in range(3)]
        for thread in asking:
            thread.start()
        done = [command(tmp_path, "vault", "rotate", "--json").json for _ in range(2)]
        over.set()
        for thread in asking:
            thread.join()
        assert statuses
        assert set(statuses) == {200}
        assert done[1]["former"] == done[0]["fingerprint"] != done[1]["fingerprint"]
        assert assay.ask("GET", "/api/v1/keys").status == 401
        made = command(tmp_path, "key", "create", "after", "--json").json
        assert assay.chat(HELLO, made["key"]).status == 200
    with running(tmp_path, "--demo") as assay:
        assert assay.chat(HELLO, made["key"]).status == 200
        assert sorted(file.name for file in (tmp_path / "secret").iterdir())[0] == "master.key"


def test_a_rotation_without_a_server_says_where_both_keys_are(tmp_path: Path) -> None:
    command(tmp_path, "key", "create", "before")
    done = command(tmp_path, "vault", "rotate")
    assert (done.code, "secret/master.key. It locks 0 secrets." in done.out, "Delete the old one" in done.err) == (0, True, True)
    assert command(tmp_path, "key", "list", "--json").json[0]["name"] == "before"


def test_another_server_on_the_same_database_takes_the_new_key_and_refuses_nothing(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.url(asyncio.run(make_database(postgres, f"two{new_id().replace('-', '')}")))
    shared = {"ASSAY_DATABASE": url, "ASSAY_MASTER_KEY": str(tmp_path / "keys" / "master.key")}
    here, there = tmp_path / "here", tmp_path / "there"
    with running(here, "--demo", environ=shared) as one, running(there, "--demo", environ=shared) as other:
        assert command(here, "vault", "rotate", environ=shared).code == 0
        deadline = time.monotonic() + 30
        while b"took the new master key" not in other.stderr:
            assert other.chat(HELLO, one.gateway_key).status == 200
            assert time.monotonic() < deadline
        made = command(there, "key", "create", "made there", "--json", environ=shared).json
        assert other.chat(HELLO, made["key"]).status == 200
        while one.chat(HELLO, made["key"]).status != 200:
            assert time.monotonic() < deadline
