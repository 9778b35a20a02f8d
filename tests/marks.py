"""The mark ``data``: tests over public data sets, which live outside the repository in ``ASSAY_DATA_DIR``.

Where that is not set they are deselected and counted aloud; under ``CI`` that is an error, so that they are never forgotten.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_left_out = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_left_out] = 0
    folder = os.environ.get("ASSAY_DATA_DIR")
    if folder and not Path(folder).is_dir():
        raise pytest.UsageError(f"ASSAY_DATA_DIR={folder!r} is not a folder; unset it to leave out the tests marked data.")
    if os.environ.get("CI") and not folder:
        raise pytest.UsageError("CI is set and ASSAY_DATA_DIR is not: the tests marked data would be left out.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("ASSAY_DATA_DIR"):
        return
    left_out = [item for item in items if item.get_closest_marker("data")]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    config.stash[_left_out] = len(left_out)
    if hasattr(config, "workeroutput"):  # a worker of pytest-xdist tells the process that prints the summary
        config.workeroutput["data_left_out"] = len(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object, error: object) -> None:
    """Each worker of pytest-xdist collects everything, so any one of them knows the count."""
    output = getattr(node, "workeroutput", {})
    config: pytest.Config = getattr(node, "config")  # noqa: B009  # the node's type is xdist's own
    config.stash[_left_out] = output.get("data_left_out", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash[_left_out]:
        terminalreporter.write_sep("=", f"{left_out} tests marked data were left out: ASSAY_DATA_DIR is not set", yellow=True)
