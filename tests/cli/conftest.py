"""One server with a scripted provider, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import RunningAssay, running
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedUpstream]:
    """A strict provider, whose models do as they are named."""
    with ScriptedUpstream() as server:
        yield server


@pytest.fixture(scope="module")
def assay(tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream) -> Iterator[RunningAssay]:
    """A server with the practice contestants, that knows the provider as ``scripted``."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "assay.toml").write_text(f'[providers.scripted]\nbase_url = "{upstream.url}"\n')
    with running(folder, "--demo", environ={"SCRIPTED_API_KEY": "sk-upstream"}) as server:
        yield server
