"""One alternative of an answer on its way: the deltas of a stream, or a whole message, as events."""

from __future__ import annotations

from typing import Any

from assay.core import (
    Citation,
    Event,
    Extra,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Stopped,
    StopReason,
    Text,
    Thinking,
    ToolCall,
)
from assay.wire.errors import StreamBroken, StreamError
from assay.wire.fields import Json
from assay.wire.openai_chat.citation import read_citation
from assay.wire.openai_chat.fields import NAME, left_over
from assay.wire.openai_chat.message import details_text, read_thinking
from assay.wire.said import read_error_value

MAX_PARTS = 10_000

STOP_REASONS: dict[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")


class Choice:
    """One alternative answer on its way: which parts are open, and what nobody knew how to read."""

    def __init__(self, number: int, seed: str):
        self.number = number
        self._seed = seed
        self._cited: list[Citation] = []
        self.extra: Json = {}
        self.stopped = False
        self._parts = 0
        self._open: tuple[type[Part], int] | None = None
        self._tools: dict[int, int] = {}
        self._tool_ids: dict[int, tuple[str, str]] = {}
        self._late: dict[int, Json] = {}
        self._thought_plainly = False
        self._refused = False
        self._legacy: int | None = None

    def grow(self, text: str, events: list[Event], at_ns: int) -> bool:
        """Add to the text that is open; False if none is."""
        if self._open is None or self._open[0] is not Text:
            return False
        if text:
            events.append(PartGrew(index=self._open[1], text=text, choice=self.number, at_ns=at_ns))
        return True

    def read(self, delta: Json, events: list[Event], at_ns: int) -> None:
        """One ``delta``, or a whole ``message``."""
        for key in _REASONING:
            if key in delta:
                self._think(delta, events, at_ns)
                break
        for key, value in delta.items():
            if value is None or key == "role":
                continue
            if key == "content":
                self._say(value, events, at_ns)
            elif key == "refusal":
                self._grow(Refusal, Refusal(text=""), value, events, at_ns)
                self._refused = True
            elif key == "tool_calls":
                self._call(value, events, at_ns)
            elif key == "function_call":
                self._call_function(value, events, at_ns)
            elif key == "annotations" and self._open is not None and self._open[0] is Text:
                self._cite(value)
            else:
                gather(self.extra.setdefault("message", {}), key, value)

    def _say(self, content: object, events: list[Event], at_ns: int) -> None:
        """Text; or, as some servers send it, a list of parts, of which those that are text or (Mistral) thoughts are read."""
        if type(content) is list:
            for part in content:
                if type(part) is dict and type(part.get("text")) is str:
                    self._grow(Text, Text(text=""), part["text"], events, at_ns)
                elif type(part) is dict and part.get("type") == "thinking" and (thought := details_text(part.get("thinking"))):
                    self._grow(Thinking, Thinking(), thought, events, at_ns)
                else:
                    gather(self.extra.setdefault("message", {}), "content", [part])
            return
        self._grow(Text, Text(text=""), content, events, at_ns)

    def _cite(self, annotations: object) -> None:
        """Sources of the open text; what is no ``url_citation`` is kept as it came."""
        for annotation in annotations if type(annotations) is list else [annotations]:
            citation = read_citation(annotation)
            if citation is not None:
                self._cited.append(citation)
            elif annotation:
                gather(self.extra.setdefault("message", {}), "annotations", [annotation])

    def _think(self, delta: Json, events: list[Event], at_ns: int) -> None:
        thought = read_thinking(delta)
        if thought is None:
            return
        extra = thought.extra.get(NAME, {})
        details = extra.pop("reasoning_details", None)
        text = thought.text
        if details is None or extra:
            self._thought_plainly = True
        elif self._thought_plainly:
            text = ""  # the details repeat it
        index = self._grow(Thinking, Thinking(extra=left_over(extra)), text, events, at_ns, even_empty=True)
        if details is not None:
            gather(self._late.setdefault(index, {}), "reasoning_details", details)

    def _grow(
        self, kind: type[Part], opening: Part, text: object, events: list[Event], at_ns: int, *, even_empty: bool = False
    ) -> int:
        """Add to the open part if it is of this kind, or else begin one. An empty piece begins nothing."""
        if type(text) is not str:
            raise bad(f"choices[].delta.{kind.__name__.lower()}", "a string")
        if self._open is not None and self._open[0] is kind:
            index = self._open[1]
        elif text or even_empty:
            self._close_open(events, at_ns)
            index = self._begin(opening, events, at_ns)
            self._open = (kind, index)
        else:
            return -1
        if text:
            events.append(PartGrew(index=index, text=text, choice=self.number, at_ns=at_ns))
        return index

    def _begin(self, part: Part, events: list[Event], at_ns: int) -> int:
        index = self._parts
        if index >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        self._parts += 1
        events.append(PartOpened(index=index, part=part, choice=self.number, at_ns=at_ns))
        return index

    def _close_open(self, events: list[Event], at_ns: int) -> None:
        if self._open is not None:
            self._close(self._open[1], events, at_ns)
            self._open = None

    def _close(self, index: int, events: list[Event], at_ns: int) -> None:
        extra = left_over(self._late.pop(index, {}))
        cited = tuple(self._cited) if self._open == (Text, index) else ()
        if cited:
            self._cited = []
        events.append(PartClosed(index=index, choice=self.number, citations=cited, extra=extra, at_ns=at_ns))

    def _call(self, fragments: object, events: list[Event], at_ns: int) -> None:
        if type(fragments) is not list:
            raise bad("choices[].delta.tool_calls", "a list")
        for place, fragment in enumerate(fragments):
            if type(fragment) is not dict:
                raise bad("choices[].delta.tool_calls", "a list of objects")
            self._call_fragment(fragment, place, events, at_ns)

    def _call_fragment(self, fragment: Json, place: int, events: list[Event], at_ns: int) -> None:
        """The first fragment of a call names it; later ones, told by ``index``, add to its arguments.

        A new id under an old index is a new call: some servers number every call 0, others send no index at all.
        """
        slot = fragment.pop("index", None)
        call_id = fragment.pop("id", None)
        if type(slot) is not int:
            slot = place
        known_id, known_kind = self._tool_ids.get(slot, ("", "function"))
        kind = fragment.pop("type", None) or known_kind
        if type(kind) is not str:
            raise bad("choices[].delta.tool_calls[].type", "a string")
        body = fragment.pop(kind, None)
        if body is None:
            body = {}
        if type(body) is not dict or (call_id is not None and type(call_id) is not str):
            raise bad("choices[].delta.tool_calls[]", "an object with an id and a function")
        name, words = body.pop("name", None), body.pop("arguments" if kind == "function" else "input", None)
        if body:
            fragment[kind] = body
        index = self._tools.get(slot)
        if index is None or (call_id and known_id not in ("", call_id)):
            self._close_open(events, at_ns)
            if kind != "function":
                fragment["type"] = kind
            call = ToolCall(id=call_id or self._make_id(), name=name if type(name) is str else "", extra=left_over(fragment))
            if index is not None:
                self._close(index, events, at_ns)
            index = self._tools[slot] = self._begin(call, events, at_ns)
            self._tool_ids[slot] = (call_id or "", kind)
        else:
            for key, value in fragment.items():
                if value is not None:
                    gather(self._late.setdefault(index, {}), key, value)
        self._add_arguments(index, words, events, at_ns)

    def _make_id(self) -> str:
        return f"call_{self._seed[-20:]}_{self._parts}" if self._seed else ""

    def _call_function(self, value: object, events: list[Event], at_ns: int) -> None:
        if type(value) is not dict:
            raise bad("choices[].delta.function_call", "an object")
        if self._legacy is None:
            self._close_open(events, at_ns)
            name = value.get("name")
            call = ToolCall(id="", name=name if type(name) is str else "", extra={NAME: {"type": "function_call"}})
            self._legacy = self._begin(call, events, at_ns)
        self._add_arguments(self._legacy, value.get("arguments"), events, at_ns)

    def _add_arguments(self, index: int, words: object, events: list[Event], at_ns: int) -> None:
        if words is None or words == "":
            return
        if type(words) is not str:
            raise bad("choices[].delta.tool_calls[].function.arguments", "a string")
        events.append(PartGrew(index=index, text=words, choice=self.number, at_ns=at_ns))

    def stop(self, reason: object, events: list[Event], at_ns: int) -> None:
        """The finish reason. Only the first counts: some servers repeat it."""
        if self.stopped:
            return
        if type(reason) is not str:
            raise bad("choices[].finish_reason", "a string")
        if reason == "error":
            raise StreamError(read_error_value({"error": "the finish reason is 'error'"}))
        self._close_open(events, at_ns)
        for index in sorted(self._tools.values()):
            self._close(index, events, at_ns)
        if self._legacy is not None:
            self._close(self._legacy, events, at_ns)
        self.stopped = True
        meaning = STOP_REASONS.get(reason, "other")
        if meaning == "end" and self._refused:
            meaning = "refusal"
        extra: Extra = left_over(self.extra)
        events.append(Stopped(reason=meaning, raw=reason, choice=self.number, extra=extra, at_ns=at_ns))


def gather(into: Json, key: str, value: Any) -> None:
    """Add one piece of a field that comes in pieces."""
    before = into.get(key)
    if type(before) is list and type(value) is list:
        before.extend(value)
    elif type(before) is dict and type(value) is dict:
        for inner, piece in value.items():
            gather(before, inner, piece)
    elif type(before) is str and type(value) is str and key in _GROWING:
        into[key] = before + value
    else:
        into[key] = value


_GROWING = frozenset(("data", "transcript"))
"""The texts of a spoken answer (``delta.audio``). An id or a signature that comes twice is not twice as long."""


def bad(where: str, expected: str) -> StreamBroken:
    return StreamBroken("wire.bad_chunk", f"The upstream's answer is not what the protocol says: {where} should be {expected}.")
