"""Who takes part. The rows of ``providers/practice.toml`` say the same of each, for people."""

from __future__ import annotations

from assay.gateway.practice.conversation import Contestant
from assay.gateway.practice.librarian import Librarian
from assay.gateway.practice.listener import Listener
from assay.gateway.practice.reckoner import Reckoner
from assay.gateway.practice.stylist import Stylist


def contestants() -> tuple[Contestant, ...]:
    """New ones, with nothing loaded yet: tables are read when they are first asked."""
    return (Librarian(), Reckoner(), Listener(), Stylist())
