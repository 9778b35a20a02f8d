"""The control plane's API: providers and their keys, models, and gateway keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from assay.core import AssayError
from assay.core.deployment import Parameter
from assay.gateway.control.routes import routes
from assay.gateway.control.routes_calls import HiddenRequests, call_routes
from assay.gateway.control.routes_keys import key_routes
from assay.store import Database
from assay.store.queries import latest_measurements
from assay.web import problems
from assay.web.serve import listening
from tests.asgi import signed_in
from tests.gateway.rig import ANSWER, Reply, Running, Wire, answering, running, told
from tests.upstream import ScriptedUpstream

pytestmark = pytest.mark.anyio
NOBODY = "http://127.0.0.1:9/v1"


class Plane:
    """The API on a port of its own, beside the gateway's."""

    def __init__(self, served: Running, url: str):
        self.served = served
        self._api = Running(served.gateway, url, served.key, served.db)

    async def ask(self, method: str, path: str, document: Any = None) -> Reply:
        body = b"" if document is None else json.dumps(document).encode()
        return await self._api.ask(method, f"/api/v1{path}", body, content_type="application/json")

    async def provider(self, name: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = (await self.ask("GET", "/providers")).json["providers"]
        return next(row for row in rows if row["name"] == name)


async def _nothing() -> list[str]:
    return []


@asynccontextmanager
async def plane(
    db: Database,
    folder: Path,
    url: str,
    *,
    environ: Mapping[str, str] | None = None,
    row: Mapping[str, Any] | None = None,
    hidden: HiddenRequests | None = None,
) -> AsyncIterator[Plane]:
    async with running(db, folder, url, environ={} if environ is None else environ, row=row) as served:
        rows = [*routes(served.gateway), *key_routes(served.gateway), *call_routes(served.gateway, hidden or _nothing)]
        app = Starlette(routes=rows, exception_handlers={AssayError: problems.on_assay_error})
        async with listening(signed_in(app), served.gateway.settings) as address:
            yield Plane(served, address)


async def test_providers_say_where_their_key_is_from(db: Database, tmp_path: Path) -> None:
    """The vault comes before the environment; no answer ever holds a key."""
    async with plane(db, tmp_path, NOBODY, environ={"UP_KEY": "sk-environment-0123456789"}) as api:
        assert (await api.provider("up"))["key"] == {"source": "environment", "hint": "…6789", "env": ["UP_KEY"]}
        kept = await api.ask("PUT", "/providers/up/key", {"key": "sk-vault-0123456789abcdef"})
        assert kept.json["key"] == {"source": "vault", "hint": "…cdef", "env": ["UP_KEY"]}
        assert (await api.ask("DELETE", "/providers/up/key")).json["key"]["source"] == "environment"
        assert (await api.provider("openai"))["key"]["source"] == "missing"
        assert (await api.provider("ollama"))["key"]["source"] == "none_needed"
        listed = await api.ask("GET", "/providers")
        assert b"sk-" not in listed.body
        assert b"sk-" not in kept.body


async def test_a_new_key_is_used_at_once(db: Database, tmp_path: Path) -> None:
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url) as api:
        assert (await api.served.chat()).status == 503
        await api.ask("PUT", "/providers/up/key", {"key": "sk-new"})
        assert (await api.served.chat()).json == ANSWER
        assert b"authorization: Bearer sk-new\r\n" in upstream.requests[0][0]


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "sk-é"])
async def test_what_no_header_can_carry_is_no_key(db: Database, tmp_path: Path, key: str) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        reply = await api.ask("PUT", "/providers/up/key", {"key": key})
        assert (reply.status, reply.json["code"]) == (400, "provider.key")


async def test_a_local_server_is_shown_as_found_and_used_only_when_enabled(db: Database, tmp_path: Path) -> None:
    async with told(listing) as upstream, plane(db, tmp_path, NOBODY) as api:
        row = {"name": "mine", "title": "Mine", "base_url": upstream.url}
        assert (await api.ask("POST", "/providers", row)).status == 201
        shown = await api.provider("ollama")
        assert (shown["enabled"], shown["found"], shown["kind"]) == (False, False, "local")
        enabled = await api.ask("POST", "/providers/ollama/enabled", {"enabled": True})
        assert enabled.json["enabled"] is True
        refused = await api.ask("POST", "/providers/openai/enabled", {"enabled": True})
        assert (refused.status, refused.json["code"]) == (409, "provider.not_local")


