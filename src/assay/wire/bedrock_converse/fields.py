"""The protocol's name, and what is gathered while one request is written."""

from __future__ import annotations

import hashlib
import re

from assay.core import CacheTime
from assay.wire.fields import Json
from assay.wire.losses import Losses

NAME = "bedrock_converse"
MOST_MARKS = 4
"""Cache points that one request may have (Amazon Bedrock user guide, "Prompt caching", 2026-11)."""

NOTHING = "(no content)"
"""What stands where the server demands words and nobody said any."""

_is_id = re.compile(r"[a-zA-Z0-9_-]{1,64}").fullmatch
_misfit = re.compile(r"[^a-zA-Z0-9 ()\[\]-]+")
_spaces = re.compile(r" {2,}")
_LONGEST_NAME = 200


class Draft:
    """Losses, cache points, ids of calls and names of documents, as this protocol wants them."""

    def __init__(self) -> None:
        self.losses = Losses()
        self._marks = 0
        self._names: set[str] = set()

    def marks(self, cache: CacheTime | None) -> list[Json]:
        """The cache point that follows something marked; none where there are too many."""
        if cache is None:
            return []
        self._marks += 1
        if self._marks > MOST_MARKS:
            self.losses.drop("cache")
            return []
        return [{"cachePoint": {"type": "default", "ttl": "1h"} if cache == "1h" else {"type": "default"}}]

    def call_id(self, given: str) -> str:
        """The id of a call and of its result: letters, digits, ``_`` and ``-``, 64 at most."""
        return given if _is_id(given) else "call_" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:24]

    def document_name(self, given: str | None) -> str:
        """The name of a document: no full stops, and no other document's."""
        stem = (given or "document").rpartition(".")[0] or given or "document"
        name = base = _spaces.sub(" ", _misfit.sub(" ", stem)).strip()[: _LONGEST_NAME - 8] or "document"
        number = 1
        while name in self._names:
            number += 1
            name = f"{base} {number}"
        self._names.add(name)
        return name
