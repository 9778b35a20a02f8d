"""A real Assay in a process of its own, as `assay up` starts it, and a plain HTTP client to talk to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RunningAssay:
    """One process. ``announced`` is the document that `assay up --json` printed."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, announced: dict[str, Any]):
        self.process = process
        self.folder = folder
        self.announced = announced
        self.url: str = announced["url"]
        self.cookie = ""

    @property
    def stderr(self) -> bytes:
        return (self.folder / "stderr").read_bytes()

    @property
    def gateway_key(self) -> str:
        return str(self.announced["key"])

    def sign_in(self) -> None:
        """Follow the one-time link and keep the session's cookie."""
        login = urlsplit(self.announced["login"])
        reply = self.ask("GET", f"{login.path}?{login.query}")
        assert reply.status == 303, reply
        self.cookie = reply.headers["set-cookie"].split(";")[0]

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, timeout_s: float = 30
    ) -> Reply:
        """One request on a connection of its own. ``body`` is sent as it is when it is bytes, as JSON otherwise."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout_s)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json"} | ({"cookie": self.cookie} if self.cookie else {}) | dict(headers or {})
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
        finally:
            connection.close()

    def chat(self, body: Any, key: str | None = None, **options: Any) -> Reply:
        """A chat completion with the first gateway key, or with ``key``."""
        return self.ask("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {key or self.gateway_key}"}, **options)

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)


def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    """Ask again and again until it is so; `AssertionError` where it is not in time."""
    ends = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends, f"it was not so within {timeout_s:g} s"
        time.sleep(0.05)


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process of ours sees: its master key and home below ``folder``, no setting and no provider key of the machine's."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.endswith("_API_KEY") and not name.startswith(("ASSAY_", "PYTHON", "XDG_"))
    }
    ours = {
        "ASSAY_MASTER_KEY": str(folder / "secret" / "master.key"),
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    return inherited | ours | dict(more or {})


def start(folder: Path, *flags: str, environ: Mapping[str, str] | None = None) -> RunningAssay:
    """Start `assay up` with its data and its master key below ``folder``; returns once it listens."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "assay", "up", "--json", "--port", "0", "--data", str(folder / "data"), *flags]
    with (folder / "stderr").open("ab") as stderr:
        process = subprocess.Popen(command, env=environment(folder, environ), stdout=subprocess.PIPE, stderr=stderr, cwd=folder)
    assert process.stdout is not None
    printed = b""
    while not printed.endswith(b"}\n"):
        line = process.stdout.readline()
        if not line:
            process.stdout.close()
            raise AssertionError(f"assay up ended with {process.wait(5)}: {(folder / 'stderr').read_text()}")
        printed += line
    return RunningAssay(process, folder, json.loads(printed))


@contextmanager
def running(folder: Path, *flags: str, environ: Mapping[str, str] | None = None) -> Iterator[RunningAssay]:
    """`start`, and at the end SIGTERM, to which it must answer with exit status 0."""
    assay = start(folder, *flags, environ=environ)
    try:
        yield assay
    finally:
        if assay.process.poll() is None:
            assert assay.stop() == 0, assay.stderr.decode()
        if assay.process.stdout is not None:
            assay.process.stdout.close()
