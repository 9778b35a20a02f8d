"""Secrets that a test has planted: looked for in whatever was left behind, in every form in which they might be written."""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

BODY_COLUMNS = {
    ("call_bodies", "request"),
    ("call_bodies", "reply"),
    ("transcripts", "content"),
    ("arena_turns", "prompt"),
    ("arena_turns", "a"),
    ("arena_turns", "b"),
}


def forms(secret: str) -> Iterator[bytes]:
    """The secret as it might be written: raw, JSON-escaped, URL-escaped, and in base64 at each alignment."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield json.dumps(secret, ensure_ascii=False)[1:-1].encode()
    yield quote(secret).encode()
    for shift in range(3):
        padded = base64.b64encode(b"\0" * shift + raw)
        yield padded[4 if shift else 0 : -4]


def found(secrets: dict[str, str], haystack: bytes) -> list[str]:
    """The names of those that are in it."""
    return [name for name, secret in secrets.items() if any(form in haystack for form in forms(secret))]


def dump(database: Path) -> tuple[bytes, int]:
    """Every value of every table but the stored bodies, and how many of those there are."""
    rest: list[bytes] = []
    bodies = 0
    with contextlib.closing(sqlite3.connect(database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    if (table, column) in BODY_COLUMNS:
                        bodies += 1
                    else:
                        rest.append(value if isinstance(value, bytes) else str(value).encode())
    return b"\n".join(rest), bodies
