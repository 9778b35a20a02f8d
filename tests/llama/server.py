"""llama.cpp's own HTTP server, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SERVE = """
import os, sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.n_parallel, params.n_ctx, params.warmup = sys.argv[1], 0, 4, 8192, False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@contextmanager
def serving_checkpoint(path: Path) -> Iterator[str]:
    """A server of the checkpoint on a free port: its URL, without a path. It ends with the block, and with whoever started it."""
    command = [sys.executable, "-c", _SERVE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            said = next((line for line in process.stdout if line.startswith("http://")), "")
            assert said, "llama.cpp did not start"
            yield said.strip()
        finally:
            process.kill()
