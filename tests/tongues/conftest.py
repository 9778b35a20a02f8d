"""One gateway and one upstream for all of a file's tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from anyio.from_thread import start_blocking_portal

from tests.tongues.rig import Tongues, deployment, running_tongues
from tests.tongues.speakers import Talk, talk
from tests.upstream import ScriptedUpstream


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tongues]:
    """A running gateway in a thread of its own: the SDKs' plain clients block theirs."""
    with ScriptedUpstream() as upstream, start_blocking_portal() as portal:
        folder = tmp_path_factory.mktemp("tongues")
        with portal.wrap_async_context_manager(running_tongues(folder, upstream)) as running:
            yield running


class Talks(Protocol):
    def __call__(self, client: str, upstream: str, model: str, **wants: Any) -> Talk: ...


@pytest.fixture
def talks(tongues: Tongues) -> Iterator[Talks]:
    """Opens conversations, and closes their clients in the end. What was complained of before is forgotten."""
    tongues.upstream.complaints.clear()
    opened: list[Talk] = []

    def open_one(client: str, upstream: str, model: str, **wants: Any) -> Talk:
        opened.append(talk(tongues, client, deployment(upstream, model), **wants))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
