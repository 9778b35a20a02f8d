"""Accounts: signing in by e-mail and password, and what ends a session."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import command
from tests.server import RunningAssay, running
from tests.web.people import PASSWORD, Person, person


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server that believes a proxy on this machine, so that each test may guess from an address of its own."""
    folder = tmp_path_factory.mktemp("accounts")
    (folder / "assay.toml").write_text('trusted_proxies = ["127.0.0.0/8"]\n')
    with running(folder, "--demo") as server:
        server.sign_in()
        yield server


def try_in(assay: RunningAssay, email: str, password: str, address: str) -> tuple[int, str]:
    """What becomes of it: the status and the code."""
    headers = {"cookie": "", "x-forwarded-for": address}
    reply = assay.ask("POST", "/api/v1/session", {"email": email, "password": password}, headers)
    return reply.status, "" if reply.status == 200 else reply.json["code"]


def test_an_account_lets_somebody_in_by_any_spelling_of_their_address(assay: RunningAssay) -> None:
    somebody = person(assay)
    assert try_in(assay, f" {somebody.email.upper()} ", PASSWORD, "192.0.2.1") == (200, "")
    seen = somebody.ask("GET", "/session").json
    assert (seen["user"]["id"], seen["accounts"], seen["password_login"]) == (somebody.id, True, False)


def test_whatever_is_wrong_the_answer_is_the_same(assay: RunningAssay) -> None:
    """Unknown, disabled, without a password, or the password of another: nobody can find out who has an account."""
    somebody, disabled = person(assay), person(assay)
    assay.ask("DELETE", f"/api/v1/users/{disabled.id}")
    without = assay.ask("POST", "/api/v1/users", {"name": "No", "email": "without@example.org"}).json["email"]
    told = set()
    for email, password in (
        (somebody.email, "x" * 12),
        (somebody.email, ""),
        (somebody.email, "x" * 5000),
        (disabled.email, PASSWORD),
        (without, PASSWORD),
        ("nobody@example.org", PASSWORD),
    ):
        body = {"email": email, "password": password}
        reply = assay.ask("POST", "/api/v1/session", body, {"cookie": "", "x-forwarded-for": "192.0.2.2"})
        told.add((reply.status, reply.body))
    assert len(told) == 1
    assert told.pop()[0] == 401


def test_guessing_is_slowed_down_by_address_and_locks_nobody_else_out(assay: RunningAssay) -> None:
    somebody = person(assay)
    outcomes = [try_in(assay, somebody.email, f"guess number {number}", "198.51.100.7")[0] for number in range(12)]
    assert outcomes == [401] * 10 + [429] * 2
    assert try_in(assay, somebody.email, PASSWORD, "198.51.100.7")[1] == "login.too_many_tries"
    assert try_in(assay, somebody.email, PASSWORD, "198.51.100.8") == (200, "")
    spoofed = [try_in(assay, somebody.email, "wrong wrong wrong", f"203.0.113.{n}, 198.51.100.7")[0] for n in range(3)]
    assert spoofed == [429] * 3, "what the client itself wrote in front is not believed"


def test_a_disabled_account_is_out_at_once_and_old_sessions_stay_dead(assay: RunningAssay) -> None:
    somebody = person(assay)
    key = somebody.ask("POST", "/keys", {"name": "k"}).json["key"]
    ask = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}
    assert assay.chat(ask, key).status == 200
    assay.ask("PATCH", f"/api/v1/users/{somebody.id}", {"disabled": True})
    assert not somebody.is_signed_in
    assert somebody.ask("GET", "/keys").json["code"] == "login.needed"
    assert assay.chat(ask, key).status == 401
    assay.ask("PATCH", f"/api/v1/users/{somebody.id}", {"disabled": False})
    assert not somebody.is_signed_in, "they sign in anew"
    assert assay.chat(ask, key).status == 200
    assert somebody.sign_in().status == 200