async def listing(wire: Wire) -> None:
    """An upstream with a list of models, which wants the key ``sk-good`` where any key is given."""
    while True:
        await wire.request()
        if b"authorization" in wire.head and b"sk-good" not in wire.head:
            await wire.answer({"error": {"message": "bad key sk-bad"}}, "401 Unauthorized")
        elif wire.head.startswith(b"GET /v1/models"):
            await wire.answer({"object": "list", "data": [{"id": "small"}, {"id": "big"}]})
        else:
            await wire.answer()


async def test_a_provider_of_ones_own_is_added_tested_listed_called_and_removed(db: Database, tmp_path: Path) -> None:
    async with told(listing) as upstream, plane(db, tmp_path, NOBODY) as api:
        made = await api.ask("POST", "/providers", {"name": "mine", "title": "Mine", "base_url": upstream.url, "key": "sk-good"})
        assert (made.status, made.json["key"]["source"], made.json["origin"]) == (201, "vault", "database")
        tested = (await api.ask("POST", "/providers/mine/test")).json
        assert (tested["ok"], tested["models"], tested["error"]) == (True, ["small", "big"], None)
        assert tested["latency_ms"] > 0
        assert (await api.ask("GET", "/providers/mine/models")).json == {"models": ["small", "big"]}
        ids = [model["id"] for model in (await api.ask("GET", "/models")).json["models"] if model["ready"]]
        assert ids == ["mine/small", "mine/big"]
        assert (await api.served.chat(model="small")).json == ANSWER
        assert (await api.ask("DELETE", "/providers/mine")).status == 204
        assert (await api.served.chat(model="mine/small")).status == 404


async def test_testing_says_what_is_wrong_and_whose_key_it_was(db: Database, tmp_path: Path) -> None:
    async with told(listing) as upstream, plane(db, tmp_path, upstream.url) as api:
        missing = (await api.ask("POST", "/providers/up/test")).json
        assert (missing["ok"], missing["error"]["code"]) == (False, "provider.key_missing")
        await api.ask("PUT", "/providers/up/key", {"key": "sk-bad"})
        wrong = (await api.ask("POST", "/providers/up/test")).json
        assert (wrong["ok"], wrong["error"]["status"], wrong["error"]["code"]) == (False, 401, "upstream.unauthorized")
        assert "sk-bad" not in json.dumps(wrong)


async def test_testing_a_provider_that_is_down(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY, environ={"UP_KEY": "sk-x"}) as api:
        down = (await api.ask("POST", "/providers/up/test")).json
        assert (down["ok"], down["error"]["status"], down["error"]["code"]) == (False, 502, "upstream.unreachable")


async def test_verifying_asks_for_real_answers_and_publishes_the_fact(db: Database, tmp_path: Path) -> None:
    async with (
        ScriptedUpstream() as upstream,
        plane(db, tmp_path, upstream.url, environ={"UP_KEY": "sk-upstream"}) as api,
    ):
        outcome = (await api.ask("POST", "/providers/up/verify", {"model": "able"})).json
        assert outcome["ok"]
        assert {"whole", "stream", "tools", "structure", "error"} <= {check["name"] for check in outcome["checks"]}
        assert {call.purpose for call in await api.served.calls()} == {"test"}
        (fact,) = await latest_measurements(db, "provider.live")
        assert (fact.subject, fact.value, fact.source) == ("up/able", "live", "measured")


async def test_a_provider_is_wire_true_until_it_was_verified(db: Database, tmp_path: Path) -> None:
    """Then it says which deployment answered when, and what differed."""
    async with (
        ScriptedUpstream() as upstream,
        plane(db, tmp_path, upstream.url, environ={"UP_KEY": "sk-upstream"}) as api,
    ):
        assert (await api.provider("up"))["live"] == []
        await api.ask("POST", "/providers/up/verify", {"model": "text"})
        await api.ask("POST", "/providers/up/verify", {"model": "able"})
        newest, before = (await api.provider("up"))["live"]
        assert (newest["deployment"], newest["ok"], newest["reason"]) == ("up/able", True, None)
        assert newest["at"].endswith("Z")
        assert (before["deployment"], before["ok"]) == ("up/text", False)
        assert "the tool was not called" in before["reason"]
        assert (await api.provider("openai"))["live"] == []


