"""Which pages answer a question: the glossary's, those that are named, and those that BM25 ranks high and that cover the question.

BM25 is that of SQLite's FTS5 (S. Robertson and H. Zaragoza, The Probabilistic Relevance Framework, 2009), over names, summaries
and texts. A page is only offered when it covers what the question asks: a librarian who finds nothing says so.
"""

from __future__ import annotations

import keyword
import math
import re
import sqlite3
import threading
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from assay.gateway.practice.script import is_han, simplified

MOST_WORDS = 12
"""Words of a question that are looked up."""

_LOOKED_AT = 1_000
"""Characters of a question that are read for words."""

_NAMED = 100.0
_MENTIONED = 6.0
_MOSTLY = 0.5
_CANDIDATES = 60
_LEAST_COVERED = 0.65
_WEIGHTS = "8.0, 3.0, 1.0"
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_KNOWN = frozenset(
    [
        "builtins",
        "os",
        "sys",
        "re",
        "json",
        "math",
        "time",
        "datetime",
        "collections",
        "itertools",
        "functools",
        "pathlib",
        "random",
        "string",
        "io",
        "csv",
        "asyncio",
    ]
)
_OBSCURE = re.compile(
    r"^(?:unittest\.util|pydoc|pstats|multiprocessing|xml|ctypes|curses|bdb|cgi|imaplib|nntplib|mailbox|lib|wsgiref|optparse|pipes|sunau|aifc|chunk)\b|\.Abstract|\._"
)


class Page(msgspec.Struct, frozen=True):
    """One thing documented."""

    path: str
    kind: str
    module: str
    signature: str
    doc: str


class Question(msgspec.Struct, frozen=True):
    """``words`` as asked, ``terms`` to search for, ``pages`` that the glossary names, ``names`` that look like code.

    ``known`` is the share of the words that the glossary knows; one that only names a thing counts half.
    """

    words: tuple[str, ...]
    terms: tuple[str, ...]
    pages: tuple[str, ...]
    names: tuple[str, ...]
    known: float = 1.0


class Entry(msgspec.Struct, frozen=True):
    """One row of the glossary."""

    terms: tuple[str, ...]
    pages: tuple[str, ...]


class Shelf:
    """The search database, in memory. Calls may come from any thread."""

    def __init__(self, database: bytes):
        self._lock = threading.Lock()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.deserialize(database)
        self._count: int = self._database.execute("SELECT count(*) FROM pages").fetchone()[0]

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._database.close()

    def find(self, question: Question, most: int) -> list[Page]:
        """The pages that answer ``question``, best first; none where nothing covers it."""
        with self._lock:
            named = self._named(question)
            scores: dict[int, float] = {}
            lead = _NAMED if question.known >= _MOSTLY or question.names else _MENTIONED
            for place, row in enumerate(named):
                scores[row] = lead - place
            for row, score in self._ranked(question):
                scores[row] = scores.get(row, 0.0) + (0.0 if row in scores and lead == _NAMED else score)
            best = sorted(scores, key=lambda row: (-scores[row], row))[:most]
            return [self._page(row) for row in best]

    def has(self, path: str) -> bool:
        """Whether there is a page of that name."""
        with self._lock:
            return self._database.execute("SELECT 1 FROM pages WHERE path = ?", (path,)).fetchone() is not None

    def example(self, page: Page) -> str | None:
        """A documented example elsewhere that calls what ``page`` is about."""
        name = page.path.rsplit(".", 1)[-1]
        if len(name) < 4 or not name.isidentifier():
            return None
        with self._lock:
            rows = self._database.execute(
                "SELECT code FROM examples WHERE instr(code, ?) ORDER BY length(code) LIMIT 1", (f"{name}(",)
            )
            found = rows.fetchone()
        return str(found[0]) if found else None

    def _named(self, question: Question) -> list[int]:
        rows: list[int] = []
        for path in (*question.names, *question.pages):
            found = self._database.execute("SELECT id FROM pages WHERE path = ?", (path,)).fetchone()
            if found is None and "." in path:
                suffix = f"%.{path}"
                found = self._database.execute(
                    "SELECT id FROM pages WHERE path LIKE ? ORDER BY length(path) LIMIT 1", (suffix,)
                ).fetchone()
            if found and found[0] not in rows:
                rows.append(found[0])
        return rows

    def _ranked(self, question: Question) -> list[tuple[int, float]]:
        if not question.terms:
            return []
        match = " OR ".join(f'"{term}"' for term in question.terms)
        query = (
            f"SELECT words.rowid, -bm25(words, {_WEIGHTS}) AS score, path, kind, module FROM words "  # noqa: S608  only constants
            "JOIN pages ON pages.id = words.rowid WHERE words MATCH ? ORDER BY score DESC LIMIT ?"
        )
        rows = self._database.execute(query, (match, _CANDIDATES)).fetchall()
        covered = self._covered(question, [row[0] for row in rows])
        return [
            (row, score * _prior(path, kind, module) * covered[row])
            for row, score, path, kind, module in rows
            if covered[row] >= _LEAST_COVERED
        ]

    def _covered(self, question: Question, rows: Sequence[int]) -> dict[int, float]:
        """For each page the share of the question's words that it has, rare words counting more."""
        weights: dict[str, float] = {}
        holders: dict[str, set[int]] = {}
        for word in question.words:
            found = self._database.execute("SELECT rowid FROM words WHERE words MATCH ?", (f'"{word}"',))
            holders[word] = {row for (row,) in found}
            weights[word] = math.log((self._count + 1) / (len(holders[word]) + 0.5))
        total = sum(weights.values()) or 1.0
        return {row: sum(weight for word, weight in weights.items() if row in holders[word]) / total for row in rows}

    def _page(self, row: int) -> Page:
        found = self._database.execute("SELECT path, kind, module, signature, doc FROM pages WHERE id = ?", (row,)).fetchone()
        return Page(*found)


