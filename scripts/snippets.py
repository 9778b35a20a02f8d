"""Writes web/src/routes/connect/clients.json, the snippets of the Connect page, from the guide for clients: ``make reference``.

What the page lets people copy is what the guide says, and what the guide says is what the tests of clients run. The address, the
model and its names become blanks that the page fills in. A test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "guides" / "connect-a-client.md"
FILE = ROOT / "web" / "src" / "routes" / "connect" / "clients.json"
GROUPS = {"Command line agents": "agents", "Editors": "editors", "Libraries": "libraries"}

_ROW = re.compile(
    r"^\| \[(?P<title>[^]]+)\]\(#(?P<id>[\w-]+)\)[^|]*\| *(?P<version>[^|]*?) *\| (?P<speaks>[^|]+?) \| (?P<known>[^|]+?) \|$", re.M
)
_CHAPTER = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.M | re.S)
_SECTION = re.compile(r"^### ([^\n]+)\n(.*?)(?=^### |\Z)", re.M | re.S)
_SNIPPET = re.compile(r"(?:^In `(?P<file>[^`\n]+)`(?:[^\n]+\n)+\n)?```(?P<language>\w+)\n(?P<text>.*?)^```", re.M | re.S)
_PROTOCOLS = {
    "Chat": "openai_chat",
    "Responses": "openai_responses",
    "Anthropic": "anthropic",
    "Gemini": "gemini",
    "Google": "gemini",
}
_BLANKS = (
    ("http://127.0.0.1:8470", "{address}"),
    ("https://assay.example.com", "{address}"),
    ("practice/reckoner", "{model}"),
    ("Reckoner", "{title}"),
    ("reckoner", "{short}"),
)


def snippets() -> str:
    """The text of the file."""
    return json.dumps(list(_clients(GUIDE.read_text("utf-8"))), ensure_ascii=False, indent=1) + "\n"


def _clients(guide: str) -> Iterator[dict[str, Any]]:
    rows = {row["id"]: row.groupdict() for row in _ROW.finditer(guide)}
    for chapter, sections in _CHAPTER.findall(guide):
        for title, text in _SECTION.findall(sections) if chapter in GROUPS else ():
            id = title.lower().replace(" ", "-")
            row = rows.get(id, {"title": title, "version": "", "speaks": "Chat, Anthropic, Gemini", "known": "tested"})
            yield {
                "id": id,
                "title": title,
                "group": GROUPS[chapter],
                "version": row["version"] or None,
                "protocols": _protocols(row["speaks"]),
                "known": _known(row["known"]),
                "snippets": [_snippet(found) for found in _SNIPPET.finditer(text)],
            }


def _protocols(speaks: str) -> list[str]:
    if speaks == "all four":
        return list(dict.fromkeys(_PROTOCOLS.values()))
    return [_PROTOCOLS[name] for name in speaks.split(", ")]


def _known(said: str) -> str:
    return "tested" if said.startswith("tested") else "not_run" if said.startswith("not run") else "by_hand"


def _snippet(found: re.Match[str]) -> dict[str, str | None]:
    text = found["text"].rstrip("\n")
    for given, blank in _BLANKS:
        text = text.replace(given, blank)
    return {"file": found["file"], "language": found["language"], "text": text}


if __name__ == "__main__":
    FILE.write_text(snippets(), "utf-8")
