"""The practice contestants on a Unix socket that only this user can open, served in this process."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from assay.core import Unavailable
from assay.gateway.practice.asgi import Practice
from assay.gateway.practice.contestants import contestants
from assay.gateway.practice.pieces import Pace
from assay.gateway.server import Server

_GRACE_S = 1
_LONGEST_PATH = 103
"""Bytes that every system's ``sockaddr_un`` can hold (macOS: 104 with the closing NUL; Linux: 108)."""


@asynccontextmanager
async def serve(socket_path: Path, *, pace: Pace | None = None) -> AsyncIterator[None]:
    """Serve while the block runs. The socket is 0600, and 0700 a folder made for it; the socket and what was begun are gone after.

    Raises:
        Unavailable: the path is too long, or others can write to its folder (``practice.socket_path``).
    """
    practice = Practice(contestants(), pace)
    with _private_socket(socket_path) as listener:
        server = Server(practice)
        await server.listen(listener)
        try:
            yield
        finally:
            await server.leave(_GRACE_S, 0)
            await practice.close()


@contextmanager
def _private_socket(path: Path) -> Iterator[socket.socket]:
    """A listening place at ``path``. It is bound in a folder that is 0700, made 0600, and only then moved where it is looked for."""
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise Unavailable(
            "practice.socket_path",
            f"The socket path {str(path)!r} is longer than the {_LONGEST_PATH} bytes that systems allow.",
            hint="Choose a data directory with a shorter path.",
        )
    _check_folder(path.parent)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as private:
            made = Path(private) / "s"
            listener.bind(os.fspath(made))
            made.chmod(0o600)
            made.replace(path)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _check_folder(folder: Path) -> None:
    """Refuse a folder in which others could put a socket of theirs in the place of ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid not in (os.getuid(), 0) or (status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX):
        raise Unavailable(
            "practice.socket_path",
            f"Other users can write to the folder {str(folder)!r} (mode {stat.S_IMODE(status.st_mode):o}).",
            hint=f"Make it private: chmod 700 {folder}",
        )
