"""Events as the answer that a client of this protocol expects, streamed or in one document.

A stream has the order that clients rely on: ``response.created`` and ``.in_progress``; each item announced, then its pieces,
then each part and the item whole; at last the response whole. ``sequence_number`` counts from 0, ``event:`` equals ``type``,
and there is no ``[DONE]``.

Thoughts of another maker, and what it signed of a call, come as the ``encrypted_content`` of reasoning items, sealed, so that a
client gives them back.
"""

from __future__ import annotations

from assay.core import (
    AssayError,
    Event,
    Image,
    Part,
    PartClosed,
    PartGrew,
    PartOpened,
    Refusal,
    Request,
    Started,
    Stopped,
    Text,
    Thinking,
    ToolCall,
    Unknown,
    Usage,
    UsageReported,
)
from assay.wire.document import encode
from assay.wire.errors import StreamBroken
from assay.wire.losses import Losses
from assay.wire.openai_responses.error import stream_error
from assay.wire.openai_responses.fields import NAME
from assay.wire.openai_responses.names import spellings
from assay.wire.openai_responses.response import ended, response_of
from assay.wire.openai_responses.written import CallSlot, Message, Output, PictureSlot, Slot, ThoughtSlot, UnknownSlot
from assay.wire.sse import escape_separators


class EventWriter:
    """Give it events in order; it returns the bytes that each is worth to the client, and at last those of the end."""

    def __init__(self, request: Request, *, id: str, created: int):
        self.losses = Losses()
        self._stream = request.stream
        self._about = response_of(request, id=id, created=created)
        self._output = Output(id, spellings(request.tools), self.losses, stream=request.stream)
        self._open: dict[int, Slot] = {}
        self._message: Message | None = None
        self._stopped: Stopped | None = None
        self._refused = False
        self._usage: Usage | None = None
        self._begun = False

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""
        if type(event) is PartGrew:
            slot = self._open.get(event.index)
            if slot is None or event.choice:
                return b""
            slot.pieces.append(event.text)
            if not self._stream:
                return b""
            if slot.around is not None:
                output = self._output
                output.sequence += 1
                return slot.around + escape_separators(encode(event.text)) + b',"sequence_number":%d}\n\n' % (output.sequence - 1)
            slot.grow(event.text)
        else:
            self._write(event)
        return self._output.take() if self._stream else b""

    def close(self) -> bytes:
        """The end of a whole answer. Of a broken one there is none: ``fail`` says so instead.

        Raises:
            StreamBroken: ``wire.stream_broken``: no `Stopped` was written, and this writes no end of its own.
        """
        if self._stopped is None:
            raise StreamBroken("wire.stream_broken", "The answer ended without a reason.")
        response = ended(self._about, self._output.items, self._usage, self._stopped.reason, refused=self._refused)
        if not self._stream:
            return escape_separators(encode(response))
        self._output.say(f"response.{response['status']}", response=response)
        return self._output.take()

    def fail(self, error: AssayError, request_id: str = "") -> bytes:
        """The end of a stream that broke off: `write_stream_error`, going on from what was written so far."""
        return stream_error(error, {**self._about, "output": self._output.items}, self._output.sequence)

    def _write(self, event: Event) -> None:
        if type(event) is UsageReported:
            self._usage = event.usage
            return
        if getattr(event, "choice", 0):
            self.losses.drop("choices")
            return
        if type(event) is Started:
            tier = event.extra.get(NAME, {}).get("service_tier")
            self._about["service_tier"] = tier
        self._begin()
        match event:
            case PartOpened(part=part, index=index):
                self._open_part(part, index)
            case PartClosed(index=index):
                slot = self._open.pop(index, None)
                if slot is not None:
                    slot.close(event)
            case Stopped():
                self._stop(event)

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        self._output.say("response.created", response=self._about)
        self._output.say("response.in_progress", response=self._about)

    def _open_part(self, part: Part, index: int) -> None:
        self._refused = self._refused or type(part) is Refusal
        slot: Slot | None
        if isinstance(part, Text | Refusal):
            slot = self._say(part)
        else:
            self._end_message("completed")
            slot = self._open_item(part)
        if slot is not None:
            self._open[index] = slot
            slot.begin()

    def _open_item(self, part: Part) -> Slot | None:
        match part:
            case Thinking():
                return ThoughtSlot(self._output, part)
            case ToolCall():
                return CallSlot(self._output, part)
            case Image(data=str()):
                return PictureSlot(self._output, part)
            case Unknown() if NAME in part.extra:
                return UnknownSlot(self._output, part)
        self.losses.drop(self.losses.kind_of(part))
        return None

    def _say(self, part: Text | Refusal) -> Slot:
        """Words go on with the message that is open, unless the upstream says that they are another's."""
        if self._message is not None and self._message.is_other(part):
            self._end_message("completed")
        if self._message is None:
            self._message = Message(self._output, part)
        return self._message.open(part)

    def _end_message(self, status: str) -> None:
        if self._message is not None:
            for index in [index for index, slot in self._open.items() if self._message.has(slot)]:
                self._open.pop(index).close(PartClosed(index=index))
            self._message.close(status)
            self._message = None

    def _stop(self, event: Stopped) -> None:
        if self._stopped is not None:
            return
        self._stopped = event
        for index in list(self._open):
            self._open.pop(index).close(PartClosed(index=index))
        self._end_message("incomplete" if event.reason in ("length", "content_filter") else "completed")
