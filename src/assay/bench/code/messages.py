"""What goes between `CodeJudge` and its judge processes: one frame of MessagePack each way, a length of four bytes before it."""

from __future__ import annotations

import struct
from typing import TypeAlias

import msgspec

from assay.bench.code.examine import Examined
from assay.sandbox import Layers

HEAD = struct.Struct("<I")


class Begin(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """The first message: what to judge by."""

    problems: str
    data_hash: str
    folder: str
    shapes: dict[str, list[str]]
    accept_unsafe: bool


class Ready(msgspec.Struct, frozen=True, tag=True):
    """It can begin. ``layers`` are those of the sandbox."""

    layers: Layers


class Examine(msgspec.Struct, frozen=True, tag=True):
    problem: str
    program: str


class Said(msgspec.Struct, frozen=True, tag=True):
    examined: Examined


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The judge itself could not; nothing is said of the program."""

    status: int
    code: str
    message: str
    hint: str | None


Message: TypeAlias = Begin | Ready | Examine | Said | Failed


def pack(message: Message) -> bytes:
    body = msgspec.msgpack.encode(message)
    return HEAD.pack(len(body)) + body


def unpack(body: bytes) -> Message:
    message: Message = msgspec.msgpack.decode(body, type=Message)
    return message
