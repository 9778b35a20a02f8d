"""What a hostile program could touch, and how one sees from outside that it did.

A folder with files and sockets, listeners, a bystander (a process that only sleeps), a secret variable of the environment, open files
that a started process inherits: all of it open to anybody, so that only the layers are in the way.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import select
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

PROCESS_NAME = "hostile"
_PRINTED_BYTES = 1 << 20


class World:
    """Everything is made anew by `prepare` before each case where a case could have touched it."""

    def __init__(self, owner: int):
        self.secret = os.environ["PLANTED_SECRET"]
        self._owner = owner
        self.folder = Path(tempfile.mkdtemp(prefix="assay-world-", dir="/tmp"))
        self.folder.chmod(0o777)
        self._listeners = self._listen()
        self._streams = {name: sock for name, sock in self._listeners.items() if sock.type == socket.SOCK_STREAM}
        self._pipe = os.pipe()
        os.set_inheritable(self._pipe[1], True)
        os.set_blocking(self._pipe[0], False)
        self._kept_pipe = os.pipe()
        os.set_inheritable(self._kept_pipe[0], True)
        self._kept_file = tempfile.TemporaryFile()  # noqa: SIM115  # open for as long as the world
        self._kept_file.write(self.secret.encode())
        self._kept_file.flush()
        os.set_inheritable(self._kept_file.fileno(), True)
        self._printed = _Printed()
        self._bystander: subprocess.Popen[bytes] | None = None
        self._shared = _SharedMemory()

    def prepare(self) -> None:
        for child in self.folder.iterdir():
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            elif not stat.S_ISSOCK(child.lstat().st_mode) or child.name == "new":
                child.unlink()
        for name, text in (("kept", "kept" * 100), ("secret", self.secret), ("mine", "mine")):
            (self.folder / name).write_text(text)
        (self.folder / "secret_module.py").write_text(f"TEXT = {self.secret!r}\n")
        (self.folder / "inner").mkdir()
        (self.folder / "inner" / "kept").write_text("kept")
        (self.folder / "inner" / self.secret).write_text("")
        for path in (*self.folder.rglob("*"), self.folder):
            os.chmod(path, 0o777)
        if os.getuid() == 0:
            os.chown(self.folder / "mine", self._owner, self._owner)
        if self._bystander is None or self._bystander.poll() is not None or self._how_is_bystander() != self._bystander_was:
            self._new_bystander()
        self._was = self._snapshot()
        self._fill_pipe()
        self._printed.count = 0
        self.contacts()

    def told(self) -> dict[str, Any]:
        """What the program is told of its victims."""
        assert self._bystander
        return {
            "folder": str(self.folder),
            "tcp": self._listeners["tcp"].getsockname()[1],
            "udp": self._listeners["udp"].getsockname()[1],
            "abstract": self._listeners["abstract"].getsockname()[1:].decode(),
            "bystander": self._bystander.pid,
            "judge": os.getpid(),
            "shared": self._shared.key,
        }

    def facts(self) -> dict[str, Any]:
        assert self._bystander
        return {
            "judge_group": os.getpgid(0),
            "bystander_processors": sorted(os.sched_getaffinity(self._bystander.pid)),
            "cwd": os.getcwd(),
            "shared": self._shared.text,
        }

    def is_changed(self) -> bool:
        return self._snapshot() != self._was

    def is_bystander_hurt(self) -> bool:
        assert self._bystander
        return self._bystander.poll() is not None or self._how_is_bystander() != self._bystander_was

    def contacts(self) -> list[str]:
        """Which listeners heard something since the last time this was asked."""
        heard = []
        ready, _, _ = select.select([*self._listeners.values()], [], [], 0)
        for name, sock in self._listeners.items():
            if sock in ready:
                heard.append(name)
                if name in self._streams:
                    sock.accept()[0].close()
                else:
                    sock.recv(1 << 16)
        with suppress(BlockingIOError):
            if os.read(self._pipe[0], 1 << 16):
                heard.append("pipe")
        if self._printed.count:
            heard.append("standard output")
        return heard

    @property
    def was_flooded(self) -> bool:
        return self._printed.count > _PRINTED_BYTES

    def close(self) -> None:
        if self._bystander:
            self._bystander.kill()
            self._bystander.wait()
        self._shared.remove()
        for sock in self._listeners.values():
            sock.close()
        shutil.rmtree(self.folder)

    def _listen(self) -> dict[str, socket.socket]:
        made = {
            "tcp": socket.create_server(("127.0.0.1", 0)),
            "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            "stream": socket.socket(socket.AF_UNIX),
            "datagram": socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
            "abstract": socket.socket(socket.AF_UNIX),
        }
        made["udp"].bind(("127.0.0.1", 0))
        for name in ("stream", "datagram"):
            made[name].bind(str(self.folder / name))
        made["abstract"].bind(f"\0assay-{secrets.token_hex(8)}")
        for name in ("stream", "abstract"):
            made[name].listen()
        return made

    def _fill_pipe(self) -> None:
        os.set_blocking(self._kept_pipe[0], False)
        with suppress(BlockingIOError):
            os.read(self._kept_pipe[0], 1 << 16)
        os.write(self._kept_pipe[1], self.secret.encode())

    def _new_bystander(self) -> None:
        if self._bystander:
            self._bystander.kill()
            self._bystander.wait()
        self._bystander = subprocess.Popen(
            [self.secret, "100000"], executable="/bin/sleep", env={"KEPT": self.secret}, start_new_session=True
        )
        while Path(f"/proc/{self._bystander.pid}/comm").read_text() != "sleep\n":
            time.sleep(0.001)
        self._bystander_was = self._how_is_bystander()

    def _how_is_bystander(self) -> tuple[object, ...]:
        assert self._bystander
        pid = self._bystander.pid
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            about = Path(f"/proc/{pid}/limits").read_text(), Path(f"/proc/{pid}/oom_score_adj").read_text()
        except OSError:
            return ()
        return (fields[0] in "TtZX", fields[15:17], fields[37:39], os.sched_getaffinity(pid), *about)

    def _snapshot(self) -> dict[str, tuple[object, ...]]:
        seen: dict[str, tuple[object, ...]] = {}
        for path in self.folder.rglob("*"):
            about = path.lstat()
            content = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
            names = tuple(os.listxattr(path, follow_symlinks=False))
            seen[str(path)] = (about.st_mode, about.st_nlink, about.st_mtime_ns, content, names)
        return seen


class _Printed:
    """Standard output and error lead here; only the count is kept."""

    def __init__(self) -> None:
        reads, writes = os.pipe()
        os.dup2(writes, 1)
        os.dup2(writes, 2)
        os.close(writes)
        self.count = 0
        threading.Thread(target=self._drain, args=(reads,), daemon=True).start()

    def _drain(self, reads: int) -> None:
        while data := os.read(reads, 1 << 16):
            self.count += len(data)


class _SharedMemory:
    """A segment of System V shared memory that anybody may attach who knows its number."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._libc.shmat.restype = ctypes.c_void_p
        self.key = secrets.randbelow(1 << 30) + 1
        self.text = secrets.token_hex(2)
        self._id = self._libc.shmget(self.key, 4096, 0o1000 | 0o666)
        ctypes.memmove(self._libc.shmat(self._id, None, 0), self.text.encode(), 4)

    def remove(self) -> None:
        self._libc.shmctl(self._id, 0, None)


