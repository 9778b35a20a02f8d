"""Who may do what: every endpoint has a role that somebody thought about, and nobody of a smaller one gets past it."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from assay.api import Endpoint
from scripts.typescript import endpoints
from tests.server import RunningAssay
from tests.web.people import Person, person

ROLES = {
    "anyone": """
        GET /session, POST /session, DELETE /session, GET /login, GET /login/oidc, GET /login/oidc/callback,
        GET /challenges/{id}/vote, GET /healthz, GET /readyz
    """,
    "viewer": """
        GET /users, GET /models, GET /providers, GET /providers/{name}/models, GET /calls, GET /calls/sums, GET /calls/events,
        GET /calls/{id}, GET /spend, GET /spend/export, POST /spend/reconcile, GET /keys, GET /teams, GET /budgets, GET /alerts, GET /aliases, GET /battles,
        GET /battles/{id}, GET /arena/verify, GET /board, GET /work, GET /challenges, GET /challenges/{id},
        GET /challenges/{id}/events, GET /challenges/{id}/people, GET /bench/tasks, GET /bench/tasks/{id}, GET /bench/runs,
        GET /bench/runs/{id}, GET /bench/runs/{id}/events, GET /bench/compare, GET /bench/rank, GET /openapi.json, PUT /account/password
    """,
    "member": """
        POST /keys, PATCH /keys/{id}, POST /keys/{id}/rotate, DELETE /keys/{id}, POST /battles, POST /battles/{id}/turns,
        POST /battles/{id}/vote, GET /votes, POST /work, DELETE /work/{name}, POST /challenges/plan, POST /challenges,
        POST /challenges/{id}/stop, POST /challenges/{id}/resume, GET /challenges/{id}/items, GET /challenges/{id}/items/{number},
        GET /challenges/{id}/report, POST /challenges/{id}/people, DELETE /challenges/{id}/people/{person},
        GET /challenges/{id}/pairs, GET /challenges/{id}/pairs/next, POST /challenges/{id}/pairs/{number}/vote,
        POST /challenges/{id}/pairs/{number}/skip, POST /bench/runs, POST /bench/speed, POST /bench/runs/{id}/stop, POST /bench/runs/{id}/resume,
        GET /bench/runs/{id}/samples, GET /bench/runs/{id}/samples/{sample}/{epoch}, GET /bench/runs/{id}/export, POST /bench/imports
    """,
    "admin": """
        POST /users, PATCH /users/{id}, DELETE /users/{id}, POST /users/{id}/password, POST /login-links, GET /audit, GET /config,
        POST /restart, POST /vault/rotate, POST /providers, DELETE /providers/{name}, PUT /providers/{name}/key,
        DELETE /providers/{name}/key, PUT /providers/{name}/values, POST /providers/{name}/enabled, POST /providers/{name}/test,
        POST /providers/{name}/verify, POST /providers/{name}/keys, DELETE /providers/{name}/keys/{key}, PUT /providers/{name}/limits,
        PUT /aliases/{name}, DELETE /aliases/{name}, POST /teams, PATCH /teams/{id}, DELETE /teams/{id}, POST /budgets,
        PATCH /budgets/{id}, DELETE /budgets/{id}, POST /votes, POST /datasets/{name}/import
    """,
}
"""Whoever adds an endpoint says here whom it is for, and why if it is for fewer than its neighbours."""

OFF_RECORD = """
    POST /session, DELETE /session, POST /spend/reconcile, POST /battles, POST /battles/{id}/turns, POST /battles/{id}/vote, POST /challenges/plan,
    POST /challenges/{id}/pairs/{number}/vote, POST /challenges/{id}/pairs/{number}/skip
