"""Logs go to standard error, one line each; control characters in values are shown, not obeyed."""

import logging
import sys

from assay.cli.output import printable


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def start_logging(level: str) -> None:
    """Log ``assay`` and what it stands on at ``level`` (uvicorn no finer than WARNING: it has nothing to add)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
