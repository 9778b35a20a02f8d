"""What is gathered while one request is written: losses, marks for the cache, and ids of calls as this protocol wants them."""

from __future__ import annotations

import hashlib
import re
from collections import deque

from assay.core import CacheTime, Request
from assay.wire.anthropic.fields import NAME
from assay.wire.anthropic.names import write_name
from assay.wire.fields import Json
from assay.wire.losses import Losses

MOST_MARKS = 4
"""Marks for the prompt cache that one request may have (Anthropic documentation, "Prompt caching", 2026-11)."""

_is_id = re.compile(r"[a-zA-Z0-9_-]+").fullmatch


class Draft:
    """``own`` says that the client itself spoke this protocol: what it wrote is then kept as it wrote it."""

    def __init__(self, request: Request):
        self.own = NAME in request.extra
        self.losses = Losses()
        self._marks: list[Json] = []
        self._used: set[str] = set()
        self._waiting: dict[str, deque[str]] = {}
        self._answered: dict[str, str] = {}
        self._calls = 0

    def mark(self, fields: Json, cache: CacheTime | None) -> Json:
        """``fields`` with its mark for the cache. To be called in the order tools, system, messages."""
        if cache is not None:
            fields["cache_control"] = {"type": "ephemeral"} if cache == "5m" else {"type": "ephemeral", "ttl": "1h"}
            self._marks.append(fields)
        return fields

    def name(self, given: str) -> str:
        """The name of a tool, as the server takes it."""
        name = write_name(given)
        if name != given:
            self.losses.rename("tools[].name")
        return name

    def limit_marks(self) -> None:
        """Take away the earliest marks where there are too many, since the latest cover the most; long times may not follow short."""
        for fields in self._marks[:-MOST_MARKS]:
            del fields["cache_control"]
            self.losses.drop("cache")
        shortened = False
        for fields in self._marks[-MOST_MARKS:]:
            if "ttl" not in fields["cache_control"]:
                shortened = True
            elif shortened:
                fields["cache_control"] = {"type": "ephemeral"}
                self.losses.approximate("cache", "5m")

    def call_id(self, given: str) -> str:
        """The id of a call: letters, digits, ``_`` and ``-``, and no other call's. Equal beginnings give equal ids."""
        self._calls += 1
        id = given
        if not _is_id(given) or given in self._used:
            id = "toolu_" + hashlib.sha256(f"{self._calls} {given}".encode()).hexdigest()[:24]
        self._used.add(id)
        self._waiting.setdefault(given, deque()).append(id)
        return id

    def result_id(self, given: str) -> str:
        """The id of the call that a result answers: the first of that name which has no answer yet."""
        waiting = self._waiting.get(given)
        if waiting:
            self._answered[given] = waiting.popleft()
        id = self._answered.get(given, given)
        return id if _is_id(id) else "toolu_" + hashlib.sha256(id.encode()).hexdigest()[:24]
