"""One gateway and one upstream for all of a file's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.tongues.rig import Tongues, running_tongues
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tongues]:
    """A running gateway in a thread of its own: the SDKs' plain clients block theirs."""
    with ScriptedUpstream() as upstream, start_blocking_portal() as portal:
        folder = tmp_path_factory.mktemp("tongues")
        with portal.wrap_async_context_manager(running_tongues(folder, upstream)) as running:
            yield running