"""
"""Sign-ins are on record as such, votes in a chain of their own, and what models are asked as calls; a plan and a comparison of bills
change nothing."""


def words(text: str) -> list[str]:
    return [word.strip() for word in text.replace("\n", " ").split(",")]


@pytest.fixture(scope="module")
def table() -> tuple[Endpoint, ...]:
    return asyncio.run(endpoints())


@pytest.fixture(scope="module")
def people(assay: RunningAssay) -> dict[str, Person]:
    return {role: person(assay, role) for role in ("viewer", "member", "admin")}


def test_every_endpoint_has_a_role_that_somebody_thought_about(table: tuple[Endpoint, ...]) -> None:
    found = {f"{endpoint.method} {endpoint.path.removeprefix('/api/v1')}": endpoint.role for endpoint in table}
    thought = {word: role for role, text in ROLES.items() for word in words(text)}
    assert found == thought


def test_every_change_goes_on_record_but_those_that_have_another(table: tuple[Endpoint, ...]) -> None:
    off = {
        f"{endpoint.method} {endpoint.path.removeprefix('/api/v1')}"
        for endpoint in table
        if endpoint.method != "GET" and not endpoint.is_on_record
    }
    assert off == set(words(OFF_RECORD))


def test_nobody_of_a_smaller_role_gets_past_an_endpoint(
    assay: RunningAssay, people: dict[str, Person], table: tuple[Endpoint, ...]
) -> None:
    """By any path, whether or not there is such a thing, and whatever the body."""
    ranks = {"viewer": 1, "member": 2, "admin": 3}
    for endpoint in table:
        if endpoint.role == "anyone":
            continue
        path = endpoint.path.removeprefix("/api/v1").format(**dict.fromkeys(endpoint.params, "1"))
        for role, somebody in people.items():
            if ranks[role] < ranks[endpoint.role]:
                reply = somebody.ask(endpoint.method, path, b"{")
                assert (reply.status, reply.json["code"]) == (403, "role.too_small"), (role, endpoint.method, path)
        nobody = assay.ask(endpoint.method, endpoint.path, None, {"cookie": ""})
        assert (nobody.status, nobody.json["code"]) == (401, "login.needed"), path


def test_everybody_gets_past_the_endpoints_of_their_role(people: dict[str, Person], table: tuple[Endpoint, ...]) -> None:
    for endpoint in table:
        if endpoint.method != "GET" or endpoint.params or not endpoint.path.startswith("/api/") or "events" in endpoint.path:
            continue
        if endpoint.query is not None and any(field.required for field in msgspec.structs.fields(endpoint.query)):
            continue
        reply = people["admin"].ask("GET", endpoint.path.removeprefix("/api/v1"))
        assert reply.status == 200, endpoint.path


def test_a_role_counts_from_the_moment_that_it_is_changed(assay: RunningAssay) -> None:
    somebody = person(assay, "admin")
    assert somebody.ask("POST", "/teams", {"name": somebody.id}).status == 201
    assay.ask("PATCH", f"/api/v1/users/{somebody.id}", {"role": "viewer"})
    assert somebody.ask("GET", "/session").json["user"]["role"] == "viewer", "the session goes on"
    assert somebody.ask("POST", "/teams", {"name": f"{somebody.id} again"}).json["code"] == "role.too_small"


def test_a_member_manages_their_own_keys_only(assay: RunningAssay, people: dict[str, Person]) -> None:
    member, other = people["member"], person(assay, "member")
    own = member.ask("POST", "/keys", {"name": "mine"}).json
    assert own["user"] == member.id
    others = other.ask("POST", "/keys", {"name": "theirs"}).json
    team = assay.ask("POST", "/api/v1/teams", {"name": member.id}).json
    for method, path, body in (
        ("PATCH", f"/keys/{others['id']}", {"name": "x"}),
        ("POST", f"/keys/{others['id']}/rotate", {}),
        ("DELETE", f"/keys/{others['id']}", None),
        ("POST", "/keys", {"name": "x", "user": other.id}),
        ("POST", "/keys", {"name": "x", "team": team["id"]}),
        ("POST", "/keys", {"name": "x", "key": "sk-of-another-gateway-0123456789"}),
        ("PATCH", f"/keys/{own['id']}", {"user": other.id}),
        ("PATCH", f"/keys/{own['id']}", {"user": None}),
        ("PATCH", f"/keys/{own['id']}", {"team": team["id"]}),
    ):
        reply = member.ask(method, path, body)
        assert (reply.status, reply.json["code"]) == (403, "key.not_yours"), (method, path, body)
    assert member.ask("PATCH", f"/keys/{own['id']}", {"scopes": {"models": ["practice/*"]}}).status == 200
    assert member.ask("DELETE", f"/keys/{own['id']}").json["revoked"] is not None
    assert {key["id"] for key in member.ask("GET", "/keys").json["keys"]} >= {own["id"], others["id"]}, "all see the names of all"


def test_words_are_for_whose_key_asked_and_for_admins_numbers_for_all(assay: RunningAssay, people: dict[str, Person]) -> None:
    member = people["member"]
    key = member.ask("POST", "/keys", {"name": "mine"}).json["key"]
    reply = assay.chat({"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}, key)
    id = reply.headers["x-request-id"]
    other = person(assay, "member")
    states = {}
    for name, somebody in {**people, "other": other}.items():
        trace = somebody.ask("GET", f"/calls/{id}").json
        states[name] = trace["request_state"], trace["reply_state"]
        assert (trace["request"] is None) == (states[name][0] == "private")
        assert trace["call"]["usage"] is not None
    kept, private = ("kept", "kept"), ("private", "private")
    assert states == {"viewer": private, "member": kept, "admin": kept, "other": private}


def test_with_nothing_that_others_are_shown_can_they_go_on_with_a_conversation(
    assay: RunningAssay, people: dict[str, Person]
) -> None:
    """A provider that keeps answers takes the name of one from whichever of our keys; and a hash tells whether a guess is right."""
    member = people["member"]
    key = member.ask("POST", "/keys", {"name": "mine"}).json["key"]
    reply = assay.chat({"model": "practice/reckoner", "messages": [{"role": "user", "content": "2 + 1"}]}, key)
    id = reply.headers["x-request-id"]

    def told(somebody: Person) -> Iterator[dict[str, Any]]:
        trace = somebody.ask("GET", f"/calls/{id}").json
        yield from (trace["call"], *trace["attempts"])
        yield next(call for call in somebody.ask("GET", f"/calls?user={member.id}").json["calls"] if call["id"] == id)
        yield from (call for call in first_told(somebody) if call["id"] == id)  # on a slow machine it is too old by now

    for name, somebody in {**people, "other": person(assay, "member")}.items():
        for call in told(somebody):
            seen = {field: call[field] is not None for field in ("upstream_id", "request", "reply")}
            assert set(seen.values()) == {name in ("member", "admin")}, (name, seen)


def first_told(somebody: Person) -> list[dict[str, Any]]:
    """The calls that whoever follows the record is told first."""
    connection = http.client.HTTPConnection(urlsplit(somebody.assay.url).netloc, timeout=40)
    connection.request("GET", "/api/v1/calls/events", headers={"cookie": somebody.cookie})
    response = connection.getresponse()
    assert response.readline() == b"event: calls\n"
    calls: list[dict[str, Any]] = json.loads(response.readline().removeprefix(b"data: "))["calls"]
    connection.close()
    return calls


def test_a_challenge_on_recorded_traffic_reads_only_ones_own(people: dict[str, Person]) -> None:
    """Its items are the requests themselves."""
    spec = {"challenger": "practice/reckoner", "incumbent": "practice/stylist", "judges": ["human"]}
    for source in ({"kind": "traffic"}, {"kind": "traffic", "key": "first key"}, {"kind": "traffic", "key": "nobody's"}):
        reply = people["member"].ask("POST", "/challenges/plan", {**spec, "source": source})
        assert (reply.status, reply.json["code"]) == (403, "challenge.others_traffic")
        assert people["member"].ask("POST", "/challenges", {**spec, "source": source}).status == 403
    own = people["member"].ask("POST", "/keys", {"name": "for a challenge"}).json["id"]
    allowed = people["member"].ask("POST", "/challenges/plan", {**spec, "source": {"kind": "traffic", "key": own}})
    assert allowed.json.get("code") != "challenge.others_traffic"


def test_two_members_judge_as_themselves(assay: RunningAssay, people: dict[str, Person]) -> None:
    text = "\n".join(f"Question {number}?" for number in range(1, 5))
    spec = {
        "challenger": "practice/reckoner",
        "incumbent": "practice/stylist",
        "source": {"kind": "content", "name": "questions.txt", "text": text},
        "judges": ["human"],
    }
    id = people["member"].ask("POST", "/challenges", spec).json["id"]
    other = person(assay, "member")
    assert people["member"].ask("GET", f"/challenges/{id}/pairs").json["name"] == "Member"
    assert assay.ask("GET", f"/api/v1/challenges/{id}/pairs").json["name"] == "admin", "who came by a link has no name"
    assert other.ask("GET", f"/challenges/{id}/pairs").json["voted"] == 0
    assay.ask("POST", f"/api/v1/challenges/{id}/stop")