def test_what_somebody_follows_ends_with_their_session(assay: RunningAssay) -> None:
    """A stream that is open is no way to stay."""
    ask = {"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}
    somebody, other = person(assay), person(assay)
    for who in (somebody, other):
        connection = http.client.HTTPConnection(urlsplit(assay.url).netloc, timeout=40)
        connection.request("GET", "/api/v1/calls/events", headers={"cookie": who.cookie})
        response = connection.getresponse()
        assert response.status == 200
        assert response.readline().startswith(b"event: calls"), "what was there before"
        ended = other.ask("DELETE", "/session") if who is other else assay.ask("DELETE", f"/api/v1/users/{somebody.id}")
        assert ended.status == 200
        call = assay.chat(ask).headers["x-request-id"]
        assert call.encode() not in response.read(), "it ended, and did not tell of the call"
        connection.close()


def test_a_new_password_ends_all_sessions_and_ones_own_change_keeps_the_one_at_hand(assay: RunningAssay) -> None:
    somebody = person(assay)
    elsewhere = Person(assay, somebody.id, somebody.email)
    assert elsewhere.sign_in().status == 200
    wrong = somebody.ask("PUT", "/account/password", {"old": "not mine at all", "new": "another good password"})
    assert (wrong.status, somebody.is_signed_in) == (401, True)
    short = somebody.ask("PUT", "/account/password", {"old": PASSWORD, "new": "short"})
    assert short.json["code"] == "password.bad"
    changed = somebody.ask("PUT", "/account/password", {"old": PASSWORD, "new": "another good password"})
    assert changed.status == 200
    assert not elsewhere.is_signed_in
    assert not somebody.is_signed_in, "the cookie from before"
    somebody.cookie = changed.headers["set-cookie"].split(";")[0]
    assert somebody.is_signed_in
    assert somebody.sign_in(PASSWORD).status == 401
    assay.ask("POST", f"/api/v1/users/{somebody.id}/password", {"password": "and a third one of them"})
    assert not somebody.is_signed_in


def test_signing_out_ends_one_session(assay: RunningAssay) -> None:
    somebody = person(assay)
    elsewhere = Person(assay, somebody.id, somebody.email)
    elsewhere.sign_in()
    assert somebody.ask("DELETE", "/session").status == 200
    assert (somebody.is_signed_in, elsewhere.is_signed_in) == (False, True)


@pytest.mark.parametrize(
    "forge",
    [
        lambda value: value.replace("user:", "user:x", 1),
        lambda value: value.replace(":1:", ":2:", 1),
        lambda value: value.replace("user:", "", 1),
        lambda value: "user:.99999999999.",
        lambda value: value + ".x",
    ],
)
def test_a_forged_session_is_nobodys(assay: RunningAssay, forge: object) -> None:
    assert callable(forge)
    somebody = person(assay)
    name, _, value = somebody.cookie.partition("=")
    somebody.cookie = f"{name}={forge(value)}"
    assert not somebody.is_signed_in


def test_an_account_is_unique_by_its_address_and_says_what_is_wrong_with_it(assay: RunningAssay) -> None:
    somebody = person(assay)
    for body, code in (
        ({"name": "X", "email": somebody.email.upper()}, "user.exists"),
        ({"name": "", "email": "a@b.c"}, "user.bad_name"),
        ({"name": "X", "email": "no address"}, "user.bad_email"),
        ({"name": "X", "team": "none"}, "team.not_found"),
        ({"name": "X", "role": "god"}, "api.bad_body"),
    ):
        assert assay.ask("POST", "/api/v1/users", body).json["code"] == code
    assert assay.ask("PATCH", "/api/v1/users/none", {"name": "X"}).json["code"] == "user.not_found"


def test_many_sign_ins_at_once_use_little_and_the_rest_is_told_to_wait(assay: RunningAssay) -> None:
    """Each takes 16 MiB and a tenth of a second of a core: two are computed at a time, and only so many wait."""
    with ThreadPoolExecutor(30) as many:
        outcomes = list(
            many.map(lambda n: try_in(assay, "nobody@example.org", "wrong password here", f"2001:db8:{n:x}::1"), range(30))
        )
    assert {code for _, code in outcomes} <= {"login.wrong_password", "login.busy"}
    assert (503, "login.busy") in outcomes
    peak = next(line for line in Path(f"/proc/{assay.process.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 400 * 1024, peak


def test_beyond_this_machine_an_admin_must_be_able_to_sign_in(tmp_path: Path) -> None:
    """With an account and a password, as well as by the file of one."""
    assert command(tmp_path, "user", "create", "Ana", "--email", "ana@example.org", "--role", "admin").code == 0
    refused = command(tmp_path, "up", "--host", "0.0.0.0", "--port", "0")
    assert "there is no admin account" in refused.err
    assert command(tmp_path, "user", "password", "ana@example.org", stdin=f"{PASSWORD}\n").code == 0
    with running(tmp_path, "--host", "0.0.0.0") as assay:
        ana = Person(assay, "", "ana@example.org")
        assert ana.sign_in().status == 200
        assert ana.ask("GET", "/session").json["user"]["role"] == "admin"


def test_sessions_of_accounts_live_through_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as first:
        first.sign_in()
        somebody = person(first)
    with running(tmp_path, "--demo") as second:
        somebody.assay = second
        deadline = time.monotonic() + 20
        while not somebody.is_signed_in:
            assert time.monotonic() < deadline
