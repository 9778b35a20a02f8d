"""One server for the tests of access and of bad input."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.server import RunningAssay, running

LIMIT = 100_000


@pytest.fixture(scope="package")
def assay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAssay]:
    """A server with the practice contestants, a provider that is down, and a small limit for bodies; signed in."""
    folder = tmp_path_factory.mktemp("web")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    (folder / "assay.toml").write_text(f'[providers.down]\nbase_url = "http://127.0.0.1:{port}/v1"\nauth = "none"\n')
    with running(folder, "--demo", environ={"ASSAY_MAX_BODY_BYTES": str(LIMIT)}) as server:
        server.sign_in()
        yield server


def raw(assay: RunningAssay, data: bytes, *, unix: bool = False) -> bytes:
    """What the server answers to exactly these bytes, until it closes the connection."""
    where = str(assay.folder / "data" / "assay.sock") if unix else ("127.0.0.1", urlsplit(assay.url).port)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as connection:
        connection.settimeout(20)
        connection.connect(where)
        with contextlib.suppress(ConnectionError):  # it may answer before it has read everything
            connection.sendall(data)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer
