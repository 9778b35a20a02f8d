"""What the page knows of the API is what the server says of itself."""

from __future__ import annotations

from scripts import typescript


def test_the_types_of_the_page_are_those_of_the_server() -> None:
    assert typescript.FILE.read_text("utf-8") == typescript.typescript(), "run `make reference` and commit web/src/lib/types.ts"
