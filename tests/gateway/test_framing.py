"""AWS's binary frames, right and wrong, as server-sent events."""

from __future__ import annotations

import binascii
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.connection import Fault
from assay.gateway.framing import AwsFrames


def frame(headers: bytes, payload: bytes = b"{}") -> bytes:
    """A frame with right checksums, whatever is in it."""
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", binascii.crc32(message))


def named(name: bytes) -> bytes:
    return b"\x0b:event-type\x07" + struct.pack("!H", len(name)) + name


@given(
    headers=st.binary(max_size=30) | st.lists(st.sampled_from([0, 1, 2, 7, 9, 250]), max_size=20).map(bytes),
    payload=st.sampled_from([b"", b"{}", b"[]", b"\xff", b'{"bytes":"e30="}', b'{"bytes":"*"}', b"[" * 5000]),
    wrapped=st.booleans(),
)
def test_frames_with_anything_in_them_are_read_or_broken(headers: bytes, payload: bytes, wrapped: bool) -> None:
    try:
        events = AwsFrames(wrapped=wrapped).feed(frame(headers, payload))
    except Fault:
        return
    assert events == b"" or events.endswith(b"\n\n")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_frame_is_one_event_however_it_comes(size: int) -> None:
    frames, data = AwsFrames(wrapped=False), frame(named(b"contentBlockDelta"), b'{"a":\n1}')
    events = b"".join(frames.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert events == b'event: contentBlockDelta\ndata: {"a": 1}\n\n'


def test_no_name_of_an_event_breaks_out_of_its_line() -> None:
    with pytest.raises(Fault, match="no event's name"):
        AwsFrames(wrapped=False).feed(frame(named(b"a\n\ndata: [DONE]")))
