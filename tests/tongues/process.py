"""A real Assay in a process of its own, with a provider for each protocol, as users have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.server import RunningAssay, running

ROWS = {
    "openai_chat": ("chat", "/v1", "bearer"),
    "openai_responses": ("responses", "/v1", "bearer"),
    "anthropic": ("anthropic", "/v1", "x-api-key"),
    "gemini": ("gemini", "/v1beta", "x-goog-api-key"),
}
"""For each protocol the name of its provider, where its address ends, and where it wants its key."""


class Process:
    """``url`` and ``key`` are what a client needs; ``assay`` is all that can be done with the process."""

    def __init__(self, assay: RunningAssay):
        self.assay = assay
        self.url = assay.url
        self.key = assay.gateway_key

    @property
    def log(self) -> bytes:
        """Everything that it wrote to standard error."""
        return self.assay.stderr

    @property
    def most_memory_bytes(self) -> int:
        """The most memory that it ever had."""
        status = Path(f"/proc/{self.assay.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


@contextmanager
def running_process(folder: Path, root: str, key: str, environ: Mapping[str, str] | None = None) -> Iterator[Process]:
    """`assay up` before the upstream at ``root``, which takes ``key``; it logs at DEBUG, and one is signed in."""
    rows = (
        f'[providers.{name}]\ntitle = "{name}"\nbase_url = "{root}{path}"\nprotocol = "{protocol}"\nauth = "{auth}"\nextensions = []\n'
        f'key_env = ["CANARY_{name.upper()}"]\ncounts_tokens = {"false" if protocol == "openai_chat" else "true"}\n'
        for protocol, (name, path, auth) in ROWS.items()
    )
    (folder / "assay.toml").write_text("\n".join(rows))
    keys = {f"CANARY_{name.upper()}": key for name, _, _ in ROWS.values()}
    with running(folder, "--demo", environ={"ASSAY_LOG_LEVEL": "DEBUG", **keys, **(environ or {})}) as assay:
        assay.sign_in()
        yield Process(assay)
