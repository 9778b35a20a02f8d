"""Public votes: their bytes are checked wherever they come from."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from assay.arena.imports import import_file
from assay.board import routes as board_routes
from assay.board.datasets import Dataset, read_dataset
from assay.core import Unavailable
from assay.store import Database, Vault
from tests.board.reader import Reader

pytestmark = pytest.mark.anyio

CONTENT = b"a,b,choice\nx,y,a\n"
ROW = Dataset(
    title="Test",
    link="https://example.org",
    url="http://127.0.0.1:9/votes.csv",
    file="votes/votes.csv",
    bytes=len(CONTENT),
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    votes=1,
    licence="CC0",
    author="nobody",
    facts="2026-11-22",
)


class _Handler(BaseHTTPRequestHandler):
    replies = {"/good": CONTENT, "/other": CONTENT.replace(b"x", b"z"), "/long": CONTENT * 1000, "/short": CONTENT[:-1]}

    def do_GET(self) -> None:
        content = self.replies.get(self.path)
        self.send_response(404 if content is None else 200)
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A small web server, asked directly."""
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_file_is_fetched_by_its_address(origin: str) -> None:
    assert await read_dataset(msgspec.structs.replace(ROW, url=f"{origin}/good"), None) == CONTENT


@pytest.mark.parametrize("path", ["/other", "/long", "/short"])
async def test_bytes_that_are_not_the_expected_ones_are_refused(path: str, origin: str) -> None:
    with pytest.raises(Unavailable) as refused:
        await read_dataset(msgspec.structs.replace(ROW, url=origin + path), None)
    assert refused.value.code == "dataset.changed"


async def test_an_address_that_does_not_answer_says_what_else_can_be_done(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    for url in (f"{origin}/gone", ROW.url):
        with pytest.raises(Unavailable, match="assay arena import FILE") as refused:
            await read_dataset(msgspec.structs.replace(ROW, url=url), None)
        assert refused.value.code == "dataset.unreachable"


async def test_a_local_copy_is_read_and_checked_alike(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        await read_dataset(ROW, tmp_path)
    (tmp_path / "votes").mkdir()
    (tmp_path / ROW.file).write_bytes(CONTENT)
    assert await read_dataset(ROW, tmp_path) == CONTENT
    (tmp_path / ROW.file).write_bytes(CONTENT + b"x,y,b\n")
    with pytest.raises(Unavailable, match="expected bytes"):
        await read_dataset(ROW, tmp_path)


async def nothing() -> list[str]:
    return []


@pytest.mark.data
async def test_the_public_votes_are_on_the_board_after_one_request(database: Database, tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "keys" / "master.key")
    routes = board_routes.routes(
        database,
        providers=tuple,
        hidden=nothing,
        import_file=partial(import_file, database, vault),
        data_dir=Path(os.environ["ASSAY_DATA_DIR"]),
    )
    api = Reader(routes)
    done = (await api.post("/api/v1/datasets/llmfao/import")).json
    assert (done["imported"], done["bad"], done["source"]) == (8931, [], "llmfao")
    board = (await api.get("/api/v1/board?cluster=voter")).json
    assert (len(board["rows"]), board["method"]["rated"], board["method"]["voters"]) == (59, 59, 124)
    assert board["rows"][0]["model"] == "GPT 4"
    assert board["datasets"][0]["imported"]
