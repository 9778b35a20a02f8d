"""One candidate of an answer on its way: which part is open, and what it has said."""

from __future__ import annotations

from typing import Any

from assay.core import Event, Part, PartClosed, PartGrew, PartOpened, Stopped, StopReason, Text, Thinking
from assay.wire.errors import StreamBroken
from assay.wire.fields import Json
from assay.wire.gemini.citation import take_citations
from assay.wire.gemini.fields import NAME, left_over

MAX_PARTS = 10_000
_WORDS = Text | Thinking


class Candidate:
    """One candidate on its way: which part is open, what it has said, and what nobody knew how to read."""

    def __init__(self, number: int):
        self.number = number
        self.reason: str | None = None
        self.meaning: StopReason = "other"
        self.extra: Json = {}
        self._parts = 0
        self._open: type[Part] | None = None
        self._index = -1
        self._late: Json = {}
        self._said: list[str] = []
        self._called = False
        self._texts = 0
        self._held: Thinking | None = None

    def grow(self, text: str, events: list[Event], at_ns: int, *, thought: bool) -> bool:
        """Add to the part that is open; False if it is none of this kind."""
        if self._open is not (Thinking if thought else Text) or self._held is not None:
            return False
        if text:
            if not thought:
                self._said.append(text)
            events.append(PartGrew(index=self._index, text=text, choice=self.number, at_ns=at_ns))
        return True

    def read(self, part: Part, signature: str | None, events: list[Event], at_ns: int) -> None:
        """A part that is not a call: words are added to those before them, anything else stands alone."""
        if isinstance(part, _WORDS):
            if part.text or part.extra:
                self._release(events, at_ns)
                self._say(part, events, at_ns)
            if signature is not None:
                self._sign(part, signature, events, at_ns)
            return
        self._release(events, at_ns)
        self._close(events, at_ns)
        self._stand(part, events, at_ns)
        if signature is not None:
            self._stand(Thinking(signature=signature, provider=NAME, extra={NAME: {"on": "part"}}), events, at_ns)

    def _say(self, part: Text | Thinking, events: list[Event], at_ns: int) -> None:
        thought = isinstance(part, Thinking)
        if self._open is not type(part):
            self._close(events, at_ns)
            opened: Part = Thinking(provider=NAME) if thought else Text(text="")
            self._index = self._begin(opened, events, at_ns)
            self._open = type(part)
            self._texts += not thought
        self.grow(part.text, events, at_ns, thought=thought)
        self._late.update(part.extra.get(NAME, {}))

    def _sign(self, part: Text | Thinking, signature: str, events: list[Event], at_ns: int) -> None:
        """The signature of a thought closes it; that of text stands after the text, as a thought without words.

        It is held until something follows: the sources of the text, which its closing tells, come with the end.
        """
        self._release(events, at_ns)
        if isinstance(part, Thinking) and self._open is Thinking:
            self._close(events, at_ns, signature=signature)
            return
        on: Json = {"on": "part"} if part.text and isinstance(part, Text) else {}
        self._held = Thinking(signature=signature, provider=NAME, extra=left_over(on))

    def _release(self, events: list[Event], at_ns: int) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self._close(events, at_ns)
            self._stand(held, events, at_ns)

    def call(self, call: Part, arguments: str, events: list[Event], at_ns: int) -> None:
        """A call, whole."""
        self._called = True
        self._release(events, at_ns)
        self._close(events, at_ns)
        index = self._begin(call, events, at_ns)
        events.append(PartGrew(index=index, text=arguments, choice=self.number, at_ns=at_ns))
        events.append(PartClosed(index=index, choice=self.number, at_ns=at_ns))

    def _stand(self, part: Part, events: list[Event], at_ns: int) -> None:
        index = self._begin(part, events, at_ns)
        events.append(PartClosed(index=index, choice=self.number, at_ns=at_ns))

    def _begin(self, part: Part, events: list[Event], at_ns: int) -> int:
        index = self._parts
        if index >= MAX_PARTS:
            raise StreamBroken("wire.too_many_parts", f"The upstream's answer has more than {MAX_PARTS} parts.")
        self._parts += 1
        events.append(PartOpened(index=index, part=part, choice=self.number, at_ns=at_ns))
        return index

    def _close(self, events: list[Event], at_ns: int, **known: Any) -> None:
        if self._open is not None:
            extra = left_over(self._late)
            events.append(PartClosed(index=self._index, choice=self.number, at_ns=at_ns, extra=extra, **known))
            self._open = None
            self._late = {}

    def stop(self, events: list[Event], at_ns: int) -> None:
        """The end. Sources belong to the one text, if it is still open; else they stay as they came."""
        if self._open is Text and self._texts == 1:
            self._close(events, at_ns, citations=take_citations(self.extra, "".join(self._said)))
        self._close(events, at_ns)
        self._release(events, at_ns)
        meaning = "tool_calls" if self.meaning == "end" and self._called else self.meaning
        events.append(
            Stopped(reason=meaning, raw=self.reason, choice=self.number, extra=left_over(self.extra), at_ns=at_ns),
        )
