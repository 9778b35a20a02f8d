"""What is sent to each shipped provider, to the byte, kept beside this file: one JSON document for each row.

``python -m tests.gateway.providers.recording NAME ...`` writes the documents of these rows anew (of all, without a name). Read what
changed before you commit it: the test compares with nothing else. A document's ``answer`` is written by hand, in the shape that the
provider's own documentation shows; where there is none, the protocol's own answer in ``answers`` is read instead.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, get_args

import msgspec

from assay.core import Provider, Request
from assay.core.deployment import Endpoint
from assay.gateway.providers import shipped_providers
from assay.gateway.translate import write_for
from assay.gateway.upstream import Upstream, Way

HERE = Path(__file__).parent
KEY = "the-key"
MODEL = "maker/model-1:2"
"""Both of its signs must be escaped in an address."""


def parameters(provider: Provider) -> dict[str, str]:
    """Something in every blank that must be filled in."""
    return {
        name: f"my-{name.replace('_', '-')}" for name, asked in provider.parameters.items() if asked.required and not asked.made_of
    }


def upstream_of(provider: Provider) -> Upstream:
    """The provider, with a key that is a plain header everywhere."""
    key = None if provider.auth == "none" else KEY
    return Upstream(msgspec.structs.replace(provider, values=parameters(provider)), key)


def load(name: str) -> dict[str, Any]:
    """A document of this folder."""
    document: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return document


def question() -> Request:
    """A question that touches all that dialects differ in."""
    return msgspec.json.decode((HERE / "question" / "request.json").read_bytes(), type=Request)


async def record(provider: Provider) -> dict[str, Any]:
    """What is sent to ``provider`` when it is asked the question."""
    upstream = upstream_of(provider)
    sent: dict[str, Any] = {}
    for protocol in provider.offers:
        way = upstream.ways.get(protocol)
        sent[protocol] = {} if way is None else await _record_way(way)
    for name in ("models", *get_args(Endpoint)):
        if any(way.offers(name) for way in upstream.all_ways):
            way = upstream.offering(name)
            where = await _address(way, name, stream=False, body=b"")
            sent.setdefault("besides", {})[name] = f"{where['method']} {where['url']}"
    return sent


async def _record_way(way: Way) -> dict[str, Any]:
    written = write_for(way, question(), MODEL)
    streamed = await _address(way, "generate", stream=True, body=written.body)
    whole = await _address(way, "generate", stream=False, body=written.body)
    counted = await _address(way, "count_tokens", stream=False, body=b"{}") if way.offers("count_tokens") else None
    return {
        **streamed,
        **({"url_whole": whole["url"]} if whole["url"] != streamed["url"] else {}),
        **({"url_count": counted["url"]} if counted else {}),
        "body": json.loads(written.body),
        "losses": list(written.losses),
    }


async def _address(way: Way, operation: Any, *, stream: bool, body: bytes) -> dict[str, Any]:
    origin, head = await way.address(operation, MODEL, stream=stream, body=body)
    first, *lines = head.decode().removesuffix("\r\n").split("\r\n")
    method, target, version = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    assert version == "HTTP/1.1"
    assert headers.pop("host") == origin.authority
    return {"method": method, "url": f"{'https' if origin.tls else 'http'}://{origin.authority}{target}", "headers": headers}


async def _write(names: list[str]) -> None:
    for name, provider in shipped_providers().items():
        if (names and name not in names) or provider.kind == "practice":
            continue
        path = HERE / f"{name}.json"
        before = json.loads(path.read_text("utf-8")) if path.exists() else {}
        document = {**before, "sent": await record(provider)}
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1:]))
