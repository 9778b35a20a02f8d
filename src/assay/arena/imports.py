"""Votes from files: every good row is kept, every bad one is named with its line and the reason.

`read_votes` is a pure function of the file; `import_votes` appends what it found to the vote chain, in one transaction, under
ids that follow from the file and the row, so that the same file cannot be counted twice.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import msgspec

from assay.arena.vote_formats import BadVote, Fields, Format, ImportedVote, column_name, find_format
from assay.arena.vote_json import json_rows
from assay.arena.voter import VoterHash, load_voter_hash
from assay.core import Conflict, InvalidInput, Subject, TooLarge, Verdict, now_us
from assay.stats import UNKNOWN_VOTER
from assay.store import Database, Vault
from assay.store.chain import append_verdicts

LARGEST_FILE = 512 * 1024 * 1024

_SOURCE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_AT_ONCE = 1000
"""Votes appended in one go, so that other tasks of the event loop get their turn."""
_REREAD_LINES = 200_000
"""How many lines of one file may be read a second time after a stray quote; a hostile file could otherwise cost n squared."""


class BadRow(msgspec.Struct, frozen=True):
    """A row that is no vote. ``line`` counts from 1, the header included; ``code`` is stable, ``reason`` for people."""

    line: int
    reason: str
    code: str


class VoteFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held. ``sha256`` is of its bytes; ``rows`` and ``bad`` together are all its rows."""

    name: str
    format: str
    sha256: str
    rows: list[ImportedVote]
    bad: list[BadRow]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. ``imported`` votes now stand in the chain under ``source``."""

    source: str
    format: str
    imported: int
    bad: list[BadRow]


def read_votes(file: Path | bytes, name: str | None = None, *, largest: int = LARGEST_FILE) -> VoteFile:
    """Read a vote file in any of the formats of `vote_formats`, CSV or JSON. Blocking: call it in a thread.

    Raises:
        InvalidInput: it is no vote file: ``votes.unknown_format``, ``votes.empty_file``, ``votes.not_json``, ``votes.unreadable``.
        TooLarge: ``votes.file_too_large``, more than ``largest`` bytes.
    """
    title = name or (file.name if isinstance(file, Path) else "votes")
    try:
        with file.open("rb") if isinstance(file, Path) else io.BytesIO(file) as source:
            return _read(source, title, largest)
    except OSError as error:
        raise InvalidInput("votes.unreadable", f"{str(file)!r} cannot be read: {error.strerror}.") from error


async def import_file(db: Database, vault: Vault, content: bytes, name: str, source: str) -> Imported:
    """`read_votes` and `import_votes` in one, without holding up the event loop."""
    return await import_votes(db, vault, await asyncio.to_thread(read_votes, content, name), source)


async def import_votes(db: Database, vault: Vault, file: VoteFile, source: str) -> Imported:
    """Append the votes of ``file`` to the chain as the collection ``source``, all or none of them.

    Voters become keyed hashes that say nothing outside this vault; prompts become plain hashes. A vote without a time gets
    the time of the import and the flag ``no_time``.

    Raises:
        InvalidInput: ``votes.bad_source``, or ``votes.no_votes`` when no row is good.
        Conflict: ``votes.already_imported``.
    """
    if not _SOURCE.fullmatch(source) or source == "here":
        raise InvalidInput("votes.bad_source", f"{source!r} cannot name a collection.", hint="Use a-z, 0-9, '.', '_', '-'.")
    if not file.rows:
        raise InvalidInput("votes.no_votes", f"{file.name!r} holds no vote that can be counted ({len(file.bad)} bad rows).")
    voter_hash = await load_voter_hash(db, vault)
    verdicts = await asyncio.to_thread(_verdicts, file, source, voter_hash)
    try:
        async with db.transaction() as tx:
            for start in range(0, len(verdicts), _AT_ONCE):
                await append_verdicts(tx, verdicts[start : start + _AT_ONCE])
    except Conflict as error:
        if error.code != "vote.already_cast":
            raise
        raise Conflict(
            "votes.already_imported", f"{file.name!r} is in {source!r} already.", hint="Nothing was added; nothing needs doing."
        ) from error
    return Imported(source=source, format=file.format, imported=len(verdicts), bad=file.bad)


def _verdicts(file: VoteFile, source: str, voter_hash: VoterHash) -> list[Verdict]:
    names = {row.voter: voter_hash.name(f"import\0{source}\0{row.voter}") for row in file.rows if row.voter is not None}
    now = now_us()
    return [_verdict(row, file, source, names.get(row.voter or "", UNKNOWN_VOTER), now) for row in file.rows]


def _verdict(row: ImportedVote, file: VoteFile, source: str, by: str, now: int) -> Verdict:
    digest = hashlib.sha256(f"{source}\0{file.sha256}\0{row.line}".encode()).digest()
    return Verdict(
        id=_stable_id(digest),
        kind="vote",
        subjects=(Subject(model=row.a), Subject(model=row.b)),
        by=by,
        at=now if row.at is None else row.at,
        choice=row.choice,
        source=source,
        flags=("imported",) if row.at is not None else ("imported", "no_time"),
        prompt=None if row.prompt is None else hashlib.sha256(row.prompt.encode()).hexdigest(),
    )


def _stable_id(digest: bytes) -> str:
    """A UUID of version 8 (RFC 9562, section 5.8): 122 bits of the digest."""
    value = int.from_bytes(digest[:16])
    value = value & ~(0xF << 76) | 0x8 << 76
    return str(UUID(int=value & ~(0b11 << 62) | 0b10 << 62))


def _read(source: BinaryIO, name: str, largest: int) -> VoteFile:
    hashed = _Hashed(source, largest)
    start = hashed.peek()
    if not start.strip(b"\xef\xbb\xbf \t\r\n"):
        raise InvalidInput("votes.empty_file", f"{name!r} is empty.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InvalidInput("votes.unknown_format", f"{name!r} is UTF-16 text.", hint="Save it as UTF-8.")
    is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{")
    rows: list[ImportedVote] = []
    bad: list[BadRow] = []
    shape: Format | None = None
    for line, shape, fields in json_rows(hashed, name) if is_json else _csv_rows(hashed, name):
        try:
            if isinstance(fields, BadVote):
                raise fields
            rows.append(shape.read(fields, line))
        except BadVote as error:
            bad.append(BadRow(line, error.reason, error.code))
    return VoteFile(name=name, format=_format_name(shape, is_json), sha256=hashed.finish(), rows=rows, bad=bad)


def _format_name(shape: Format | None, is_json: bool) -> str:
    return f"{shape.name if shape else 'plain'} {'JSON' if is_json else 'CSV'}"


def _csv_rows(source: io.RawIOBase, name: str) -> Iterator[tuple[int, Format, Fields | BadVote]]:
    """Records of a CSV file with the line each begins on.

    A record that spans lines and does not fit (a stray quote swallows what follows) is given up at its first line, and
    reading resumes at its second, so that one bad row does not hide good ones.
    """
    text = io.TextIOWrapper(io.BufferedReader(source), encoding="utf-8-sig", errors="surrogateescape", newline="")
    lines = _Lines(iter(text))
    header_line = next((line for line in lines if line.strip()), "")
    shape, columns, delimiter = _header(header_line, name)
    while True:
        lines.forget()
        line = lines.number + 1
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            record = next(reader, None)
        except csv.Error as error:
            swallowed = lines.resume_after_first()
            yield line, shape, BadVote("broken_row", f"not a CSV row: {error}{swallowed}")
            continue
        if record is None:
            return
        if not record or (len(record) == 1 and not record[0].strip()):
            continue
        if len(record) != len(columns):
            swallowed = lines.resume_after_first()
            reason = f"{len(record)} columns where the header has {len(columns)}{swallowed}"
            yield line, shape, BadVote("wrong_columns", reason)
            continue
        yield line, shape, dict(zip(columns, record, strict=True))


def _header(line: str, name: str) -> tuple[Format, list[str], str]:
    for delimiter in (",", ";", "\t"):
        columns = [column_name(cell) for cell in next(csv.reader([line], delimiter=delimiter), [])]
        shape = find_format(columns)
        if shape:
            return shape, columns, delimiter
    raise InvalidInput(
        "votes.unknown_format",
        f"{name!r} begins with {line.strip()[:100]!r}, which is no header of a known vote file.",
        hint="The plain format is a CSV with the columns a, b, choice and, if known, voter, at, prompt.",
    )


class _Lines:
    """Lines that can be read again from the second one of the current record."""

    def __init__(self, source: Iterator[str]):
        self._source = source
        self._again: deque[str] = deque()
        self._record: list[str] = []
        self._rereads = _REREAD_LINES
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self._record.append(line)
        self.number += 1
        return line

    def forget(self) -> None:
        self._record.clear()

    def resume_after_first(self) -> str:
        """Give up the current record at its first line. What to say of the others, if it is too late to read them again."""
        again = self._record[1:]
        self._rereads -= len(again)
        if self._rereads < 0:
            return f"; it swallows all lines up to {self.number}"
        self._again.extendleft(reversed(again))
        self.number -= len(again)
        self._record.clear()
        return ""


class _Hashed(io.RawIOBase):
    """A file that hashes what is read of it and refuses to be too large."""

    def __init__(self, source: BinaryIO, largest: int):
        self._source = source
        self._left = largest
        self._largest = largest
        self._digest = hashlib.sha256()
        self._start = self._more(1 << 16)

    def peek(self) -> bytes:
        return self._start

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # RawIOBase types the buffer by a private protocol
        data = self._start[: len(buffer)] or self._more(len(buffer))
        self._start = self._start[len(data) :]
        buffer[: len(data)] = data
        return len(data)

    def finish(self) -> str:
        """Read what is left; the SHA-256 of all of it, in hex."""
        while self._more(1 << 20):
            pass
        return self._digest.hexdigest()

    def _more(self, size: int) -> bytes:
        data = self._source.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge("votes.file_too_large", f"the vote file is larger than {self._largest} bytes.")
        self._digest.update(data)
        return data
