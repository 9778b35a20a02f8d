"""A request body as a client wrote it, made fit for one provider with as few changed bytes as can be.

The body is taken apart into its top-level fields only. Their values stay the bytes that came, so whatever a client sends,
known or not, reaches the provider as it was written. Changed are: the model's name, fields that the provider's row renames,
drops, clamps, swaps or adds, an effort that the provider spells otherwise, and ``stream_options`` where usage must be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from assay.core import InvalidInput, Offer, Request, Sampling, TooLarge
from assay.gateway.reasoning import put, spell, with_thoughts, without_thoughts
from assay.wire.losses import Losses

Fields: TypeAlias = dict[str, msgspec.Raw]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

MAX_ENTRIES = 100_000
"""Of a list at the top of a body, such as the messages. Agents of 2026 give up on conversations of some thousand."""

MAX_VALUES = 1_000_000
"""Lists and objects in a body, by its brackets, those in texts too: the densest JSON in a prompt has one in ten bytes."""

_SMALL_BYTES = 1024 * 1024
_LIST = ord("[")

_fields = msgspec.json.Decoder(Fields)
_entries = msgspec.json.Decoder(list[msgspec.Raw])
_text = msgspec.json.Decoder(str)
_number = msgspec.json.Decoder(float)
_options = msgspec.json.Decoder(Fields)
_encode = msgspec.json.Encoder().encode
_TRUE = b"true"


class Asked(msgspec.Struct, frozen=True):
    """What a client asks, as far as the gateway must know: the rest stays in ``fields``, unread."""

    fields: Fields
    model: str
    stream: bool


class Written(msgspec.Struct, frozen=True):
    """A body for the upstream. ``hides_usage``: the usage chunk was asked for by us, and must not reach the client."""

    body: bytes
    hides_usage: bool
    losses: tuple[str, ...]


def read_asked(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Asked:
    """Take a request body apart; ``model`` and ``stream`` are given where the address says them.

    Raises:
        InvalidInput: ``request.encoding`` (not UTF-8), ``request.json`` (not a JSON object, or nested too deep),
            ``request.model``, ``request.stream``.
        TooLarge: ``request.too_many_values``.
    """
    is_large = len(body) > _SMALL_BYTES
    if is_large:
        _check_values(body)
    fields = read_fields(body)
    if is_large:
        _check_entries(fields)
    return Asked(fields, model or _model_in(fields), _stream_in(fields) if stream is None else stream)


def read_fields(body: bytes) -> Fields:
    """The top-level fields of a body. Raises as `read_asked` does."""
    try:
        if not body.isascii():
            body.decode()
        return _fields.decode(body)
    except UnicodeDecodeError as error:
        raise InvalidInput("request.encoding", f"The body is not UTF-8: byte {error.start} is wrong.") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput("request.json", f"The body must be a JSON object: {reason}.") from None


def _check_values(body: bytes) -> None:
    """Refuse what is small as bytes and would be huge as values: reading it would take seconds, and gigabytes."""
    count = len(body) - len(body.translate(None, b"{["))
    if count > MAX_VALUES:
        raise TooLarge(
            "request.too_many_values",
            f"The body holds about {count} lists and objects; at most {MAX_VALUES} are read.",
            hint="Send less of the conversation.",
        )


def _check_entries(fields: Fields) -> None:
    for name, value in fields.items():
        if memoryview(value)[0] != _LIST:
            continue
        if (entries := len(_entries.decode(value))) > MAX_ENTRIES:
            raise TooLarge(
                "request.too_many_values",
                f"The list {name[:40]!r} has {entries} entries; at most {MAX_ENTRIES} are read.",
                hint="Send less of the conversation.",
                param=name[:40],
            )


def _model_in(fields: Fields) -> str:
    raw = fields.get("model")
    try:
        model = _text.decode(raw) if raw is not None else ""
    except msgspec.MsgspecError:
        model = ""
    if not model:
        raise InvalidInput(
            "request.model", "The field 'model' must name a model.", hint="GET /v1/models lists the models.", param="model"
        )
    return model


def _stream_in(fields: Fields) -> bool:
    stream = fields.get("stream")
    if stream is not None and bytes(stream) not in (_TRUE, b"false", b"null"):
        raise InvalidInput("request.stream", "The field 'stream' must be true or false.", param="stream")
    return stream is not None and bytes(stream) == _TRUE


class Dialect:
    """How one provider changes a body of one protocol. ``addressed`` are the operations whose address names the model: then the body
    does not.
    """

    __slots__ = ("_addressed", "_constant", "_offer", "_protocol", "_spells_effort", "_stream_usage")

    def __init__(self, offer: Offer, protocol: str = "openai_chat", *, addressed: Collection[str] = ()):
        self._offer = offer
        self._protocol = protocol
        self._addressed = addressed
        self._stream_usage = offer.stream_usage and protocol == "openai_chat"
        reasoning = offer.reasoning
        self._spells_effort = (
            protocol == "openai_chat"
            and reasoning is not None
            and (reasoning.effort != "reasoning_effort" or bool(reasoning.words or reasoning.off))
        )
        fills = (offer.defaults, offer.with_tools, offer.fixed, offer.header_fields)
        bends = (offer.renames, offer.drops, offer.clamps, offer.swaps)
        self._constant = not any(fills + bends) and not self._spells_effort and offer.framing == "sse"

    def prepare(self, request: Request, *, max_output: int | None = None) -> tuple[Request, tuple[str, ...]]:
        """``request`` before a codec writes it: thinking in the provider's own fields, and a limit where one must be given.

        ``max_output`` is the model's own limit, where it is known.
        """
        losses = Losses()
        if request.sampling.max_tokens is None and self._protocol == "anthropic" and max_output is not None:
            sampling = msgspec.structs.replace(request.sampling, max_tokens=max_output)
            request = msgspec.structs.replace(request, sampling=sampling)
        if not self._offer.thoughts:
            request = msgspec.structs.replace(request, transcript=without_thoughts(request.transcript, losses))
        if self._offer.reasoning is not None:
            asked = request.sampling
            spelled = spell(asked, self._offer.reasoning, losses)
            if spelled.fields:
                own = {**request.extra.get(self._protocol, {})}
                put(own, spelled.fields)
                request = msgspec.structs.replace(request, extra={**request.extra, self._protocol: own})
            request = msgspec.structs.replace(request, sampling=spelled.left)
            if self._offer.reasoning.replayed and asked.thinking is not False and asked.effort != "none":
                request = msgspec.structs.replace(request, transcript=with_thoughts(request.transcript, losses))
        return request, losses.listed

    def leaves(self, request: Request) -> bool:
        """Whether the body that a codec wrote for ``request`` is what the provider wants, to the byte."""
        names_model = self._protocol != "gemini" and "generate" in self._addressed
        return self._constant and not names_model and not (request.stream and self._stream_usage)

    def write(self, asked: Asked, upstream_model: str, forwarded: Headers = (), *, operation: str = "generate") -> Written:
        """The body for the provider. Losses name each field that was dropped or bent.

        ``forwarded`` are the headers of the client's that are passed on; here those count that belong into the body.
        """
        fields = asked.fields.copy()
        losses = () if self._constant else self._bend(fields, forwarded)
        if operation in self._addressed:
            fields.pop("model", None)
        elif upstream_model != asked.model:
            fields["model"] = msgspec.Raw(_encode(upstream_model))
        hides_usage = asked.stream and self._stream_usage and _ask_usage(fields)
        return Written(_encode(fields), hides_usage, losses)

    def _bend(self, fields: Fields, forwarded: Headers) -> tuple[str, ...]:
        losses = Losses()
        offer = self._offer
        if self._spells_effort and "reasoning_effort" in fields:
            self._spell_effort(fields, losses)
        for old, new in offer.renames.items():
            if old in fields:
                value = fields.pop(old)
                fields.setdefault(new, value)
        for name in offer.drops:
            if fields.pop(name, None) is not None and name != "stream_options":
                losses.drop(name)
        for name, (low, high) in offer.clamps.items():
            if name in fields and (bent := _clamp(fields[name], low, high)) is not None:
                losses.approximate(name, bent.decode())
                fields[name] = msgspec.Raw(bent)
        for name, swaps in offer.swaps.items():
            if name in fields and (swapped := _swap(fields[name], swaps)) is not None:
                losses.approximate(name, str(swapped.get("type", "") if isinstance(swapped, dict) else swapped))
                fields[name] = msgspec.Raw(_encode(swapped))
        self._fill(fields, forwarded)
        return losses.listed

    def _fill(self, fields: Fields, forwarded: Headers) -> None:
        """What the provider wants to be told, and the asker need not know."""
        offer = self._offer
        if offer.framing == "aws":
            # There the address says whether the answer comes in pieces.
            fields.pop("stream", None)
        for name, value in (*offer.defaults.items(), *(offer.with_tools.items() if "tools" in fields else ())):
            fields.setdefault(name, msgspec.Raw(_encode(value)))
        for name, value in offer.fixed.items():
            fields[name] = msgspec.Raw(_encode(value))
        for header, field in offer.header_fields.items():
            words = [word.strip() for name, value in forwarded if name.lower() == header.encode() for word in value.split(b",")]
            if words:
                fields.setdefault(field, msgspec.Raw(_encode([word.decode("latin-1") for word in words if word])))

    def _spell_effort(self, fields: Fields, losses: Losses) -> None:
        """An effort that came in OpenAI's field, in the provider's own."""
        assert self._offer.reasoning is not None, "nothing to spell it with"
        try:
            effort = _text.decode(fields["reasoning_effort"])
        except msgspec.MsgspecError:
            return
        del fields["reasoning_effort"]
        for name, value in spell(Sampling(effort=effort), self._offer.reasoning, losses).fields.items():
            fields.setdefault(name, msgspec.Raw(_encode(value)))


def _clamp(raw: msgspec.Raw, low: float, high: float) -> bytes | None:
    try:
        value = _number.decode(raw)
    except msgspec.MsgspecError:
        return None
    return None if low <= value <= high else _encode(low if value < low else high)


def _swap(raw: msgspec.Raw, swaps: Mapping[str, Any]) -> Any:
    """The value that stands in for this one; None where it may stay. An object goes by its ``type``."""
    try:
        word = _text.decode(raw)
    except msgspec.MsgspecError:
        try:
            word = _typed.decode(raw).type
        except msgspec.MsgspecError:
            return None
    return swaps.get(word)


class _Typed(msgspec.Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)


def _ask_usage(fields: Fields) -> bool:
    """Ask for the usage chunk where the client did not. True: it is ours to take out again."""
    raw = fields.get("stream_options")
    options: Fields = {}
    if raw is not None and bytes(raw) != b"null":
        try:
            options = _options.decode(raw)
        except msgspec.MsgspecError:
            return False
    include = options.get("include_usage")
    if include is not None and bytes(include) == _TRUE:
        return False
    options["include_usage"] = msgspec.Raw(_TRUE)
    fields["stream_options"] = msgspec.Raw(_encode(options))
    return True