async def test_a_provider_shows_its_protocols_its_prices_and_what_it_offers_beside_answers(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        shown = await api.provider("up")
        assert (shown["protocols"], shown["endpoints"], shown["priced"], shown["prices_date"]) == (
            ["openai_chat"],
            None,
            1,
            "2026-11-22",
        )
        assert (shown["counts_tokens"], shown["stores_responses"], shown["parameters"]) == (False, False, [])


async def test_the_blanks_of_a_row_are_filled_in(db: Database, tmp_path: Path) -> None:
    """Until then its models are shown as not ready, with the reason."""
    blank = {"region": Parameter(about="where", env=("UP_REGION",))}
    row = {"base_url": "http://{region}.localhost:9/v1", "parameters": blank}
    async with plane(db, tmp_path, NOBODY, environ={"UP_KEY": "sk-x"}, row=row) as api:
        wanted = {"name": "region", "about": "where", "value": None, "required": True, "env": ["UP_REGION"]}
        assert (await api.provider("up"))["parameters"] == [wanted]
        (model,) = [model for model in (await api.ask("GET", "/models")).json["models"] if model["provider"] == "up"]
        assert (model["ready"], model["reason"]) == (False, "parameter_missing")
        refused = await api.ask("PUT", "/providers/up/values", {"values": {"region": "evil.example/"}})
        assert (refused.status, refused.json["code"]) == (400, "provider.parameter")
        filled = await api.ask("PUT", "/providers/up/values", {"values": {"region": "eu"}})
        assert filled.json["parameters"] == [wanted | {"value": "eu"}]
        (model,) = [model for model in (await api.ask("GET", "/models")).json["models"] if model["provider"] == "up"]
        assert (model["ready"], model["reason"]) == (True, None)


@pytest.mark.parametrize(
    ("protocol", "auth"), [("openai_responses", "bearer"), ("anthropic", "x-api-key"), ("gemini", "x-goog-api-key")]
)
async def test_a_provider_of_ones_own_may_speak_any_protocol(db: Database, tmp_path: Path, protocol: str, auth: str) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        row = {"name": "mine", "base_url": NOBODY, "protocol": protocol, "key": "sk-mine"}
        assert (await api.ask("POST", "/providers", row)).json["protocols"] == [protocol]
        assert api.served.gateway.registry.get("mine").provider.auth == auth


async def test_verifying_names_what_failed(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY, environ={"UP_KEY": "sk-x"}) as api:
        outcome = (await api.ask("POST", "/providers/up/verify", {"model": "other"})).json
        assert (outcome["ok"], outcome["deployment"]) == (False, "up/other")
        (fact,) = await latest_measurements(db, "provider.live")
        assert fact.value is None
        assert "Cannot reach" in (fact.reason or "")


@pytest.mark.parametrize(
    ("document", "status", "code"),
    [
        ({"name": "openai", "base_url": "https://evil.example/v1"}, 409, "provider.exists"),
        ({"name": "bad name", "base_url": "https://x.example/v1"}, 400, "provider.name"),
        ({"name": "x", "base_url": "file:///etc/passwd"}, 400, "provider.base_url"),
        ({"name": "x", "base_url": "https://x.example/v1", "auth": "none"}, 400, "api.bad_body"),
        ({"name": "x"}, 400, "api.bad_body"),
    ],
)
async def test_unusable_providers_are_refused(db: Database, tmp_path: Path, document: Any, status: int, code: str) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        reply = await api.ask("POST", "/providers", document)
        assert (reply.status, reply.json["code"]) == (status, code)


async def test_a_provider_whose_key_is_unusable_is_not_half_added(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        refused = await api.ask("POST", "/providers", {"name": "mine", "base_url": NOBODY, "key": "two words"})
        assert (refused.status, refused.json["code"]) == (400, "provider.key")
        rows = (await api.ask("GET", "/providers")).json["providers"]
        assert "mine" not in [row["name"] for row in rows]


async def test_shipped_providers_are_not_removed_and_unknown_ones_are_named(db: Database, tmp_path: Path) -> None:
    async with plane(db, tmp_path, NOBODY) as api:
        assert (await api.ask("DELETE", "/providers/openai")).json["code"] == "provider.shipped"
        assert (await api.ask("POST", "/providers/nobody/test")).json["code"] == "provider.not_found"


async def test_a_gateway_key_works_from_when_it_is_made_until_it_is_revoked(db: Database, tmp_path: Path) -> None:
    """It is shown once; a revoked one is refused with the same words as any other wrong key."""
    async with told(answering) as upstream, plane(db, tmp_path, upstream.url, environ={"UP_KEY": "sk-x"}) as api:
        made = (await api.ask("POST", "/keys", {"name": "laptop"})).json
        assert (await api.served.chat(key=made["key"])).status == 200
        listed = await api.ask("GET", "/keys")
        assert made["key"] not in listed.body.decode()
        assert [key["name"] for key in listed.json["keys"]] == ["tests", "laptop"]
        assert (await api.ask("DELETE", f"/keys/{made['id']}")).json["revoked"] is not None
        refused = await api.served.chat(key=made["key"])
        unknown = await api.served.chat(key="ask-unknown")
        assert (refused.status, refused.body) == (401, unknown.body)
