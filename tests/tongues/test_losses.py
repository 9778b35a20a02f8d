"""What was in a request was sent, or is listed as lost: asserted cell by cell, and the table in the documentation is the one seen."""

from __future__ import annotations

import pytest

from tests.tongues.losses import PAGE, look, write_page
from tests.tongues.probes import PROBES, Probe
from tests.tongues.rig import PROTOCOLS, Tongues

CELLS = [(probe, client, upstream) for probe in PROBES for client in probe.put for upstream in PROTOCOLS]


@pytest.mark.parametrize(("probe", "client", "upstream"), CELLS, ids=[f"{p.name}-{c}>{u}" for p, c, u in CELLS])
def test_what_was_in_a_request_was_sent_or_is_listed_as_lost(tongues: Tongues, probe: Probe, client: str, upstream: str) -> None:
    cell = look(tongues, probe, client, upstream)
    assert cell.complaint == ""
    assert cell.sent or cell.losses, "neither sent nor listed"
    if client == upstream:
        assert cell.sent
        assert cell.losses == []


@pytest.mark.parametrize(("probe", "client", "upstream"), CELLS, ids=[f"{p.name}-{c}>{u}" for p, c, u in CELLS])
def test_what_was_not_in_a_request_is_not_found(tongues: Tongues, probe: Probe, client: str, upstream: str) -> None:
    """A check that cannot fail would be none: without the probe, nothing of it is seen and nothing is listed."""
    bare = Probe(probe.name, probe.losses, {client: lambda body: None}, probe.mark, probe.seen)
    cell = look(tongues, bare, client, upstream)
    assert not cell.sent
    assert cell.losses == []


def test_the_table_in_the_documentation_is_the_one_seen(tongues: Tongues) -> None:
    assert PAGE.read_text() == write_page(lambda *which: look(tongues, *which)), "run: python -m tests.tongues.losses"
