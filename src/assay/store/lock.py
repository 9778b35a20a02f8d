"""One server per data directory, and its name among others on the same database."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from assay.core.errors import Unavailable
from assay.core.ids import new_id


class DataLock:
    """A lock on a data directory that ends with the process, however it ends. Use it in a ``with``.

    The file holds the process id of whoever has it, for people; the lock itself is the kernel's.
    """

    def __init__(self, data_dir: Path):
        self.path = data_dir / "assay.lock"
        self._file: int | None = None

    def acquire(self) -> None:
        """Take the lock; the directory is made (0700) when missing.

        Raises:
            Unavailable: ``store.locked``, naming the process that has it; ``store.bad_folder``, where nothing can be written.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Unavailable(
                "store.bad_folder",
                f"The data directory {self.path.parent} cannot be used: {error.strerror}.",
                hint="Give a directory that you may write, with --data.",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(file)
            raise Unavailable(
                "store.locked",
                f"The data directory {self.path.parent} is in use by the process {holder}.",
                hint="Stop that server first, or give another directory with --data.",
            ) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    @property
    def name(self) -> str:
        """What this data directory is called where several servers share a database: the same after a restart. Held locks only."""
        file = self.path.with_name("server.id")
        if not file.exists():
            file.write_text(new_id())
        return file.read_text().strip()

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files of one name."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def __enter__(self) -> DataLock:
        self.acquire()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()
