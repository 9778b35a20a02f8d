"""Starts the driver, on this machine or in a throw-away one, and goes on where a case ended it."""

from __future__ import annotations

import json
import os
import secrets
import selectors
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[3]
_PATIENCE_S = 15.0
NOBODY = 65_534
_DRIVER = [sys.executable, "-B", "-m", "tests.sandbox.hostile.drive"]


def _is_open_to_nobody() -> bool:
    try:
        return subprocess.run([sys.executable, "-c", ""], user=NOBODY, group=NOBODY, extra_groups=[], check=False).returncode == 0
    except PermissionError:
        return False


USERS = [None, NOBODY] if os.getuid() == 0 and _is_open_to_nobody() else [None]
"""As root both as root and as an ordinary user, unless only root can read this Python, as below its home; else as who one is."""


def run_cases(
    names: Iterable[str], *, off: Iterable[str] = (), naive: bool = False, thrown_away: bool = False, user: int | None = None
) -> dict[str, dict[str, Any]]:
    """What became of each case. ``thrown_away``: in a machine made by bubblewrap that ends with the run. ``user``: as somebody else
    than now. A case that ended or stopped the driver has succeeded, and is ``lost``."""
    left = list(names)
    results: dict[str, dict[str, Any]] = {}
    while left:
        request = {"names": left, "off": list(off), "naive": naive}
        found = _drive(request, _box() if thrown_away else [], user)
        if not found:
            raise AssertionError(f"the driver did not come to {left[0]!r}")
        results |= dict(zip(left, found, strict=False))
        left = left[len(found) :]
    return results


def _drive(request: dict[str, Any], before: list[str], user: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as said:
        asked.write(json.dumps(request).encode())
        asked.seek(0)
        process = subprocess.Popen(
            [*before, *_DRIVER],
            stdin=asked,
            stdout=subprocess.PIPE,
            stderr=said,
            cwd=_ROOT,
            env={**os.environ, "PLANTED_SECRET": f"planted-secret-{secrets.token_hex(8)}"},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
            text=True,
        )
        begun = 0
        assert process.stdout
        with process, selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while selector.select(_PATIENCE_S) and (line := process.stdout.readline()):
                answer = json.loads(line)
                if "begin" in answer:
                    begun += 1
                else:
                    found.append(answer)
            process.kill()
        said.seek(0)
        if begun > len(found):
            found.append({"succeeded": True, "late": True, "lost": True, "outcome": said.read().decode()[-2000:]})
        elif len(found) < len(request["names"]):
            raise AssertionError(said.read().decode()[-2000:])
    return found


def _box() -> list[str]:
    """A machine on which everything may happen: its own processes, network and /tmp, and the rest read only."""
    box = ["bwrap", "--ro-bind", "/", "/", "--tmpfs", "/tmp", "--dev", "/dev", "--proc", "/proc"]
    for place in {str(_ROOT), sys.prefix, sys.base_prefix}:
        box += ["--ro-bind", place, place]
    box += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session"]
    return [*box, *(["--cap-add", "ALL"] if os.getuid() == 0 else []), "--"]
