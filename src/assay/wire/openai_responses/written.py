"""The items of an answer as a client is told of them: announced, in pieces, and whole."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from assay.core import Image, PartClosed, Refusal, Text, Thinking, ToolCall, Unknown
from assay.wire.carry import seal
from assay.wire.document import encode
from assay.wire.fields import Json
from assay.wire.losses import Losses
from assay.wire.openai_responses.citation import write_citation
from assay.wire.openai_responses.error import event
from assay.wire.openai_responses.fields import NAME, make_id, of_item, of_part
from assay.wire.openai_responses.names import Spelled, custom_input
from assay.wire.sse import escape_separators


class Output:
    """The answer so far: its items, and the events that were not taken yet. ``stream``: it is told as it comes."""

    def __init__(self, id: str, names: Mapping[str, Spelled], losses: Losses, *, stream: bool) -> None:
        self.id = id
        self.stream = stream
        self.names = names
        self.losses = losses
        self.items: list[Json] = []
        self.sequence = 0
        self._said: list[bytes] = []
        self._call_ids: set[str] = set()

    def say(self, kind: str, **fields: object) -> None:
        """One event; none where the answer is one document."""
        if not self.stream:
            return
        self._said.append(event({"type": kind, "sequence_number": self.sequence, **fields}))
        self.sequence += 1

    def take(self) -> bytes:
        """The bytes since the last time."""
        said, self._said = b"".join(self._said), []
        return said

    def add(self, item: Json) -> int:
        """Announce an item; its place in the output."""
        place = len(self.items)
        self.items.append(item)
        self.say("response.output_item.added", output_index=place, item=item)
        return place

    def done(self, place: int, item: Json) -> None:
        """The item is whole."""
        self.items[place] = item
        self.say("response.output_item.done", output_index=place, item=item)

    def call_id(self, given: str) -> str:
        """A call's id; a new one where there is none or where a call before has it, since clients tell calls by it."""
        call_id = given
        if not call_id or call_id in self._call_ids:
            call_id = f"{given or 'call'}_{self.id[-20:]}{len(self.items):02x}"
        self._call_ids.add(call_id)
        return call_id

    def make_id(self, kind: str) -> str:
        """The id for the next item."""
        return make_id(kind, f"{self.id}{len(self.items):02x}")


class Slot:
    """An open part. ``around`` is what comes before a piece of its text; where it is None, ``grow`` does what is to be done."""

    def __init__(self, output: Output) -> None:
        self.output = output
        self.pieces: list[str] = []
        self.around: bytes | None = None
        self._kind = ""
        self._place: Json = {}

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def begin(self) -> None:
        """Say what is there already."""
        for piece in self.pieces:
            if piece and self.output.stream:
                self._say_piece(piece)

    def grow(self, text: str) -> None:
        """One more piece of its text came, and is among ``pieces``."""

    def close(self, closed: PartClosed) -> None:
        """The part is whole."""

    def _grows_by(self, kind: str, **place: object) -> None:
        if not self.output.stream:
            return
        self._kind, self._place = kind, place
        head = {"type": kind, **place}
        self.around = b"event: " + kind.encode() + b"\ndata: " + escape_separators(encode(head))[:-1] + b',"delta":'

    def _say_piece(self, piece: str) -> None:
        if self.around is None:
            self.grow(piece)
        else:
            self.output.say(self._kind, **self._place, delta=piece)


class Message:
    """The message that texts and refusals belong to, one after the other."""

    def __init__(self, output: Output, first: Text | Refusal) -> None:
        handles = of_item(first.extra.get(NAME, {}))
        self.output = output
        self.item: Json = {
            "id": output.make_id("msg"),
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
            **handles,
        }
        self.place = output.add({**self.item})
        self._slots: list[TextSlot] = []

    def is_other(self, part: Text | Refusal) -> bool:
        """Whether a part begins a message of its own."""
        return bool(of_item(part.extra.get(NAME, {})))

    def has(self, slot: Slot) -> bool:
        return slot in self._slots

    def open(self, part: Text | Refusal) -> Slot:
        slot = TextSlot(self, part, len(self._slots))
        self._slots.append(slot)
        return slot

    def close(self, status: str) -> None:
        self.output.done(self.place, {**self.item, "status": status, "content": [slot.part for slot in self._slots]})


class TextSlot(Slot):
    """A text or a refusal."""

    def __init__(self, message: Message, part: Text | Refusal, content_index: int) -> None:
        super().__init__(message.output)
        self._where: Json = {"item_id": message.item["id"], "output_index": message.place, "content_index": content_index}
        self._refuses = isinstance(part, Refusal)
        self._citations = part.citations if isinstance(part, Text) else ()
        self._extra = of_part(part.extra.get(NAME, {}))
        self.pieces = [part.text]
        self.part: Json = {}
        if self.output.stream:
            self._announce()

    def _announce(self) -> None:
        self.output.say("response.content_part.added", **self._where, part=self._as_part("", []))
        if self._refuses:
            self._grows_by("response.refusal.delta", **self._where)
        else:
            self._grows_by("response.output_text.delta", **self._where, logprobs=[])

    def close(self, closed: PartClosed) -> None:
        citations = [*self._citations, *closed.citations]
        sources = [source for one in citations if (source := write_citation(one, self.output.losses)) is not None]
        self._extra |= closed.extra.get(NAME, {})
        text = self.text
        self.part = self._as_part(text, sources)
        if self.output.stream:
            self._conclude(text, sources)

    def _conclude(self, text: str, sources: list[Json]) -> None:
        for place, source in enumerate(sources):
            self.output.say("response.output_text.annotation.added", **self._where, annotation_index=place, annotation=source)
        if self._refuses:
            self.output.say("response.refusal.done", **self._where, refusal=text)
        else:
            self.output.say("response.output_text.done", **self._where, text=text, logprobs=self.part["logprobs"])
        self.output.say("response.content_part.done", **self._where, part=self.part)

    def _as_part(self, text: str, sources: list[Json]) -> Json:
        if self._refuses:
            return {"type": "refusal", "refusal": text, **self._extra}
        return {"type": "output_text", "annotations": sources, "logprobs": [], "text": text, **self._extra}


