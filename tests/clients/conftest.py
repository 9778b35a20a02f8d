"""An Assay with one scripted provider for each protocol, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.programs import PACKAGES
from tests.clients.scripted import SCRIPTS
from tests.server import RunningAssay, running
from tests.upstream import ScriptedUpstream

PROVIDERS = {
    "openai_chat": ("chat", "/v1", "bearer"),
    "openai_responses": ("responses", "/v1", "bearer"),
    "anthropic": ("messages", "/v1", "x-api-key"),
    "gemini": ("generate", "/v1beta", "x-goog-api-key"),
}
"""For each protocol the name of the provider that speaks it, where its address ends, and where it wants its key."""


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    """The clients are there, in the versions of package.json."""
    assert (PACKAGES / ".package-lock.json").exists(), "the clients are not installed: run `sh scripts/clients.sh ci`"


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """A strict provider, whose models do as they are named."""
    with ScriptedUpstream(scripts=SCRIPTS) as server:
        yield server


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[RunningAssay]:
    """A server that knows it under four names, one for each protocol."""
    folder = tmp_path_factory.mktemp("assay")
    (folder / "assay.toml").write_text("".join(_row(protocol, upstream.root) for protocol in PROVIDERS))
    with running(
        folder, "--demo", environ={f"{name.upper()}_API_KEY": "sk-upstream" for name, _, _ in PROVIDERS.values()}
    ) as server:
        yield server


def _row(protocol: str, address: str) -> str:
    name, path, auth = PROVIDERS[protocol]
    own = "extensions = []\n" if protocol == "openai_chat" else ""  # as strict as OpenAI's own servers
    return f'[providers.{name}]\nbase_url = "{address}{path}"\nprotocol = "{protocol}"\nauth = "{auth}"\n{own}\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home directory."""
    return tmp_path / "home"
