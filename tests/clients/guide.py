"""The snippets of the guide for clients, so that what the tests run is what people copy."""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "connect-a-client.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"In `~/([^`]+)`[^`]*?\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (\w+)=(\S+)$", re.MULTILINE)

ADDRESS = "http://127.0.0.1:8470"
MODEL = "practice/reckoner"
KEY = "GATEWAY_KEY"


class Section:
    """What stands in the guide under one heading, with the address and the model of a test in the place of the guide's."""

    def __init__(self, heading: str, url: str, model: str):
        text = GUIDE.read_text("utf-8")
        found = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
        assert found, f"the guide has no section {heading!r}"
        self.text = found[1].replace(ADDRESS, url).replace(MODEL, model)

    def variables(self, key: str) -> dict[str, str]:
        """What the shell snippets export, and the key that they read."""
        return {KEY: key} | {name: value.replace(f"${KEY}", key) for name, value in _EXPORT.findall(self.text)}

    @property
    def files(self) -> dict[str, str]:
        """The files that it has people write, by their path in the home directory."""
        return dict(_FILE.findall(self.text))

    def code(self, language: str) -> list[str]:
        """Its snippets in a language."""
        return [code for name, code in _FENCE.findall(self.text) if name == language]
