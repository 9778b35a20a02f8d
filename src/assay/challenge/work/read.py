"""Files of one's own work, told apart by looking.

Text whose first line is no JSON object is one prompt a line. JSON (lines, an array, or one document) is what its first object that is
known looks like.
"""

from __future__ import annotations

from collections.abc import Callable

from assay.challenge.work.batch import is_batch, read_batch
from assay.challenge.work.brought import LARGEST_FILE, Brought, Gathering, Unreadable
from assay.challenge.work.claude_code import is_claude_code, read_claude_code
from assay.challenge.work.codex import is_codex, read_codex
from assay.challenge.work.prompts import NAMED, ends_answered, item_of_line, items_of_object
from assay.challenge.work.records import Json, Records, object_of, text_lines
from assay.challenge.work.spend_logs import is_spend_log, read_spend_logs
from assay.challenge.work.table import csv_columns, csv_records
from assay.core import InvalidInput, TooLarge
from assay.core.columns import printable

_BOM = b"\xef\xbb\xbf"
_JSON_NAMES = (".jsonl", ".ndjson", ".json")
_LEAST = 200
"""Bytes of an item beside its text."""
_SHOWN = 20
_LONGEST_NAME = 255


def read_work(content: bytes, name: str) -> Brought:
    """The items in a file called ``name``; each line that gives none is named. Blocking: call it in a thread.

    Raises:
        InvalidInput: ``work.empty_file``, ``work.not_text``, ``work.unknown_format`` or ``work.no_items``.
        TooLarge: ``work.file_too_large`` or ``work.too_much``.
    """
    name = " ".join(printable(name[-_LONGEST_NAME:]).split())  # every item keeps it
    if len(content) > LARGEST_FILE:
        raise TooLarge("work.file_too_large", f"{name!r} is larger than {LARGEST_FILE >> 20} MiB.", hint="Bring it in parts.")
    data = content.removeprefix(_BOM)
    if not data.strip():
        raise InvalidInput("work.empty_file", f"{name!r} is empty.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4096]:
        raise InvalidInput("work.not_text", f"{name!r} is no UTF-8 text.", hint="Save it as UTF-8, unpacked.")
    gathering = Gathering(name)
    if is_spend_log(dict.fromkeys(csv_columns(data))):
        return read_spend_logs(csv_records(data), gathering)
    if not _is_json(data, name):
        return _read_lines(data, gathering)
    records = Records(data)
    return _reader(records, name)(records, gathering)


def _is_json(data: bytes, name: str) -> bool:
    if name.lower().endswith(_JSON_NAMES):
        return True
    if data.lstrip()[:1] not in (b"{", b"["):
        return False
    _, first = next(text_lines(data))
    return isinstance(object_of(first), dict) or any(True for _ in Records(data).objects())


def _read_lines(data: bytes, gathering: Gathering) -> Brought:
    for number, line in text_lines(data):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            gathering.refuse(number, f"this is not UTF-8: the byte {line[error.start : error.start + 1]!r} is out of place")
            continue
        gathering.add([item_of_line(text, f"{gathering.name}:{number}")], len(line) + _LEAST)
    return gathering.finish("text lines")


_Reader = Callable[[Records, Gathering], Brought]


def _reader(records: Records, name: str) -> _Reader:
    """What reads a file whose records are these: the first object that is known tells."""
    seen: dict[str, None] = {}
    for fields in records.objects():
        for fits, reader in _READERS:
            if fits(fields):
                return reader
        if len(seen) < _SHOWN:
            seen.update(dict.fromkeys(sorted(fields)[:_SHOWN]))
    if seen:
        said = f"no object has known fields (seen: {', '.join(key[:40] for key in list(seen)[:_SHOWN])})"
    else:
        said = next((f"line {line}: {why}" for line, why, _ in records if isinstance(why, str)), "it holds no object with fields")
    raise InvalidInput(
        "work.unknown_format",
        f"{name!r} is in no known format: {said}.",
        hint="Each line needs prompt, messages or request; batch files, LiteLLM logs, Claude Code and Codex sessions are known too.",
    )


def _is_prompts(fields: Json) -> bool:
    return any(key in fields for key in NAMED)


def _read_prompts(records: Records, gathering: Gathering) -> Brought:
    transcripts = any(ends_answered(fields) for fields in records.objects())
    for line, fields, size in records:
        try:
            if isinstance(fields, str):
                raise Unreadable(fields)
            for item, bytes_ in items_of_object(fields, line, gathering, transcripts=transcripts):
                gathering.add([item], bytes_ or size)
        except Unreadable as error:
            gathering.refuse(line, str(error))
    return gathering.finish("chat transcripts" if transcripts else "prompts")


_READERS: tuple[tuple[Callable[[Json], bool], _Reader], ...] = (
    (is_batch, read_batch),
    (is_spend_log, read_spend_logs),
    (is_codex, read_codex),
    (is_claude_code, read_claude_code),
    (_is_prompts, _read_prompts),
)
