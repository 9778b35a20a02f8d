"""Data is found or fetched, and what does not hash to what the task says is never used. Fetched from a real server on loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from assay.bench.data import Sources, address, fetch, hash_files
from assay.bench.task import DataFile
from assay.core import InvalidInput, Unauthorized, Unavailable
from tests.bench.tasks.answers import task

CONTENT = bytes(range(256)) * 4096
HASH = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``CONTENT`` under several conditions, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.elsewhere = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        wants, token = self.headers.get("Range"), self.headers.get("Authorization")
        self.server.asked.append((self.path, wants, token))
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", f"{self.server.elsewhere}/plain")
            self.end_headers()
        elif self.path.startswith("/gated") and token != "Bearer secret":
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._serve(wants)

    def _serve(self, wants: str | None) -> None:
        start = int(wants.removeprefix("bytes=").removesuffix("-")) if wants and "norange" not in self.path else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        rest = CONTENT[start:]
        self.wfile.write(rest[: len(rest) // 2] if "breaks" in self.path and not start else rest)


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as one:
        yield one


class running:  # noqa: N801  # used as a function
    def __enter__(self) -> Server:
        self._server = Server()
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self._server

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def everything_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


def with_file(**more: str | None) -> DataFile:
    return msgspec.convert({"name": "rows.bin", "sha256": HASH, **more}, DataFile)


@pytest.mark.anyio
async def test_a_file_is_fetched_once_checked_and_kept(server: Server, tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url=f"{server.url}/plain"),))
    seen: list[tuple[str, int, int | None]] = []
    sources = Sources(cache=tmp_path / "cache", tokens={})
    files = await fetch(of, sources, progress=lambda *told: seen.append(told))
    assert files["rows.bin"].read_bytes() == CONTENT
    assert seen[-1] == ("rows.bin", len(CONTENT), len(CONTENT))
    assert await fetch(of, sources) == files
    assert len(server.asked) == 1
    assert await hash_files(files) == {"rows.bin": HASH}


@pytest.mark.anyio
async def test_a_fetch_that_breaks_off_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url=f"{server.url}/breaks"),))
    sources = Sources(cache=tmp_path, tokens={})
    with pytest.raises(Unavailable, match="cannot be read") as error:
        await fetch(of, sources)
    assert error.value.code == "task.data_unreachable"
    files = await fetch(of, sources)
    assert files["rows.bin"].read_bytes() == CONTENT
    assert server.asked[1][1] == f"bytes={len(CONTENT) // 2}-"


@pytest.mark.anyio
async def test_a_server_that_knows_no_ranges_starts_again(server: Server, tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url=f"{server.url}/breaks-norange"),))
    sources = Sources(cache=tmp_path, tokens={})
    with pytest.raises(Unavailable):
        await fetch(of, sources)
    of = task("numbers", data=(with_file(url=f"{server.url}/norange"),))
    assert (await fetch(of, sources))["rows.bin"].read_bytes() == CONTENT


@pytest.mark.anyio
async def test_bytes_that_hash_otherwise_are_thrown_away(server: Server, tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url=f"{server.url}/plain", sha256="0" * 64),))
    with pytest.raises(Unavailable) as error:
        await fetch(of, Sources(cache=tmp_path, tokens={}))
    assert error.value.code == "task.data_changed"
    assert [path for path in everything_in(tmp_path) if path.is_file()] == []


@pytest.mark.anyio
async def test_the_data_folder_comes_first_and_is_checked_too(tmp_path: Path) -> None:
    (tmp_path / "rows.bin").write_bytes(CONTENT)
    of = task("numbers", data=(with_file(url="https://nowhere.invalid/x", path="rows.bin"),))
    sources = Sources(cache=tmp_path / "cache", data_dir=tmp_path, tokens={})
    assert await fetch(of, sources) == {"rows.bin": tmp_path / "rows.bin"}
    (tmp_path / "rows.bin").write_bytes(b"other")
    with pytest.raises(Unavailable, match="hashes to"):
        await fetch(of, sources)


@pytest.mark.anyio
async def test_a_file_may_lie_beside_the_task(tmp_path: Path) -> None:
    (tmp_path / "rows.bin").write_bytes(CONTENT)
    of = task("numbers", data=(with_file(path="rows.bin"),), folder=str(tmp_path))
    assert await fetch(of, Sources(cache=tmp_path / "cache", tokens={})) == {"rows.bin": tmp_path / "rows.bin"}


@pytest.mark.anyio
async def test_a_path_out_of_its_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    of = task("numbers", data=(with_file(path="../secret"),), folder=str(tmp_path / "task"))
    with pytest.raises(InvalidInput) as error:
        await fetch(of, Sources(cache=tmp_path / "cache", tokens={}))
    assert error.value.code == "task.data_missing"


@pytest.mark.anyio
async def test_a_gated_file_needs_the_users_own_token(server: Server, tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url=f"{server.url}/gated", token="HF_TOKEN"),))
    with pytest.raises(Unauthorized, match="HTTP 401") as error:
        await fetch(of, Sources(cache=tmp_path, tokens={}))
    assert "put it into HF_TOKEN" in (error.value.hint or "")
    files = await fetch(of, Sources(cache=tmp_path, tokens={"HF_TOKEN": "secret"}))
    assert files["rows.bin"].read_bytes() == CONTENT


@pytest.mark.anyio
async def test_the_environments_token_goes_to_the_hub_and_nowhere_else(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("OTHER_SECRET", "secret")
    sources = Sources(cache=tmp_path, hub=server.url)
    on_hub = with_file(url="hf://owner/name/gated", token="HF_TOKEN")
    await fetch(task("numbers", data=(on_hub,)), sources)
    assert server.asked.pop() == ("/datasets/owner/name/resolve/main/gated", None, "Bearer secret")
    for file in (with_file(url=f"{server.url}/plain", token="HF_TOKEN"), with_file(url="hf://o/n/x", token="OTHER_SECRET")):
        await fetch(task("numbers", id=(file.token or "").lower(), data=(file,)), sources)
        assert server.asked.pop()[2] is None


@pytest.mark.anyio
async def test_a_token_is_not_handed_on_to_another_host(server: Server, tmp_path: Path) -> None:
    with running() as other:
        server.elsewhere = other.url
        of = task("numbers", data=(with_file(url=f"{server.url}/away", token="HF_TOKEN"),))
        await fetch(of, Sources(cache=tmp_path, tokens={"HF_TOKEN": "secret"}))
        assert server.asked[0][2] == "Bearer secret"
        assert other.asked == [("/plain", None, None)]


@pytest.mark.anyio
async def test_an_address_that_cannot_be_reached_says_so_and_the_way_out(tmp_path: Path) -> None:
    with running() as gone:
        url = gone.url
    of = task("numbers", data=(with_file(url=f"{url}/plain", path="set/rows.bin"),))
    with pytest.raises(Unavailable) as error:
        await fetch(of, Sources(cache=tmp_path, tokens={}))
    assert error.value.code == "task.data_unreachable"
    assert "ASSAY_DATA_DIR as set/rows.bin" in (error.value.hint or "")


@pytest.mark.anyio
async def test_only_http_is_spoken(tmp_path: Path) -> None:
    of = task("numbers", data=(with_file(url="file:///etc/passwd"),))
    with pytest.raises(InvalidInput, match="no https address"):
        await fetch(of, Sources(cache=tmp_path, tokens={}))


def test_files_on_the_hub_are_addressed_by_their_revision() -> None:
    file = with_file(url="hf://cais/hle/data/test.parquet", revision="abc")
    assert address(file) == "https://huggingface.co/datasets/cais/hle/resolve/abc/data/test.parquet"
    assert address(file, "https://mirror.example/") == "https://mirror.example/datasets/cais/hle/resolve/abc/data/test.parquet"
