"""What every protocol gives: four pure functions, two of them as objects since a stream has a middle.

Towards a client: `Codec.read_request` and `Codec.EventWriter`. Towards an upstream: `Codec.write_request` and
`Codec.EventReader`. A module of `assay.wire` that has these names is a codec.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from assay.core import AssayError, Event, Request
from assay.wire.losses import Losses, Written

Listed: TypeAlias = tuple[str, int, str, str | None]
"""A model as lists show it: its name here, when it was made (seconds since 1970, or 0), who owns it, its title."""


class EventReader(Protocol):
    """An upstream's answer, whole or in pieces, as events.

    ``seed`` (hexadecimal, unique to the answer) is what ids are made of where the protocol has none.
    """

    def __init__(self, *, stream: bool, seed: str = "") -> None: ...

    def feed(self, data: bytes, at_ns: int = 0) -> list[Event]:
        """The events that ``data`` completes. Raises `StreamError` and `StreamBroken`."""

    def close(self, at_ns: int = 0) -> list[Event]:
        """The last events. Raises `StreamBroken` where the answer was not whole, and `StreamError`."""


class EventWriter(Protocol):
    """Events as the answer that a client expects: streamed where ``request.stream`` says so, else in one document.

    The client is told ``request.model``. ``id`` (hexadecimal, unique to the answer) is what all ids are made of; ``created``
    is in seconds since 1970. ``losses`` gathers what of the answer could not be said.
    """

    losses: Losses

    def __init__(self, request: Request, *, id: str, created: int) -> None: ...

    def write(self, event: Event) -> bytes:
        """The bytes for ``event``, perhaps none."""

    def close(self) -> bytes:
        """The end of a whole answer. Raises `StreamBroken` where no `Stopped` was written: nothing pretends an end."""


class UpstreamCodec(Protocol):
    """What is needed to ask an upstream of a protocol."""

    @property
    def NAME(self) -> str: ...  # noqa: N802  # a constant of the module

    @property
    def EventReader(self) -> type[EventReader]: ...  # noqa: N802  # a class of the module

    def write_request(self, request: Request) -> Written:
        """The body for an upstream that knows the model as ``request.model``."""


class Codec(UpstreamCodec, Protocol):
    """A protocol in both directions, as a module."""

    @property
    def HEARTBEAT(self) -> bytes:  # noqa: N802  # a constant of the module
        """What may be sent on a stream that is slow to begin or go on; empty where clients bear nothing."""

    @property
    def EventWriter(self) -> type[EventWriter]: ...  # noqa: N802  # a class of the module

    def read_request(self, body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
        """The request that a client sent; ``model`` and ``stream`` where its address says them. Raises `InvalidInput`, `TooLarge`."""

    def write_error(self, error: AssayError, request_id: str = "") -> bytes:
        """The body of an error answer, in the protocol's own envelope."""

    def write_stream_error(self, error: AssayError, request_id: str = "") -> bytes:
        """The bytes that end a stream which broke off, so that clients raise its message."""

    def is_finished(self, last: bytes) -> bool:
        """Whether an answer came to its end, by the last bytes of its stream."""

    def write_models(self, models: Sequence[Listed]) -> bytes:
        """The list of models."""

    def write_model(self, model: Listed) -> bytes:
        """One model of the list."""


class UpstreamCounter(Protocol):
    """What is needed to ask an upstream how many tokens a request has, before it is sent."""

    def write_count_request(self, request: Request) -> Written:
        """The body for an upstream."""

    def read_count(self, body: bytes) -> int:
        """The count that an upstream answered. Raises `StreamBroken`."""


class Counter(UpstreamCounter, Protocol):
    """A protocol in which clients may have tokens counted."""

    def read_count_request(self, body: bytes, *, model: str | None = None) -> Request:
        """What a client wants counted."""

    def write_count(self, count: int) -> bytes:
        """The answer for a client."""
