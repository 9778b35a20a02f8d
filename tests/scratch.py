"""Where tests put what they write: in memory, where there is enough of it.

Every commit waits for the disk, and there are tens of thousands of them in a run. What is killed in a test is a process, whose files the
kernel keeps in memory as well as on a disk.
"""

from __future__ import annotations

import os
from pathlib import Path

_MEMORY = Path("/dev/shm")
_ENOUGH_BYTES = 6 << 30
"""What both workers of a run write at the same time is a tenth of it."""


def find_scratch() -> str | None:
    """A folder in memory; None where there is none, where it is small, or where programs in it cannot be run."""
    if not os.access(_MEMORY, os.W_OK):
        return None
    found = os.statvfs(_MEMORY)
    is_good = found.f_bavail * found.f_frsize >= _ENOUGH_BYTES and not found.f_flag & os.ST_NOEXEC
    return str(_MEMORY) if is_good else None


SCRATCH = find_scratch()
