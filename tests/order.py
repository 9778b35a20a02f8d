"""Which files run first: those that take long for each of their tests, since they start processes or browsers.

Files are given to workers one after the other. A long one at the end would leave all workers but one idle.
"""

from __future__ import annotations

import pytest

_FIRST = (
    "tests/page/",
    "tests/workers/",
    "tests/clients/",
    "tests/gateway/test_ledger",
    "tests/store/",
    "tests/cli/",
    "tests/challenge/",
    "tests/web/",
    "tests/sandbox/",
    "tests/tongues/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For ``--no-loadscope-reorder``; otherwise pytest-xdist begins with the files of most tests, which are the quick ones."""
    items.sort(key=lambda item: next((place for place, path in enumerate(_FIRST) if item.nodeid.startswith(path)), len(_FIRST)))