def read_question(text: str) -> Question:
    """The words and glossary entries of ``text``, in either language."""
    plain = simplified(text[:_LOOKED_AT])
    written = _WORD.findall(plain)
    names = [name for name in written if ("." in name or "_" in name) and not name.endswith("_")]
    names += [name for name in written if f"{name}(" in plain and name not in names]
    words = [part.lower() for name in written for part in name.replace("_", ".").split(".")]
    content = [
        word
        for word in dict.fromkeys(words)
        if len(word) > 1 and (word not in _unsaid() or (len(words) == 1 and keyword.iskeyword(word)))
    ]
    english, known = _glossed(words)
    chinese = _glossed_han("".join(plain.split()))
    content += [term for entry in chinese if (term := entry.terms[0]) not in content]
    entries = [*english, *chinese]
    pages = [page for entry in entries for page in entry.pages]
    if len(words) == 1 and keyword.iskeyword(words[0]):
        pages.insert(0, f'{words[0]}: The "{words[0]}" statement')
    terms = [*content, *(term for entry in entries for term in entry.terms)]
    return Question(
        tuple(content[:MOST_WORDS]),
        tuple(dict.fromkeys(terms))[: 2 * MOST_WORDS],
        tuple(_most_wanted(pages)),
        tuple(dict.fromkeys(names))[:4],
        1.0 if chinese or len(words) == 1 else known / max(1, len(content)),
    )


def asks_for_more(text: str) -> bool:
    """Whether ``text`` only asks to go on with the question before it."""
    plain = simplified(text.strip().lower()).strip("?!.,。？！， ").removesuffix(" please").removeprefix("please ")
    return plain in _table()["more"]


def _most_wanted(pages: Sequence[str]) -> list[str]:
    """Pages in order; those that several entries name first, those about mere things last."""
    things = _table()["things"]
    return sorted(dict.fromkeys(pages), key=lambda page: (page in things, -pages.count(page), pages.index(page)))


def _prior(path: str, kind: str, module: str) -> float:
    """How likely a page is meant at all: builtins and the best known modules rather than the remotest."""
    if _OBSCURE.search(path):
        return 0.6
    known = 1.25 if module in _KNOWN else 1.1 if kind in ("topic", "module") else 1.0
    return known * (0.92 ** path.count("."))


def _glossed(words: Sequence[str]) -> tuple[list[Entry], float]:
    """Entries of the English phrases among ``words``, longest first at every place, and how many words they account for."""
    found: list[Entry] = []
    known = 0.0
    at = 0
    phrases, weak, things = _phrases(), _table()["weak"], _table()["things"]
    while at < len(words):
        length = next((size for size in range(6, 0, -1) if " ".join(words[at : at + size]) in phrases), 0)
        phrase = words[at : at + length]
        if phrase and (len(words) <= 3 or length > 1 or phrase[0] not in weak):
            entry = phrases[" ".join(phrase)]
            found.append(entry)
            said = sum(word not in _unsaid() for word in phrase)
            known += said * (0.5 if entry.pages and entry.pages[0] in things else 1.0)
        at += length or 1
    return found, known


def _glossed_han(text: str) -> list[Entry]:
    """Entries of the Chinese words in ``text``, longest first at every place."""
    found: list[Entry] = []
    at = 0
    phrases = _phrases()
    while at < len(text):
        length = next((size for size in range(8, 0, -1) if is_han(text[at]) and text[at : at + size].lower() in phrases), 0)
        if length:
            found.append(phrases[text[at : at + length].lower()])
        at += length or 1
    return found


@cache
def _phrases() -> dict[str, Entry]:
    phrases: dict[str, Entry] = {}
    for chinese, english, terms, pages in _table()["rows"]:
        entry = Entry(tuple(terms.split()), tuple(pages))
        for phrase in f"{chinese}, {english}".split(", "):
            phrases.setdefault(phrase.lower(), entry)
    return phrases


@cache
def _unsaid() -> frozenset[str]:
    return frozenset(_table()["english"].split())


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "glossary.toml").read_text("utf-8"))
