"""One end of a child's channel: writes what is queued while it reads, and waits no longer than it is told."""

from __future__ import annotations

import select
import socket
import time

from assay.sandbox.inside.frames import HEAD

_CHUNK_BYTES = 1 << 18


class Silent(Exception):
    """No whole frame came in time."""


class Overlong(Exception):
    """A frame announced more than is allowed."""


class Gone(Exception):
    """The other end was closed."""


class Channel:
    def __init__(self, sock: socket.socket):
        sock.setblocking(False)
        self._socket = sock
        self._poll = select.poll()
        self._outgoing = memoryview(b"")
        self._incoming = bytearray()

    def queue(self, data: bytes) -> None:
        """``data`` is written while frames are read; the other end need not read it for this to return."""
        self._outgoing = memoryview(bytes(self._outgoing) + data) if self._outgoing else memoryview(data)
        self._write()

    def read(self, until: float, most_bytes: int) -> tuple[bytes, bytes]:
        """The next frame's letter and body. Raises `Silent` at ``until`` (of ``time.monotonic``), `Overlong` or `Gone`."""
        while True:
            if len(self._incoming) >= HEAD.size:
                letter, length = HEAD.unpack_from(self._incoming)
                if length > most_bytes:
                    raise Overlong
                end = HEAD.size + length
                if len(self._incoming) >= end:
                    body = bytes(memoryview(self._incoming)[HEAD.size : end])
                    del self._incoming[:end]
                    return letter, body
            self._wait(until)

    def close(self) -> None:
        self._socket.close()

    def _wait(self, until: float) -> None:
        """Reads and writes once, as soon as one is possible."""
        events = select.POLLIN | (select.POLLOUT if self._outgoing else 0)
        self._poll.register(self._socket, events)
        left_s = until - time.monotonic()
        ready = self._poll.poll(max(left_s, 0) * 1000)
        if not ready:
            raise Silent
        happened = ready[0][1]
        if happened & select.POLLOUT:
            self._write()
        if happened & ~select.POLLOUT:
            self._fill()

    def _fill(self) -> None:
        try:
            data = self._socket.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        self._incoming += data

    def _write(self) -> None:
        try:
            sent = self._socket.send(self._outgoing, socket.MSG_NOSIGNAL)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._outgoing)  # nobody reads any more; what they said before is still read
        self._outgoing = self._outgoing[sent:]
