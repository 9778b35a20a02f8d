"""Spend logs of LiteLLM: rows of its table ``LiteLLM_SpendLogs``, as JSON, JSON Lines or CSV.

Facts: BerriAI/litellm, schema.prisma and litellm/proxy/spend_tracking/spend_tracking_utils.py (read 2026-11-22);
docs.litellm.ai, "Getting Started with UI Logs" (2026-10-10). What was said is in a row only where ``store_prompts_in_spend_logs`` was
on: the client's request in ``proxy_server_request`` (in older versions within ``metadata``, or only its ``messages``), the answer in
``response``. Either may be JSON, or JSON within a text. Long texts are cut, with the mark ``litellm_truncated``, and with message
logging off everything is ``redacted-by-litellm``: such a row is no question that anybody asked, and is named. The answers to
``/spend/logs`` and ``/spend/logs/v2`` (under ``data``) are such rows too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from assay.challenge.item import Exchange, Item
from assay.challenge.work.anthropic_shape import Left
from assay.challenge.work.batch import answer_of, body_request, note_left
from assay.challenge.work.brought import Brought, Gathering, Unreadable
from assay.challenge.work.conversation import cluster_of, plain_item
from assay.challenge.work.records import Json, Record
from assay.core import InvalidInput
from assay.wire.document import decode

_CUT = "litellm_truncated"
_REDACTED = "redacted-by-litellm"
_LONGEST_TAG = 200
_SPEECHLESS = ("embedding", "image", "speech", "transcription", "moderation", "rerank", "search", "file", "batch")


def is_spend_log(fields: Json) -> bool:
    """Whether this is a row of the table."""
    return "request_id" in fields and ("call_type" in fields or "spend" in fields)


def read_spend_logs(records: Iterable[Record], gathering: Gathering) -> Brought:
    """What clients asked for, row by row, each with its answer where the log holds it."""
    left = Left()
    for line, fields, size in records:
        try:
            if isinstance(fields, str):
                raise Unreadable(fields)
            kind = _text(fields.get("call_type"))
            if any(other in kind for other in _SPEECHLESS):
                raise Unreadable(f"a call of the type {kind[:40]} asks no model to speak")
            gathering.add([_item(fields, f"{gathering.name}:{line}", left)], size)
        except Unreadable as error:
            gathering.refuse(line, str(error))
    note_left(gathering, left)
    return gathering.finish("LiteLLM spend logs")


def _item(fields: Json, origin: str, left: Left) -> Item:
    request, model = body_request(_asked(fields), left)
    said, answerer = answer_of(_json(fields.get("response")) or {})
    author = answerer or _text(fields.get("model")) or model
    return plain_item(
        request,
        origin=origin,
        author=author,
        recorded=(Exchange(said=said),) if said is not None else (),
        cluster=cluster_of(request.transcript.messages),
        category=_tag(fields.get("request_tags")),
    )


def _asked(fields: Json) -> Json:
    """The client's request, or what is left of it."""
    metadata = _json(fields.get("metadata"))
    kept = _json(fields.get("proxy_server_request")) or _json((metadata or {}).get("proxy_server_request"))
    if kept and type(kept.get("body")) is dict:
        kept = kept["body"]
    if not kept:
        messages = _value(fields.get("messages"))
        kept = {"messages": messages} if type(messages) is list and messages else None
    if not kept:
        kind = _text(fields.get("call_type")) or "row"
        raise Unreadable(f"this {kind[:40]} holds no prompt: LiteLLM keeps them only with store_prompts_in_spend_logs")
    if _holds(kept, _CUT):
        raise Unreadable(f"LiteLLM cut the prompt short ({_CUT})")
    if _holds(kept, _REDACTED):
        raise Unreadable(f"LiteLLM left the prompt out ({_REDACTED})")
    return {"model": fields.get("model"), **kept}


def _holds(value: Any, mark: str) -> bool:
    """Whether any text in a JSON value has the mark."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is str:
            if mark in one:
                return True
        elif type(one) is dict:
            waiting += (*one, *one.values())
        elif type(one) is list:
            waiting += one
    return False


def _tag(tags: Any) -> str:
    """The first tag that somebody gave; LiteLLM adds the client's name by itself."""
    for tag in _value(tags) or ():
        if type(tag) is str and tag.isprintable() and 0 < len(tag) <= _LONGEST_TAG and not tag.startswith("User-Agent:"):
            return tag
    return ""


def _json(value: Any) -> Json | None:
    """The object that a column holds."""
    found = _value(value)
    return found if type(found) is dict else None


def _value(value: Any) -> Any:
    """What a column holds: a value, or a text of JSON."""
    if type(value) is not str:
        return value if type(value) in (dict, list) else None
    try:
        return decode(value.encode())
    except InvalidInput:
        return None


def _text(value: Any) -> str:
    return value if type(value) is str else ""
