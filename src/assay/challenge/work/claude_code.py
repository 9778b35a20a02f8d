"""Sessions of Claude Code: JSON Lines under ``~/.claude/projects/<folder>/<session>.jsonl``.

Anthropic says where they are and that their form is its own and may change (code.claude.com/docs/en/sessions, seen 2026-08-10). It
is read here as public descriptions of real files tell it (skillsynchq/txcript, docs/formats/claude-code.md, for versions up to
2.1.230; ticpu/claude-conversation-search-mcp, docs/jsonl-format.md; both read 2026-11-22), and was not checked against files of our
own: each line has a ``type``; those of type ``user`` and ``assistant`` hold a ``message`` of the Messages API, one block of an answer a
line; ``uuid`` and ``parentUuid`` chain them, and a session that was rewound or compacted has several chains.

Each chain is a conversation. Left out: sub-agents (``isSidechain``), whose questions a model asked; errors of the API that stand as
answers; thoughts. What the program itself says as the user (``isMeta``, summaries, local commands, notices) stays in the history but
is no question. System prompt and tools are not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from assay.challenge.work.anthropic_shape import chat_messages
from assay.challenge.work.brought import Brought, Gathering, Unreadable
from assay.challenge.work.records import Json, Records
from assay.challenge.work.session import Line, Session

_KINDS = ("user", "assistant", "system", "summary", "attachment", "progress", "file-history-snapshot", "queue-operation")
_MOST_CHAINS = 100
_NOT_ASKED = ("<local-command-", "<command-name>", "<command-message>", "<system-reminder>", "<task-notification>", "Caveat: ")
_INTERRUPTED = "[Request interrupted by user"


class _Said(msgspec.Struct, frozen=True, gc=False):
    """A line of conversation."""

    line: int
    uuid: str
    kind: str
    fields: Json
    answer: str | None
    """The id of the answer that it is a piece of."""
    calls: frozenset[str]
    results: frozenset[str]


def is_claude_code(fields: Json) -> bool:
    """Whether this is a line of such a session."""
    if fields.get("type") not in _KINDS:
        return False
    return "sessionId" in fields or "leafUuid" in fields or ("uuid" in fields and "parentUuid" in fields)


def read_claude_code(records: Records, gathering: Gathering) -> Brought:
    """Each thing that the user asked, with what had been said before and what the model then did."""
    said: list[_Said] = []
    parents: dict[str, str | None] = {}
    sessions: dict[str, None] = {}
    aside = 0
    for line, fields, _ in records:
        if isinstance(fields, str):
            gathering.refuse(line, fields)
            continue
        if type(fields.get("sessionId")) is str:
            sessions[fields["sessionId"]] = None
        uuid, parent = fields.get("uuid"), fields.get("parentUuid")
        if type(uuid) is str:
            parents[uuid] = parent if type(parent) is str else None
        if type(fields.get("type")) is not str:
            gathering.refuse(line, "it has no type")
            continue
        if fields["type"] not in ("user", "assistant"):
            continue
        if fields.get("isSidechain") is True:
            aside += 1
        elif not _is_error(fields):
            said.append(_said(line, fields))
    session = Session(gathering, next(iter(sessions), gathering.name))
    for chain in _chains(said, parents, gathering):
        session.add([line for one in chain for line in _lines(one, session, gathering)])
    session.finish()
    if aside:
        gathering.note(f"{aside} lines of sub-agents were left out: a model asked them, not you.")
    return gathering.finish("Claude Code session")


def _said(line: int, fields: Json) -> _Said:
    message = fields.get("message")
    message = message if type(message) is dict else {}
    content = message.get("content")
    blocks = [block for block in content if type(block) is dict] if type(content) is list else []
    return _Said(
        line=line,
        uuid=str(fields.get("uuid") or line),
        kind=fields["type"],
        fields=fields,
        answer=message["id"] if type(message.get("id")) is str and fields["type"] == "assistant" else None,
        calls=frozenset(str(block.get("id")) for block in blocks if block.get("type") == "tool_use"),
        results=frozenset(str(block.get("tool_use_id")) for block in blocks if block.get("type") == "tool_result"),
    )


def _is_error(fields: Json) -> bool:
    message = fields.get("message")
    return fields.get("isApiErrorMessage") is True or (type(message) is dict and message.get("model") == "<synthetic>")


def _chains(said: list[_Said], parents: dict[str, str | None], gathering: Gathering) -> Iterator[list[_Said]]:
    """The conversations of a session, each from its beginning, the last first.

    A chain runs from its last line to the first through the parents. Calls that were made at once are one answer in several lines,
    and their results hang on different ones of them: these belong to the chain too.
    """
    left = {one.uuid: one for one in said}
    for _ in range(_MOST_CHAINS):
        if not left:
            return
        chain = _ancestors(next(reversed(left)), parents)
        told = [one for one in said if one.uuid in chain]
        answers = {one.answer for one in told if one.answer is not None}
        calls = frozenset[str]().union(*(one.calls for one in said if one.uuid in chain or one.answer in answers))
        told = [one for one in said if one.uuid in chain or one.answer in answers or (one.results and one.results <= calls)]
        for one in told:
            left.pop(one.uuid, None)
        yield _in_order(told)
    if left:
        gathering.note(f"The session was rewound more than {_MOST_CHAINS} times; {len(left)} lines of it were left out.")


def _in_order(told: list[_Said]) -> list[_Said]:
    """As it went, the pieces of one answer together: a result may be written between two calls that were made at once."""
    first: dict[str, int] = {}
    for one in told:
        if one.answer is not None:
            first.setdefault(one.answer, one.line)
    return sorted(told, key=lambda one: (one.line if one.answer is None else first[one.answer], one.line))


def _ancestors(uuid: str, parents: dict[str, str | None]) -> set[str]:
    found: set[str] = set()
    at: str | None = uuid
    while at is not None and at not in found:
        found.add(at)
        at = parents.get(at)
    return found


def _lines(one: _Said, session: Session, gathering: Gathering) -> Iterator[Line]:
    message = one.fields.get("message")
    try:
        messages = chat_messages(message, session.left)
    except (Unreadable, OverflowError) as error:
        gathering.refuse(one.line, str(error))
        return
    model = message.get("model") if type(message) is dict and one.kind == "assistant" else None
    for written in messages:
        asks = written["role"] == "user" and _asks(one.fields, written["content"])
        yield Line(one.line, written, model if type(model) is str else None, asks)


def _asks(fields: Json, content: Any) -> bool:
    """Whether it is the user who speaks."""
    if fields.get("isMeta") is True or fields.get("isCompactSummary") is True:
        return False
    texts = [content] if type(content) is str else [part.get("text") for part in content if part.get("type") == "text"]
    words = [text.strip() for text in texts if type(text) is str and text.strip()]
    if not words:
        return any(part.get("type") == "image_url" for part in content) if type(content) is list else False
    return any(not text.startswith((*_NOT_ASKED, _INTERRUPTED)) for text in words)
