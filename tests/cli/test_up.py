"""`assay up` from its start to its end, commands without it, and what each says when it cannot."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chat_scripts import GREETING, says
from tests.cli.command import command, terminal
from tests.postgres import Postgres
from tests.server import RunningAssay, running, start
from tests.upstream import ScriptedUpstream

PASSWORD = "correct horse battery staple"


def test_a_second_server_on_one_data_folder_is_refused_and_the_first_is_named(assay: RunningAssay) -> None:
    done = command(assay.folder, "up", "--port", "0")
    assert (done.code, done.out) == (3, "")
    assert f"in use by the process {assay.process.pid}" in done.err
    assert "code: store.locked" in done.err


def test_a_port_in_use_is_named_and_what_was_begun_is_put_away(assay: RunningAssay, tmp_path: Path) -> None:
    port = str(urlsplit(assay.url).port)
    done = command(tmp_path, "up", "--port", port)
    assert (done.code, done.out) == (3, "")
    assert f"port {port}: Address already in use" in done.err
    assert not (tmp_path / "data" / "assay.sock").exists()
    found = command(tmp_path, "doctor", "--json", environ={"ASSAY_PORT": port})
    assert found.code == 1
    assert [finding["check"] for finding in found.json if not finding["ok"]] == ["server"]


def test_the_data_folder_the_key_and_the_door_are_private(assay: RunningAssay) -> None:
    modes = {name: stat.S_IMODE((assay.folder / name).stat().st_mode) for name in ("data", "data/assay.sock", "secret/master.key")}
    assert modes == {"data": 0o700, "data/assay.sock": 0o600, "secret/master.key": 0o600}


def test_listening_beyond_this_machine_needs_an_admin(tmp_path: Path) -> None:
    done = command(tmp_path, "up", "--host", "0.0.0.0", "--port", "0")
    assert done.code == 4
    assert "there is no admin account" in done.err
    assert "hint: Set `admin_password_file`" in done.err
    (tmp_path / "short").write_text("secret\n")
    short = command(tmp_path, "up", "--host", "0.0.0.0", "--port", "0", environ={"ASSAY_ADMIN_PASSWORD_FILE": "short"})
    assert short.code == 2
    assert "fewer than 12 characters" in short.err


def test_the_admin_signs_in_with_the_password_and_too_many_guesses_have_to_wait(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    with running(tmp_path, "--host", "0.0.0.0", environ={"ASSAY_ADMIN_PASSWORD_FILE": "password"}) as assay:
        assert assay.url.startswith("http://127.0.0.1:")
        assert assay.ask("GET", "/api/v1/session").json["password_login"] is True
        right = assay.ask("POST", "/api/v1/session", {"token": PASSWORD})
        assert right.status == 200
        assay.cookie = right.headers["set-cookie"].split(";")[0]
        assert assay.ask("GET", "/api/v1/keys").status == 200
        guesses = [assay.ask("POST", "/api/v1/session", {"token": f"guess number {n}"}).status for n in range(11)]
        assert guesses == [401] * 10 + [429]
        refused = assay.ask("POST", "/api/v1/session", {"token": PASSWORD})
        assert (refused.status, refused.json["code"]) == (429, "login.too_many_tries")
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert assay.ask("GET", "/api/v1/keys").status == 200, "a session goes on"
        assay.cookie = ""
        link = urlsplit(command(tmp_path, "login").out.strip())
        assert assay.ask("GET", f"{link.path}?{link.query}").status == 303, "a link always works"
        assert assay.ask("GET", "/healthz", headers={"host": "192.0.2.7:8470"}).status == 200, "addresses are no names"
        assert assay.ask("GET", "/healthz", headers={"host": "evil.example"}).status == 403


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[RunningAssay]:
    """A server with an upstream that sends a word every fifth of a second."""
    with ScriptedUpstream(scripts={"slow": lambda body: says(GREETING, pace_s=0.2)}) as upstream:
        (tmp_path / "assay.toml").write_text(f'[providers.scripted]\nbase_url = "{upstream.url}"\n')
        assay = start(tmp_path, "--demo", environ={"SCRIPTED_API_KEY": "sk-upstream"})
        yield assay
        if assay.process.poll() is None:
            assay.kill()
        assert assay.process.stdout is not None
        assay.process.stdout.close()


@contextmanager
def asking(assay: RunningAssay, model: str = "scripted/slow") -> Iterator[http.client.HTTPResponse]:
    """A stream whose first event has come."""
    connection = http.client.HTTPConnection(urlsplit(assay.url).netloc, timeout=30)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "x"}], "stream": True})
    connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {assay.gateway_key}"})
    try:
        with connection.getresponse() as response:
            assert response.readline().startswith(b"data: ")
            yield response
    finally:
        connection.close()


def test_sigterm_lets_a_stream_end_and_its_call_is_on_record(slow: RunningAssay) -> None:
    with asking(slow) as response:
        slow.process.send_signal(signal.SIGTERM)
        assert response.read().endswith(b"data: [DONE]\n\n")
    assert slow.process.wait(20) == 0
    assert b"answers under way are finished first" in slow.stderr
    with contextlib.closing(sqlite3.connect(slow.folder / "data" / "assay.db")) as database:
        assert database.execute("SELECT outcome FROM calls").fetchall() == [("ok",)]


def test_a_second_ctrl_c_does_not_wait_for_anybody(slow: RunningAssay) -> None:
    with asking(slow, "scripted/stall"):
        slow.process.send_signal(signal.SIGINT)
        wait_for(lambda: b"Stopping" in slow.stderr)
        slow.process.send_signal(signal.SIGINT)
        assert slow.process.wait(5) == 130
    assert b"Traceback" not in slow.stderr


def wait_for(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_after_a_kill_commands_and_a_new_server_work_at_once(tmp_path: Path) -> None:
    assay = start(tmp_path, "--demo")
    key = assay.gateway_key
    assay.kill()
    assert assay.process.stdout is not None
    assay.process.stdout.close()
    assert (tmp_path / "data" / "assay.sock").exists(), "the stale door is there"
    assert command(tmp_path, "key", "create", "after").code == 0
    assert not (tmp_path / "data" / "command.sock").exists(), "a command leaves no door open"
    with running(tmp_path, "--demo") as again:
        assert again.announced["key"] is None, "the first key was made before"
        assert again.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key}"}).status == 200
        assert len(command(tmp_path, "key", "list", "--json").json) == 2


def test_commands_bring_up_what_they_need_where_no_server_runs(tmp_path: Path) -> None:
    """Several at once wait for each other."""
    made: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: made.append(command(tmp_path, "key", "create", f"key {n}").code)) for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [0, 0, 0]
    assert len(command(tmp_path, "key", "list", "--json").json) == 3
    assert command(tmp_path, "login").code == 3, "a link to a server that is gone is no use"
    none = command(tmp_path, "model", "list")
    assert (none.code, none.out) == (0, "")
    assert "No model is ready" in none.err


def test_before_anything_is_there_looking_makes_nothing(tmp_path: Path) -> None:
    for words in ("arena verify", "arena rate"):
        done = command(tmp_path, *words.split())
        assert (done.code, done.out) == (2, "")
        assert "code: store.no_database" in done.err
    well = command(tmp_path, "doctor", "--json", environ={"ASSAY_PORT": "0"})
    assert (well.code, all(finding["ok"] for finding in well.json)) == (0, True), well
    assert not (tmp_path / "data").exists()
    assert not (tmp_path / "secret").exists()


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        (lambda folder: (folder / "secret" / "master.key").chmod(0o644), "master key"),
        (lambda folder: (folder / "secret" / "master.key").write_bytes(b"short"), "master key"),
        (lambda folder: (folder / "data" / "assay.db").write_bytes(b"no database" * 1000), "database"),
        (lambda folder: newer_schema(folder), "database"),
    ],
)
def test_the_doctor_names_what_is_spoilt_and_the_way_out(sound: Path, spoil: Callable[[Path], object], check: str) -> None:
    spoil(sound)
    done = command(sound, "doctor", "--json", environ={"ASSAY_PORT": "0"})
    assert done.code == 1
    assert [finding["check"] for finding in done.json if not finding["ok"]] == [check]
    up = command(sound, "up", "--port", "0")
    assert up.code in {3, 4}, up


def newer_schema(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "data" / "assay.db", isolation_level=None)) as database:
        database.execute("INSERT INTO migrations SELECT package, '9999_future', checksum, at FROM migrations LIMIT 1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three votes, made once."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "votes.csv").write_text("a,b,choice\nx,y,a\ny,z,b\nz,x,tie\n")
    assert command(folder, "arena", "import", "votes.csv").code == 0
    return folder


@pytest.fixture
def sound(made: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoilt."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def test_a_tampered_vote_is_named(sound: Path) -> None:
    well = command(sound, "arena", "verify", "--json")
    assert (well.code, well.json["ok"], well.json["length"]) == (0, True, 3)
    with contextlib.closing(sqlite3.connect(sound / "data" / "assay.db", isolation_level=None)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("""UPDATE verdicts SET choice = 'b', body = replace(body, '"choice":"a"', '"choice":"b"') WHERE seq = 1""")
    done = command(sound, "arena", "verify")
    assert (done.code, done.err) == (1, "")
    assert "broken at vote 1" in done.out
    assert command(sound, "arena", "verify", "--json").json["first_bad"] == 1


def test_a_copy_made_while_the_server_runs_is_whole_and_can_be_put_back(assay: RunningAssay, tmp_path: Path) -> None:
    copy = tmp_path / "data" / "assay.db"
    copy.parent.mkdir(mode=0o700)
    key = command(assay.folder, "key", "create", "kept", "--json").json
    made = command(assay.folder, "db", "backup", str(copy), "--json")
    assert (made.code, made.json["bytes"]) == (0, copy.stat().st_size)
    shutil.copytree(assay.folder / "secret", tmp_path / "secret")
    assert command(tmp_path, "arena", "verify").code == 0
    with running(tmp_path) as restored:
        assert restored.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key['key']}"}).status == 200


def test_a_missing_and_a_wrong_master_key_are_told_apart(assay: RunningAssay, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    command(assay.folder, "db", "backup", str(tmp_path / "data" / "assay.db"))
    done = command(tmp_path, "up", "--port", "0")
    assert done.code == 3
    assert "code: vault.missing_key" in done.err
    (tmp_path / "secret").mkdir(mode=0o700, exist_ok=True)
    (tmp_path / "secret" / "master.key").write_bytes(bytes(32))
    (tmp_path / "secret" / "master.key").chmod(0o600)
    done = command(tmp_path, "up", "--port", "0")
    assert done.code == 3
    assert "code: vault.wrong_key" in done.err


def test_a_data_folder_that_cannot_be_one_is_an_error_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for words, folder in (("up --port 0", "data"), ("key list", "data/below"), ("db migrate", "data")):
        done = command(tmp_path, *words.split(), environ={"ASSAY_DATA": str(tmp_path / folder)})
        assert done.code == 3, done
        assert "code: store.bad_folder" in done.err
    assert command(tmp_path, "doctor", environ={"ASSAY_PORT": "0"}).code == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_serves_the_same_commands(postgres: Postgres, database_url: str, tmp_path: Path) -> None:
    environ = {"ASSAY_DATABASE": database_url, "PATH": f"{postgres.programs or ''}:{os.environ['PATH']}"}
    with running(tmp_path, "--demo", environ=environ) as assay:
        (tmp_path / "votes.csv").write_text("a,b,choice\nx,y,a\nbad\ny,x,a\n")
        assert command(tmp_path, "arena", "import", "votes.csv", environ=environ).code == 5
        rated = command(tmp_path, "arena", "rate", "--json", environ=environ)
        assert (rated.code, [row["model"] for row in rated.json["models"]]) == (0, ["x", "y"]), rated
        assert command(tmp_path, "arena", "verify", environ=environ).code == 0
        assert command(tmp_path, "doctor", environ=environ).code == 0
        backup = command(tmp_path, "db", "backup", "copy", environ=environ)
        assert (backup.code, (tmp_path / "copy").stat().st_size > 1000) == (0, True), backup
        answer = assay.chat({"model": "practice/reckoner", "messages": [{"role": "user", "content": "1+1"}]})
        assert answer.status == 200
    assert command(tmp_path, "db", "migrate", environ=environ).out == "The schema is up to date.\n"


def test_in_a_terminal_up_prints_where_to_look_and_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    with terminal(tmp_path, "up", "--demo", "--port", "0") as person:
        person.until("Open once     http://127.0.0.1:")
        person.until("Gateway key   ask-")
        person.until("(setting `bodies`)")
        person.type("\x03")
        assert person.end() == 0
        assert "Traceback" not in person.screen


def test_the_local_door_needs_no_key_and_no_session(assay: RunningAssay) -> None:
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(str(assay.folder / "data" / "assay.sock"))
        door.sendall(b"GET /api/v1/keys HTTP/1.1\r\nhost: anything\r\nconnection: close\r\n\r\n")
        assert door.recv(12) == b"HTTP/1.1 200"