class Watch:
    """The most that the descendants of a process took while this was watching, as the kernel counts it."""

    def __init__(self, parent: int):
        self._parent = parent
        self._stop = threading.Event()
        self.memory_bytes = self.threads = self.files = self.processes = 0
        self._thread = threading.Thread(target=self._look_often)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look_often(self) -> None:
        while not self._stop.wait(0.01):
            with suppress(OSError, IndexError, ValueError):
                self._look()

    def _look(self) -> None:
        family = descendants(self._parent)
        self.processes = max(self.processes, len(family))
        for pid in family:
            with suppress(OSError, KeyError):
                about = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
                self.threads = max(self.threads, int(about["Threads"]))
                self.memory_bytes = max(self.memory_bytes, int(about["VmSize"].split()[0]) << 10)
                self.files = max(self.files, len(os.listdir(f"/proc/{pid}/fd")))


def descendants(parent: int) -> list[int]:
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rsplit(")", 1)[1].split()[1])
    family = [parent]
    for pid in family:
        family += [child for child, its in parents.items() if its == pid]
    return family[1:]


def named(name: str) -> list[int]:
    """Living processes of that name."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError):
                if (place / "comm").read_text().strip() == name and " Z " not in (place / "stat").read_text():
                    found.append(int(place.name))
    return found


def is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
