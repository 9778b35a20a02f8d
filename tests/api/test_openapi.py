"""The document of the API, as a real server gives it: nothing is missing from it, and the server answers as it says."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

import assay
from assay.api import Endpoint
from scripts import typescript
from tests import server

SOURCES = Path(assay.__file__).parent


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.RunningAssay]:
    with server.running(tmp_path_factory.mktemp("assay"), "--demo") as started:
        started.sign_in()
        started.ask("POST", "/api/v1/votes?source=some", b"a,b,choice\nx,y,a\ny,x,a\nx,z,tie\n")
        assert started.chat({"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}).status == 200
        yield started


@pytest.fixture(scope="module")
def table() -> dict[str, Endpoint]:
    return {f"{endpoint.method} {endpoint.path}": endpoint for endpoint in asyncio.run(typescript.endpoints())}


@pytest.fixture(scope="module")
def document(running: server.RunningAssay) -> dict[str, Any]:
    reply = running.ask("GET", "/api/v1/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    found: dict[str, Any] = reply.json
    return found


def test_every_endpoint_of_the_source_is_in_the_document(document: dict[str, Any]) -> None:
    """And the API has no routes that are not endpoints."""
    written: list[str] = []
    bare: list[str] = []
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.ImportFrom(module="starlette.routing", names=names) if any(name.name == "Route" for name in names):
                    bare.append(str(file.relative_to(SOURCES)))
                case ast.Call(
                    func=ast.Name(id="Endpoint"), args=[ast.Constant(value=str(method)), ast.Constant(value=str(path)), *_]
                ):
                    written.append(f"{method} {path}")
    described = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert bare == ["api/endpoint.py"]
    assert sorted(described) == sorted(row.replace(":path}", "}") for row in written)


def test_every_endpoint_says_what_it_does_and_what_it_gives(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            assert said["summary"].endswith((".", "?")), f"{method} {path}"
            assert "default" in said["responses"], f"{method} {path}"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = {found.rpartition("/")[2] for found in references(document)}
    assert names <= document["components"]["schemas"].keys()
    assert {"ShownBoard", "ShownBattle", "Problem", "Tick"} <= document["components"]["schemas"].keys()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_server_answers_as_the_document_says(running: server.RunningAssay, table: dict[str, Endpoint]) -> None:
    """Every answer read as its type and written again is the same: no field more, none less."""
    made = {kind: running.ask("POST", f"/api/v1/{kind}s", {"name": "laptop"}).json["id"] for kind in ("key", "team", "user")}
    budget = {"holder_kind": "team", "holder": made["team"], "per": "month"}
    asked = [
        ("POST /api/v1/providers", "", {"name": "mine", "base_url": "http://127.0.0.1:9/v1"}),
        ("PUT /api/v1/providers/{name}/key", "mine", {"key": "sk-1"}),
        ("DELETE /api/v1/providers/{name}/key", "mine", None),
        ("POST /api/v1/providers/{name}/enabled", "ollama", {"enabled": True}),
        ("POST /api/v1/providers/{name}/test", "practice", None),
        ("POST /api/v1/providers/{name}/test", "mine", None),
        ("GET /api/v1/providers/{name}/models", "practice", None),
        ("POST /api/v1/keys", "", {"name": "phone"}),
        ("POST /api/v1/keys/{id}/rotate", made["key"], {}),
        ("PATCH /api/v1/keys/{id}", made["key"], {"scopes": {"models": ["a*"]}, "expires": "2999-01-01T00:00:00Z"}),
        ("PATCH /api/v1/teams/{id}", made["team"], {"limits": {"concurrent": 2}}),
        ("PATCH /api/v1/users/{id}", made["user"], {"role": "viewer", "team": made["team"]}),
        ("POST /api/v1/users/{id}/password", made["user"], {"password": "correct horse battery"}),
        ("POST /api/v1/budgets", "", {**budget, "measure": "money", "amount": "12.50"}),
        ("POST /api/v1/budgets", "", {**budget, "measure": "tokens", "amount": 5}),
        ("DELETE /api/v1/teams/{id}", made["team"], None),
        ("DELETE /api/v1/users/{id}", made["user"], None),
        ("DELETE /api/v1/keys/{id}", made["key"], None),
        *((name, "", None) for name, row in table.items() if _is_plain(row)),
    ]
    compared = 0
    for name, param, body in asked:
        endpoint = table[name]
        path = endpoint.path.replace("{name}", quote(param)).replace("{id}", quote(param))
        reply = running.ask(endpoint.method, path, body)
        assert reply.status == endpoint.status, (name, reply)
        if endpoint.gives is not None and endpoint.media == "application/json":
            again = msgspec.json.encode(msgspec.json.decode(reply.body, type=endpoint.gives))
            assert msgspec.json.decode(again) == reply.json, name
            compared += 1
    assert compared >= 16


def _is_plain(endpoint: Endpoint) -> bool:
    """Whether it can be asked as it stands, and its answer ends: signing in leads elsewhere, streams go on, and runs that are to be
    compared have to be named."""
    needs_more = endpoint.params or endpoint.events or endpoint.path in {"/api/v1/bench/compare", "/api/v1/bench/rank"}
    return endpoint.method == "GET" and not needs_more and not endpoint.path.startswith("/login")


def test_the_document_is_for_those_who_are_signed_in(running: server.RunningAssay) -> None:
    assert running.ask("GET", "/api/v1/openapi.json", headers={"cookie": ""}).status == 401
