"""Checks as one writes them on a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.core import InvalidInput
from assay.judge import Check, Exact, Format, JsonSchema, Length, Number, OneOf, Pattern, parse_check


@pytest.mark.parametrize(
    ("written", "check"),
    [
        ("exact:Paris: a city", Exact(value="Paris: a city")),
        ("one_of:yes|no", OneOf(values=("yes", "no"))),
        (r"regex:^\d+:\d+$", Pattern(pattern=r"^\d+:\d+$")),
        ("number:42", Number(value=42)),
        ("number:-1e3~0.01", Number(value=-1_000, tolerance=0.01)),
        ("number:42~1%", Number(value=42, relative=0.01)),
        ('json_schema:{"type": "object"}', JsonSchema(schema={"type": "object"})),
        ("max_words:50", Length(unit="words", most=50)),
        ("min_lines:2", Length(unit="lines", least=2)),
        ("max_characters:280", Length(most=280)),
        ("json", Format(rule="json")),
        ("one_line", Format(rule="one_line")),
        ("bullets", Format(rule="bullets")),
        ("starts_with:Dear", Format(rule="starts_with", value="Dear")),
        ("lacks:as an AI", Format(rule="lacks", value="as an AI")),
        ('{"check": "exact", "value": "X", "ignore_case": false}', Exact(value="X", ignore_case=False)),
    ],
)
def test_a_check_is_read(written: str, check: Check) -> None:
    assert parse_check(written) == check


def test_a_schema_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "place.json").write_text('{"type": "object"}', "utf-8")
    assert parse_check(f"json_schema:@{tmp_path}/place.json") == JsonSchema(schema={"type": "object"})


@pytest.mark.parametrize(
    "written",
    [
        "",
        "Paris",
        "regex:(",
        "number:",
        "number:many",
        "number:nan",
        "number:1~-1",
        "max_words:few",
        "max_words:-1",
        "max_pages:2",
        "starts_with",
        "starts_with:",
        "one_of",
        "json_schema:[1]",
        "json_schema:{",
        "json_schema:@/no/such/file.json",
        'json_schema:{"type": "strng"}',
        '{"check": "smells_nice"}',
        "{",
    ],
)
def test_what_is_no_check_is_named_with_the_reason_and_the_way_out(written: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_check(written)
    assert refused.value.code == "judge.bad_check"
    assert repr(written) in refused.value.message
    assert "regex:PATTERN" in (refused.value.hint or "")
