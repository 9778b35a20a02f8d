"""A request body as a client wrote it, made fit for one provider with as few changed bytes as can be.

The body is taken apart into its top-level fields only. Their values stay the bytes that came, so whatever a client sends,
known or not, reaches the provider as it was written. Changed are: the model's name, fields that the provider's row renames,
drops or clamps, and ``stream_options`` where usage must be asked for.
"""

from __future__ import annotations

import msgspec

from assay.core import InvalidInput, Offer

Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields)
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


def read_asked(body: bytes) -> Asked:
    """Take a request body apart.

    Raises:
        InvalidInput: ``request.encoding`` (not UTF-8), ``request.json`` (not a JSON object, or nested too deep),
            ``request.model``, ``request.stream``.
    """
    try:
        if not body.isascii():
            body.decode()
        fields = _fields.decode(body)
    except UnicodeDecodeError as error:
        raise InvalidInput("request.encoding", f"The body is not UTF-8: byte {error.start} is wrong.") from None
    except (msgspec.MsgspecError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise InvalidInput("request.json", f"The body must be a JSON object: {reason}.") from None
    raw = fields.get("model")
    try:
        model = _text.decode(raw) if raw is not None else ""
    except msgspec.MsgspecError:
        model = ""
    if not model:
        raise InvalidInput(
            "request.model", "The field 'model' must name a model.", hint="GET /v1/models lists the models.", param="model"
        )
    stream = fields.get("stream")
    if stream is not None and bytes(stream) not in (_TRUE, b"false", b"null"):
        raise InvalidInput("request.stream", "The field 'stream' must be true or false.", param="stream")
    return Asked(fields, model, stream is not None and bytes(stream) == _TRUE)


class Dialect:
    """How one provider changes a body of one protocol. ``names_model``: in the body, not in the address."""

    __slots__ = ("_clamps", "_drops", "_names_model", "_renames", "_stream_usage")

    def __init__(self, offer: Offer, protocol: str = "openai_chat", *, names_model: bool = True):
        self._names_model = names_model
        self._renames = tuple(offer.renames.items())
        self._drops = offer.drops
        self._clamps = tuple(offer.clamps.items())
        self._stream_usage = offer.stream_usage and protocol == "openai_chat"

    def write(self, asked: Asked, upstream_model: str) -> Written:
        """The body for the provider. Losses name each field that was dropped or bent."""
        fields = asked.fields.copy()
        losses = self._bend(fields) if self._drops or self._clamps or self._renames else ()
        if not self._names_model:
            fields.pop("model", None)
        elif upstream_model != asked.model:
            fields["model"] = msgspec.Raw(_encode(upstream_model))
        hides_usage = asked.stream and self._stream_usage and _ask_usage(fields)
        return Written(_encode(fields), hides_usage, losses)

    def _bend(self, fields: Fields) -> tuple[str, ...]:
        losses = []
        for old, new in self._renames:
            if old in fields:
                value = fields.pop(old)
                fields.setdefault(new, value)
        for name in self._drops:
            if name in fields:
                del fields[name]
                if name != "stream_options":
                    losses.append(name)
        for name, (low, high) in self._clamps:
            if name in fields and (bent := _clamp(fields[name], low, high)) is not None:
                losses.append(f"{name}={bytes(fields[name]).decode()}>{bent.decode()}")
                fields[name] = msgspec.Raw(bent)
        return tuple(losses)


def _clamp(raw: msgspec.Raw, low: float, high: float) -> bytes | None:
    try:
        value = _number.decode(raw)
    except msgspec.MsgspecError:
        return None
    return None if low <= value <= high else _encode(low if value < low else high)


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
