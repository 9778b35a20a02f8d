"""Logs go to standard error, one line each; control characters in values are shown, not obeyed."""

import json
import logging
import sys
from typing import Literal

from assay.core.columns import printable
from assay.core.ids import iso


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


class _Objects(logging.Formatter):
    """One JSON object each; ``message`` is as in the other form."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": iso(int(record.created * 1e6)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False)


def start_logging(level: str, form: Literal["text", "json"] = "text") -> None:
    """Log ``assay`` and what it stands on at ``level`` (asyncio no finer than WARNING: it has nothing to add)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Objects() if form == "json" else _Lines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    logging.getLogger("asyncpg").setLevel(logging.ERROR)  # that a connection was lost, we say ourselves, and shorter