class ThoughtSlot(Slot):
    """Thoughts, shown as a summary; those that an open model of this protocol gave in full, in full."""

    def __init__(self, output: Output, thought: Thinking) -> None:
        super().__init__(output)
        extra = thought.extra.get(NAME, {})
        self._thought = thought
        self._full = thought.provider is None and bool(extra)
        self._item: Json = {"id": output.make_id("rs"), "type": "reasoning", "summary": [], **of_item(extra)}
        self._index = output.add({**self._item})
        self._where: Json = {"item_id": self._item["id"], "output_index": self._index}
        self.pieces = [thought.text]

    def grow(self, text: str) -> None:
        """Its first words open the summary, which takes every further piece by itself."""
        if self._full:
            self._grows_by("response.reasoning_text.delta", **self._where, content_index=0)
        else:
            self.output.say(
                "response.reasoning_summary_part.added", **self._where, summary_index=0, part={"type": "summary_text", "text": ""}
            )
            self._grows_by("response.reasoning_summary_text.delta", **self._where, summary_index=0)
        self._say_piece(text)

    def close(self, closed: PartClosed) -> None:
        text = self.text
        item = {**self._item}
        if text and self._full:
            self.output.say("response.reasoning_text.done", **self._where, content_index=0, text=text)
            item["content"] = [{"type": "reasoning_text", "text": text}]
        elif text:
            part = {"type": "summary_text", "text": text}
            self.output.say("response.reasoning_summary_text.done", **self._where, summary_index=0, text=text)
            self.output.say("response.reasoning_summary_part.done", **self._where, summary_index=0, part=part)
            item["summary"] = [part]
        slot = self._sealed(closed)
        if slot is not None:
            item["encrypted_content"] = slot
        self.output.done(self._index, item)

    def _sealed(self, closed: PartClosed) -> str | None:
        """What the client is to give back: OpenAI's own words as they are, anyone else's sealed, without the text it has."""
        thought = self._thought
        signature = closed.signature if closed.signature is not None else thought.signature
        if thought.provider == NAME or self._full:
            return signature
        extra = {of: {**thought.extra.get(of, {}), **closed.extra.get(of, {})} for of in thought.extra.keys() | closed.extra.keys()}
        return seal(msgspec.structs.replace(thought, text="", signature=signature, extra=extra))


class CallSlot(Slot):
    """A call of a function, in its namespace again; or of a custom tool, whose text is known when it is whole."""

    def __init__(self, output: Output, call: ToolCall) -> None:
        super().__init__(output)
        if call.signature is not None:
            carrier = {"id": output.make_id("rs"), "type": "reasoning", "summary": [], "encrypted_content": seal(call=call)}
            output.done(output.add(carrier), carrier)
        extra = call.extra.get(NAME, {})
        spelled = output.names.get(call.name) or Spelled(call.name)
        self._custom = spelled.custom
        self._item: Json = {
            "id": output.make_id("ctc" if self._custom else "fc"),
            "type": "custom_tool_call" if self._custom else "function_call",
            "status": "in_progress",
            "call_id": output.call_id(call.id),
            "name": spelled.name,
            **({} if spelled.namespace is None else {"namespace": spelled.namespace}),
            **of_part(extra),
            **of_item(extra),
        }
        self._words = "input" if self._custom else "arguments"
        self._index = output.add({**self._item, self._words: ""})
        self._where: Json = {"item_id": self._item["id"], "output_index": self._index}
        self.pieces = [call.arguments]
        if not self._custom:
            self._grows_by("response.function_call_arguments.delta", **self._where)

    def close(self, closed: PartClosed) -> None:
        words = self.text
        if self._custom:
            words = custom_input(words)
            if words:
                self.output.say("response.custom_tool_call_input.delta", **self._where, delta=words)
            self.output.say("response.custom_tool_call_input.done", **self._where, input=words)
        else:
            self.output.say("response.function_call_arguments.done", **self._where, name=self._item["name"], arguments=words)
        late = closed.extra.get(NAME, {})
        self.output.done(self._index, {**self._item, "status": "completed", self._words: words, **late})


class PictureSlot(Slot):
    """A picture that the model drew."""

    def __init__(self, output: Output, picture: Image) -> None:
        super().__init__(output)
        self._item: Json = {"id": output.make_id("ig"), "type": "image_generation_call", "status": "in_progress", "result": None}
        self._index = output.add(self._item)
        form = (picture.media_type or "image/png").removeprefix("image/")
        self._whole: Json = {**self._item, "status": "completed", "result": picture.data, "output_format": form}

    def close(self, closed: PartClosed) -> None:
        self.output.done(self._index, self._whole)


class UnknownSlot(Slot):
    """What the provider did itself, as it said so."""

    def __init__(self, output: Output, part: Unknown) -> None:
        super().__init__(output)
        self._item: Json = next(iter(of_item(part.extra[NAME]).values()), {})
        self._index = output.add(self._item)

    def close(self, closed: PartClosed) -> None:
        self.output.done(self._index, self._item)
