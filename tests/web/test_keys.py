"""Gateway keys over a real server: what they are good for, in each protocol, from when and until when."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.server import Reply, RunningAssay, running
from tests.web.people import person

MODEL, OTHER = "practice/reckoner", "practice/stylist"
SAID = [{"role": "user", "content": "1 + 1"}]
WAYS: dict[str, tuple[str, dict[str, Any], str]] = {
    "openai_chat": ("/v1/chat/completions", {"messages": SAID}, "authorization"),
    "openai_responses": ("/v1/responses", {"input": "1 + 1"}, "authorization"),
    "anthropic": ("/v1/messages", {"messages": SAID, "max_tokens": 50}, "x-api-key"),
    "gemini": ("/v1beta/models/{model}:generateContent", {"contents": [{"parts": [{"text": "1 + 1"}]}]}, "x-goog-api-key"),
}


def make(assay: RunningAssay, **facts: Any) -> dict[str, Any]:
    reply = assay.ask("POST", "/api/v1/keys", {"name": "k", **facts})
    assert reply.status == 201, reply.body
    made: dict[str, Any] = reply.json
    return made


def ask(assay: RunningAssay, key: str, protocol: str = "openai_chat", model: str = MODEL, **headers: str) -> Reply:
    path, body, header = WAYS[protocol]
    body = body if "{model}" in path else body | {"model": model}
    secret = f"Bearer {key}" if header == "authorization" else key
    return assay.ask("POST", path.format(model=model), body, {header: secret, "cookie": "", **headers})


@pytest.mark.parametrize("protocol", WAYS)
def test_a_model_outside_the_keys_scope_is_refused_in_the_clients_protocol(assay: RunningAssay, protocol: str) -> None:
    key = make(assay, scopes={"models": [MODEL]})["key"]
    assert ask(assay, key, protocol).status == 200
    refused = ask(assay, key, protocol, OTHER)
    assert refused.status == 403
    error = refused.json["error"]
    assert OTHER in error["message"]
    assert MODEL in error["message"]
    assert b"key.scope" in refused.body
    if protocol == "gemini":
        assert (error["code"], error["status"]) == (403, "PERMISSION_DENIED")
    assert refused.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages/count_tokens", "/v1/embeddings", "/v1/models/practice/stylist"]
)
def test_no_other_way_leads_around_the_scope(assay: RunningAssay, path: str) -> None:
    key = make(assay, scopes={"models": [MODEL]})["key"]
    body = None if "models" in path else {"model": OTHER, "messages": SAID, "input": "x", "max_tokens": 5}
    reply = assay.ask("GET" if body is None else "POST", path, body, {"authorization": f"Bearer {key}"})
    assert (reply.status, b"key.scope" in reply.body) == (403, True)


def test_a_model_that_is_only_named_as_a_fallback_is_within_the_scope_too(assay: RunningAssay) -> None:
    key = make(assay, scopes={"models": [MODEL]})["key"]
    for named in ({"models": [OTHER]}, {"models": ["stylist"]}, {"fallbacks": [{"model": "stylist"}]}):
        reply = assay.chat({"model": MODEL, "messages": SAID, **named}, key)
        assert (reply.status, reply.json["error"]["code"]) == (403, "key.scope")
    assert assay.chat({"model": MODEL, "messages": SAID, "models": ["reckoner"]}, key).status == 200


def test_models_are_listed_that_the_key_may_ask_and_no_others(assay: RunningAssay) -> None:
    key = make(assay, scopes={"models": ["PRACTICE/R*"]})["key"]
    bound = assay.ask("GET", "/v1/models", None, {"authorization": f"Bearer {key}"})
    assert [model["id"] for model in bound.json["data"]] == [MODEL]
    free = assay.ask("GET", "/v1/models", None, {"authorization": f"Bearer {make(assay)['key']}"})
    assert len(free.json["data"]) > 3
    gemini = assay.ask("GET", "/v1beta/models", None, {"x-goog-api-key": key})
    assert [model["name"] for model in gemini.json["models"]] == [f"models/{MODEL}"]


def test_a_key_is_good_for_its_protocols_and_from_its_networks(assay: RunningAssay) -> None:
    key = make(assay, scopes={"protocols": ["anthropic"], "addresses": ["127.0.0.1"]})["key"]
    assert ask(assay, key, "anthropic").status == 200
    assert ask(assay, key, "openai_chat").status == 403
    away = make(assay, scopes={"addresses": ["192.0.2.0/24"]})["key"]
    refused = ask(assay, away, **{"x-forwarded-for": "192.0.2.1"})
    assert (refused.status, "127.0.0.1" in refused.json["error"]["message"]) == (403, True)


def test_scopes_change_at_once(assay: RunningAssay) -> None:
    made = make(assay, scopes={"models": [OTHER]})
    path = f"/api/v1/keys/{made['id']}"
    assert ask(assay, made["key"]).status == 403
    assert assay.ask("PATCH", path, {"scopes": None}).json["scopes"] == {"models": [], "protocols": [], "addresses": []}
    assert ask(assay, made["key"]).status == 200
    assay.ask("PATCH", path, {"scopes": {"models": [OTHER]}})
    assert ask(assay, made["key"]).status == 403


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"scopes": {"models": [" "]}}, "key.bad_scope"),
        ({"scopes": {"models": ["x"] * 101}}, "key.bad_scope"),
        ({"scopes": {"protocols": ["smtp"]}}, "key.bad_scope"),
        ({"scopes": {"addresses": ["10.0.0.0/99"]}}, "key.bad_scope"),
        ({"scopes": {"addresses": ["evil.example"]}}, "key.bad_scope"),
        ({"scopes": {"model": ["x"]}}, "api.bad_body"),
        ({"expires": "2001-01-01T00:00:00Z"}, "key.bad_expiry"),
        ({"expires": "2999-01-01T00:00:00"}, "key.bad_expiry"),
        ({"expires": "soon"}, "key.bad_expiry"),
        ({"limits": {"concurrent": -1}}, "api.bad_body"),
        ({"limits": {"tokens_per_minute": 1 << 62}}, "api.bad_body"),
        ({"user": "nobody"}, "user.not_found"),
        ({"team": "none"}, "team.not_found"),
    ],
)
def test_what_a_key_cannot_be_is_said(assay: RunningAssay, facts: dict[str, Any], code: str) -> None:
    reply = assay.ask("POST", "/api/v1/keys", {"name": "k", **facts})
    assert (reply.status in {400, 404}, reply.json["code"]) == (True, code)
    own = make(assay)["id"]
    changed = assay.ask("PATCH", f"/api/v1/keys/{own}", facts)
    assert (changed.status in {400, 404}, changed.json["code"]) == (True, code)


def test_a_key_ends_when_it_was_said_to(assay: RunningAssay) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=3)
    made = make(assay, expires=ends.isoformat())
    deadline = time.monotonic() + 30
    while (reply := ask(assay, made["key"])).status != 401:
        assert reply.status == 200
        assert time.monotonic() < deadline
    assert datetime.now(UTC) >= ends


def test_a_rotated_key_is_good_under_both_secrets_until_the_overlap_ends(assay: RunningAssay) -> None:
    made = make(assay, scopes={"models": [MODEL]})
    path = f"/api/v1/keys/{made['id']}/rotate"
    second = assay.ask("POST", path, {"overlap_s": 3600}).json
    assert second["old_until"] is not None
    assert (second["id"], second["hint"]) == (made["id"], f"…{second['key'][-4:]}")
    assert [ask(assay, key).status for key in (made["key"], second["key"])] == [200, 200]
    assert [ask(assay, key, model=OTHER).status for key in (made["key"], second["key"])] == [403, 403]
    third = assay.ask("POST", path, {"overlap_s": 0}).json
    assert third["old_until"] is None
    assert [ask(assay, one["key"]).status for one in (made, second, third)] == [401, 401, 200]
    assay.ask("DELETE", f"/api/v1/keys/{made['id']}")
    assert ask(assay, third["key"]).status == 401
    assert assay.ask("POST", path, {}).json["code"] == "key.revoked"
    assert assay.ask("PATCH", f"/api/v1/keys/{made['id']}", {"name": "x"}).json["code"] == "key.revoked"


def test_a_teams_end_is_the_end_of_its_keys_until_it_is_back(assay: RunningAssay) -> None:
    team = assay.ask("POST", "/api/v1/teams", {"name": f"team {time.monotonic_ns()}"}).json
    somebody = person(assay, "member", team=team["id"])
    own = somebody.ask("POST", "/keys", {"name": "k"}).json["key"]
    teams = make(assay, team=team["id"])["key"]
    assert assay.ask("DELETE", f"/api/v1/teams/{team['id']}").json["keys"] == 2
    assert [ask(assay, key).status for key in (own, teams)] == [401, 401]
    assay.ask("PATCH", f"/api/v1/teams/{team['id']}", {"archived": False})
    assert [ask(assay, key).status for key in (own, teams)] == [200, 200]


def test_every_key_that_is_none_gets_the_same_answer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Wrong, mistyped, expired, revoked, another server's: nobody can tell one from the other."""
    folder = tmp_path_factory.mktemp("none")
    (folder / "assay.toml").write_text('trusted_proxies = ["127.0.0.0/8"]\n')
    with running(folder, "--demo") as assay:
        assay.sign_in()
        good = make(assay)
        revoked = make(assay)
        assay.ask("DELETE", f"/api/v1/keys/{revoked['id']}")
        expired = make(assay, expires=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
        deadline = time.monotonic() + 20
        while ask(assay, expired["key"], **{"x-forwarded-for": "192.0.2.9"}).status != 401:
            assert time.monotonic() < deadline
        secrets = {
            "another server's": f"ask-0123456789-{'x' * 43}",
            "a known id": f"ask-{good['id']}-{'x' * 43}",
            "mistyped": good["key"][:-1] + ("a" if good["key"][-1] != "a" else "b"),
            "revoked": revoked["key"],
            "expired": expired["key"],
            "something": "x",
        }
        answers = {}
        for number, (name, secret) in enumerate(secrets.items()):
            reply = ask(assay, secret, **{"x-forwarded-for": f"192.0.2.{number}"})
            said = reply.body.replace(reply.headers["x-request-id"].encode(), b"")
            answers[name] = reply.status, said, sorted(reply.headers)
        assert set(map(str, answers.values())) == {str(answers["something"])}, answers
        assert answers["something"][0] == 401
        _guess(assay, good["key"], 200)


@pytest.mark.prove
@pytest.mark.timeout(1200)
def test_ten_thousand_guesses_are_slowed_down_and_take_no_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    """And the time of the look-up tells nothing: a wrong secret of a known key takes as long as one of an unknown."""
    folder = tmp_path_factory.mktemp("guesses")
    (folder / "assay.toml").write_text('trusted_proxies = ["127.0.0.0/8"]\n')
    with running(folder, "--demo") as assay:
        assay.sign_in()
        good = make(assay)
        before = _resident(assay)
        _guess(assay, good["key"], 10_000)
        assert _resident(assay) - before < 16 * 1024
        known, unknown = f"ask-{good['id']}-{'x' * 43}", f"ask-ffffffffff-{'x' * 43}"
        times: dict[str, list[float]] = {known: [], unknown: []}
        for _ in range(300):
            for secret in times:
                began = time.perf_counter()
                ask(assay, secret)
                times[secret].append(time.perf_counter() - began)
        medians = [statistics.median(seconds) for seconds in times.values()]
        assert max(medians) / min(medians) < 1.5


def _guess(assay: RunningAssay, right: str, times: int) -> None:
    """From one address: most guesses hear 429, the right key is answered in between, and nobody elsewhere notices."""
    here, elsewhere = {"x-forwarded-for": "198.51.100.1"}, {"x-forwarded-for": "198.51.100.2"}
    outcomes = []
    began = time.monotonic()
    for number in range(times):
        outcomes.append(ask(assay, f"ask-{number:010x}-{'x' * 43}", **here).status)
        if number % 50 == 49:
            assert ask(assay, right, **here).status == 200
    assert set(outcomes) == {401, 429}
    assert outcomes.count(401) <= 30 * (2 + (time.monotonic() - began) // 60)
    refused = ask(assay, "ask-x", **here)
    assert (refused.status, int(refused.headers["retry-after"]) >= 1) == (429, True)
    assert ask(assay, "ask-x", **elsewhere).status == 401


def _resident(assay: RunningAssay) -> int:
    """Of the server's memory, in KiB."""
    lines = Path(f"/proc/{assay.process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
