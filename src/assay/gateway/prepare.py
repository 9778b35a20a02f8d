"""How a request will be answered: passed through as bytes, or translated; and with what its client could not send again."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import msgspec

from assay.core import InvalidInput, Request
from assay.gateway.attempt import Attempt
from assay.gateway.dialect import Asked, Headers
from assay.gateway.exchange import Answering
from assay.gateway.faces import Asking
from assay.gateway.memory import Answered, Memory, continue_from
from assay.gateway.passing import Passed
from assay.gateway.translate import Translated
from assay.wire import openai_chat
from assay.wire.carry import MARK

_T = TypeVar("_T")

_RESPONSES = "openai_responses"
_LARGE_BYTES = 512 * 1024
"""Claude Code's and Codex's first requests have a tenth of that. Reading and writing this much takes some 10 ms."""

_SEAL = b'"' + MARK.encode()
_SEAL_AS_BYTES = b'"' + base64.b64encode(MARK.encode())
"""How a seal begins where a protocol wants base64: the mark's six bytes are eight signs, whatever follows."""

_text = msgspec.json.Decoder(str | None)


async def prepare(
    asking: Asking,
    asked: Asked,
    body: bytes,
    attempt: Attempt,
    forwarded: Headers,
    memory: Memory,
    *,
    is_shared: bool = False,
) -> Answering:
    """Choose the way, and do what has to be done before the upstream is asked.

    ``is_shared``: another provider may answer the next turn, so what this one keeps of a conversation is of no use.

    Raises:
        InvalidInput: the body cannot be read, or asks for a thread where there is none. NotFound: there is no such response to
            continue.
    """
    codec, way, model = asking.codec, attempt.way, attempt.route.deployment.upstream_model
    before = await said_before(asking, asked, attempt, memory)
    # Seals of another protocol's thoughts mean nothing to this one's server: it would refuse them.
    passes = way.protocol == codec.NAME and before is None and not has_seals(body)
    is_kept_there = passes and way.offer.stores_responses and not is_shared
    remembers = codec.NAME == _RESPONSES and _stores(asked) and not is_kept_there
    if passes:
        return Passed(asked, codec, way, model, forwarded, as_list=asking.as_list, remembers=remembers)
    if way.protocol != codec.NAME and _is_threaded(asked, codec.NAME):
        raise InvalidInput(
            "thread.unsupported",
            f"{way.provider.title} speaks another protocol, in which no server keeps a thread.",
            hint="Send the whole conversation, without 'thread'.",
            param="thread",
        )
    request = await _apart(body, partial(codec.read_request, body, model=asking.model, stream=asking.stream))
    if asking.as_list:
        request = msgspec.structs.replace(request, extra=_with_list(request))
    if codec.NAME == openai_chat.NAME:
        request = await memory.restore(attempt.key, request)
    if before is not None:
        request = continue_from(before, request)
    deployment, request_id = attempt.route.deployment, attempt.request_id
    return await _apart(body, partial(Translated, request, codec, way, deployment, request_id=request_id, remembers=remembers))


async def _apart(body: bytes, work: Callable[[], _T]) -> _T:
    """Work on a large body in a thread, since nobody else would be answered meanwhile."""
    return await asyncio.to_thread(work) if len(body) > _LARGE_BYTES else work()


async def said_before(asking: Asking, asked: Asked, attempt: Attempt, memory: Memory) -> Answered | None:
    """The conversation that a client of Responses refers to by its last answer; None where the provider itself keeps it.

    Raises: as `Memory.recall` does. InvalidInput: it is no name of an answer.
    """
    continued = _continued(asked) if asking.protocol == _RESPONSES else None
    if continued is None:
        return None
    way = attempt.way
    is_kept_there = way.protocol == asking.protocol and way.offer.stores_responses
    if is_kept_there and not await memory.knows(attempt.key, continued):
        return None
    return await memory.recall(attempt.key, continued)


def has_seals(body: bytes) -> bool:
    """Whether a client returns what the gateway gave it to carry."""
    return _SEAL in body or _SEAL_AS_BYTES in body


def _with_list(request: Request) -> dict[str, dict[str, object]]:
    return {**request.extra, "gemini": {**request.extra.get("gemini", {}), "alt": "json"}}


def _continued(asked: Asked) -> str | None:
    """The response that the request goes on from."""
    raw = asked.fields.get("previous_response_id")
    try:
        return _text.decode(raw) if raw is not None else None
    except msgspec.MsgspecError:
        pass
    raise InvalidInput("wire.wrong_type", "previous_response_id: expected a string.", param="previous_response_id")


def _is_threaded(asked: Asked, protocol: str) -> bool:
    """Whether Anthropic's server is to keep the conversation, so that a client sends only what is new.

    Its SDK's tool runner begins with that, and goes on without where it is told that it cannot be (anthropic 2.12).
    """
    raw = asked.fields.get("thread") if protocol == "anthropic" else None
    return raw is not None and bytes(raw) != b"null"


def _stores(asked: Asked) -> bool:
    """OpenAI keeps a response unless ``store`` is false (API reference, 2026-11)."""
    raw = asked.fields.get("store")
    return raw is None or bytes(raw) != b"false"
