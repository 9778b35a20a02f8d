"""Is an answer, to the letter, the JSON that was asked for?"""

from __future__ import annotations

import pytest

from assay.core import Message, OutputFormat, Refusal, Request, Text, Thinking, ToolCall, Transcript, assistant, user
from assay.judge import schema_valid

PLACE: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
DECIMAL: dict[str, object] = {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}


def asked(output: OutputFormat | None) -> Request:
    return Request(model="", transcript=Transcript((user("Where?"),)), output=output)


def under(schema: dict[str, object] | None) -> Request:
    return asked(OutputFormat(kind="json_schema", name="place", schema=schema))


@pytest.mark.parametrize("output", [None, OutputFormat(kind="text")])
def test_where_no_json_was_asked_for_nothing_is_said(output: OutputFormat | None) -> None:
    assert schema_valid(asked(output), assistant("{}")) is None


@pytest.mark.parametrize(
    ("text", "valid"), [('{"a": 1}', True), (" {}\n", True), ("[1]", False), ("{", False), ("", False), ("```\n{}\n```", False)]
)
def test_any_json_object_was_asked_for(text: str, valid: bool) -> None:
    assert schema_valid(asked(OutputFormat(kind="json")), assistant(text)) is valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ('{"city": "Oslo"}', True),
        ('{"city": 1}', False),
        ('{"city": "Oslo", "land": "Norway"}', False),
        ('{"city": "Os', False),
        ('Here: {"city": "Oslo"}', False),
    ],
)
def test_json_under_a_schema_was_asked_for(text: str, valid: bool) -> None:
    assert schema_valid(under(PLACE), assistant(text)) is valid


def test_a_pattern_that_looks_ahead_is_understood() -> None:
    """As pydantic writes it for a decimal number."""
    assert schema_valid(under(DECIMAL), assistant('"12.5"')) is True
    assert schema_valid(under(DECIMAL), assistant('"-"')) is False


def test_a_call_of_a_tool_is_not_yet_an_answer() -> None:
    call = ToolCall(id="1", name="find", arguments="{}")
    assert schema_valid(under(PLACE), Message(role="assistant", parts=(Thinking(text="hm"), call))) is None
    assert schema_valid(under(PLACE), Message(role="assistant", parts=(Text(text="Let me see."), call))) is False


def test_a_refusal_is_not_what_was_asked_for() -> None:
    assert schema_valid(under(PLACE), Message(role="assistant", parts=(Refusal(text="No."),))) is False


@pytest.mark.parametrize(
    "schema", [{"type": "strng"}, {"$ref": "https://schemas.example/x.json"}, {"$schema": "https://example.com/own"}]
)
def test_a_schema_that_is_none_says_nothing_of_an_answer(schema: dict[str, object]) -> None:
    assert schema_valid(under(schema), assistant("{}")) is None


def test_without_a_schema_any_json_will_do() -> None:
    assert schema_valid(under(None), assistant("{}")) is True
    assert schema_valid(under(None), assistant("no")) is False
