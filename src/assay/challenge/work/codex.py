"""Sessions of Codex: ``rollout-*.jsonl`` under ``~/.codex/sessions``.

Facts: openai/codex, codex-rs/protocol/src/protocol.rs and models.rs, and skillsynchq/txcript, docs/formats/codex.md (both read
2026-11-22); not checked against files of our own. Each line has ``type`` and ``payload``: ``session_meta`` (who and where, the
instructions, tools that were added), ``turn_context`` (the model from here on), ``response_item`` (what went to and came from the model,
as items of the Responses API), ``compacted`` (the history was replaced), ``event_msg`` (the same again, for the screen). Files from
before September 2025 hold the items bare, after a line of ``id`` and ``instructions``.

Each stretch between two compactions is a conversation. What the program says as the user (environment, instructions of the project,
notices) stays in the history but is no question. Reasoning is encrypted and left out; of most tools only the use is known.
"""

from __future__ import annotations

from typing import Any

from assay.challenge.work.brought import Brought, Gathering, Unreadable
from assay.challenge.work.records import Json, Records
from assay.challenge.work.responses_shape import chat_messages, chat_tools
from assay.challenge.work.session import Line, Session

_KINDS = ("session_meta", "turn_context", "response_item", "compacted", "event_msg")
_ITEMS = (
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "local_shell_call",
)
_NOT_ASKED = (
    "<environment_context>",
    "<user_instructions>",
    "<permissions instructions>",
    "<turn_aborted>",
    "<subagent_notification>",
    "<skill>",
    "<user_shell_command>",
    "# AGENTS.md instructions",
)


def is_codex(fields: Json) -> bool:
    """Whether this is a line of such a session."""
    if fields.get("type") in _KINDS and "payload" in fields:
        return True
    return "instructions" in fields and "id" in fields and "timestamp" in fields and "type" not in fields


def read_codex(records: Records, gathering: Gathering) -> Brought:
    """Each thing that the user asked, with what had been said before and what the model then did."""
    reading = _Reading(gathering)
    for line, fields, _ in records:
        try:
            if isinstance(fields, str):
                raise Unreadable(fields)
            reading.take(line, fields)
        except (Unreadable, OverflowError) as error:
            gathering.refuse(line, str(error))
    reading.end()
    return gathering.finish("Codex session")


class _Reading:
    """A session on its way through the file."""

    def __init__(self, gathering: Gathering):
        self._gathering = gathering
        self._session: Session | None = None
        self._instructions: Line | None = None
        self._tools: list[Json] = []
        self._lines: list[Line] = []
        self._model: str | None = None

    def take(self, line: int, fields: Json) -> None:
        """The next line.

        Raises:
            Unreadable: it is none of a session.
        """
        kind, payload = fields.get("type"), fields.get("payload")
        if kind in _ITEMS:
            kind, payload = "response_item", fields
        elif kind is None and "instructions" in fields:
            kind, payload = "session_meta", fields
        elif kind is None and "record_type" in fields:
            return
        if type(kind) is not str:
            raise Unreadable("it has no type")
        if type(payload) is not dict:
            raise Unreadable("its payload is not an object")
        if kind == "session_meta":
            self._begin(line, payload)
        elif kind == "turn_context":
            self._model = payload["model"] if type(payload.get("model")) is str else self._model
        elif kind == "response_item":
            self._lines += self._read(line, payload)
        elif kind == "compacted":
            self._compact(line, payload)

    def end(self) -> None:
        """The last stretch."""
        self._flush()
        if self._session is not None:
            self._session.finish()

    def _begin(self, line: int, payload: Json) -> None:
        """The head of the file. A session that goes on from another repeats that one's head and history: the first counts."""
        if self._session is not None and self._lines:
            return
        session = payload.get("id")
        self._session = Session(self._gathering, session if type(session) is str else self._gathering.name)
        given = payload.get("base_instructions") or payload.get("instructions")
        text = given.get("text") if type(given) is dict else given
        if type(text) is str and text.strip():
            self._instructions = Line(line, {"role": "system", "content": text})
        tools = payload.get("dynamic_tools")
        if type(tools) is list:
            self._tools = chat_tools(tools, self._session.left)

    def _compact(self, line: int, payload: Json) -> None:
        """From here on the model knew only what replaced the history."""
        self._flush()
        items = payload.get("replacement_history")
        if type(items) is list:
            history = [one for item in items for one in self._read(line, item)]
            self._lines = [Line(one.line, one.message, one.author) for one in history]
        elif type(payload.get("message")) is str:
            self._lines = [Line(line, {"role": "user", "content": payload["message"]})]

    def _read(self, line: int, item: Any) -> list[Line]:
        session = self._ready()
        found = []
        for message in chat_messages(item, session.left):
            if message["content"] == [] and "tool_calls" not in message and message["role"] != "tool":
                continue
            author = self._model if message["role"] == "assistant" else None
            found.append(Line(line, message, author, message["role"] == "user" and _asks(message["content"])))
        return found

    def _flush(self) -> None:
        if self._lines:
            head = [self._instructions] if self._instructions is not None else []
            self._ready().add([*head, *self._lines], self._tools)
        self._lines = []

    def _ready(self) -> Session:
        if self._session is None:
            self._session = Session(self._gathering, self._gathering.name)
        return self._session


def _asks(content: Any) -> bool:
    """Whether it is the user who speaks."""
    texts = [content] if type(content) is str else [part.get("text") for part in content if part["type"] == "text"]
    words = [text.strip() for text in texts if type(text) is str and text.strip()]
    return any(not text.startswith(_NOT_ASKED) for text in words) or (not words and bool(content))
