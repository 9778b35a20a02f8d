"""Checks hold or do not, in bounded time, and say why."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.core import Message, Refusal, Text, Thinking, assistant
from assay.judge import Check, Exact, Format, JsonSchema, Length, Number, OneOf, Pattern, run_checks
from assay.judge.checking import MAX_CHARS

LIST = "- one\n  more of it\n- two\n\n* three\n2. four\n3) five"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Exact(value="Paris"), " paris\n"),
        (Exact(value="Straße"), "STRASSE"),
        (Exact(value="caf\u00e9", ignore_case=False), "cafe\u0301"),
        (OneOf(values=("yes", "no")), "No"),
        (Pattern(pattern=r"^\d+$"), "42\n"),
        (Pattern(pattern=r"\p{Han}"), "好"),
        (Number(value=42), "So it is 42."),
        (Number(value=0.3, tolerance=0.01), "0.31"),
        (Number(value=200, relative=0.05), "about 191"),
        (JsonSchema(schema={"type": "object", "required": ["a"]}), '{"a": 1}'),
        (JsonSchema(schema={"type": "array"}), "Here it is:\n```json\n[1]\n```\nDone."),
        (Length(most=5), "12345"),
        (Length(unit="words", least=2, most=2), "two words"),
        (Length(unit="words", most=5), "你好，world！再见"),
        (Length(unit="words", most=2), "well — done"),
        (Length(unit="lines", most=2), "one\n\ntwo\n"),
        (Format(rule="json"), "[1, 2]"),
        (Format(rule="one_line"), "just this\n"),
        (Format(rule="bullets"), LIST),
        (Format(rule="bullets"), "1、一\n2、二"),
        (Format(rule="starts_with", value="dear"), "Dear all"),
        (Format(rule="ends_with", value="?"), "Really?"),
        (Format(rule="contains", value="Assay"), "we assay it"),
        (Format(rule="lacks", value="sorry"), "fine"),
    ],
)
def test_a_check_holds(check: Check, text: str) -> None:
    assert run_checks([check], assistant(text)).failed == ()


@pytest.mark.parametrize(
    ("check", "text", "fault"),
    [
        (Exact(value="Paris"), "Paris.", "is not “Paris”"),
        (Exact(value="Paris", ignore_case=False), "paris", "is not “Paris”"),
        (OneOf(values=("yes", "no")), "maybe", "is none of “yes, no”"),
        (Pattern(pattern=r"^\d+$"), "42.", r"does not match “^\d+$”"),
        (Number(value=42), "41", "ends on 41, not 42"),
        (Number(value=42, tolerance=0.5), "42.51", "ends on 42.51, not 42 ± 0.5"),
        (Number(value=1_234_567.5), "1234567", "ends on 1,234,567, not 1,234,567.5"),
        (Pattern(pattern="it's\n\u202e\""), "x", "does not match “it's⏎<U+202E>\"”"),
        (
            JsonSchema(schema={"properties": {"a": {"items": {"type": "null"}}}}),
            '{"a": [null, 1]}',
            'breaks the schema: the value is not of type "null" at a[1]',
        ),
        (Number(value=0), "none", "holds no number; 0 was expected"),
        (JsonSchema(schema={"type": "object"}), "[1]", 'breaks the schema: the value is not of type "object"'),
        (JsonSchema(schema={"type": "object"}), "```\n{}\n```\nor\n```\n{}\n```", "is no JSON: "),
        (JsonSchema(schema={"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "null"}}}), "[1]", "breaks the schema"),
        (Length(most=5), "123456", "has 6 characters, more than 5"),
        (Length(unit="words", least=3), "two words", "has 2 words, fewer than 3"),
        (Length(unit="words", most=4), "你好，world！再见", "has 5 words, more than 4"),
        (Format(rule="json"), "{", "is no JSON: "),
        (Format(rule="json"), "[NaN]", "is no JSON: "),
        (Format(rule="one_line"), "one\ntwo", "has 2 lines, not one"),
        (Format(rule="bullets"), "My list:\n- one", "has a line outside the list: “My list:”"),
        (Format(rule="starts_with", value="Dear"), "Hello", "does not begin with “Dear”"),
        (Format(rule="starts_with", value="Dear", ignore_case=False), "dear", "does not begin with “Dear”"),
        (Format(rule="ends_with", value="?"), "No.", "does not end with “?”"),
        (Format(rule="contains", value="x"), "y", "does not contain “x”"),
        (Format(rule="lacks", value="sorry"), "Sorry!", "contains “sorry”"),
    ],
)
def test_a_check_that_does_not_hold_says_why(check: Check, text: str, fault: str) -> None:
    score = run_checks([check], assistant(text))
    assert score.score == 0
    assert score.failed[0].startswith(fault)


def test_the_score_is_the_share_that_holds() -> None:
    checks: list[Check] = [Length(most=10), Pattern(pattern="x"), Exact(value="y"), Format(rule="one_line")]
    score = run_checks(checks, assistant("y"))
    assert score.score == 0.75
    assert score.failed == ("does not match “x”",)


def test_no_checks_say_nothing() -> None:
    with pytest.raises(ValueError, match="no checks"):
        run_checks([], assistant("x"))


@pytest.mark.parametrize("answer", [assistant(""), assistant(" \n"), Message(role="assistant", parts=(Refusal(text="No."),))])
def test_saying_nothing_keeps_no_rule_however_little_it_asks_for(answer: Message) -> None:
    assert run_checks([Length(most=50), Format(rule="lacks", value="x")], answer).score == 0


def test_thoughts_are_not_checked() -> None:
    answer = Message(role="assistant", parts=(Thinking(text="is it 41?"), Text(text="42")))
    assert run_checks([Exact(value="42")], answer).score == 1


def test_a_pattern_that_goes_back_and_forth_is_stopped() -> None:
    began = time.monotonic()
    score = run_checks([Pattern(pattern="(a|aa)+$")], assistant("a" * 5_000 + "!"))
    assert score.failed[0].startswith("took longer than 0.5 s")
    assert time.monotonic() - began < 10


def test_an_answer_of_no_sensible_length_is_not_read() -> None:
    score = run_checks([Format(rule="one_line")], assistant("x" * (MAX_CHARS + 1)))
    assert score.failed == ("has 1,000,001 characters, more than are read",)


def nested(depth: int) -> str:
    return "[" * depth + "1" + "]" * depth


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"anyOf": [{"type": "array", "items": {"$ref": "#"}}, {"type": "array", "items": {"$ref": "#"}}]}, nested(60)),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}], "type": "object"}, "1"),
        ({"pattern": r"(?=a)(a|aa)+\1$"}, '"' + "a" * 900_000 + '!"'),
        ({"items": {"pattern": r"(?=a)(a+)+$"}}, "[" + ",".join(['"' + "a" * 40 + '!"'] * 5_000) + "]"),
        ({"uniqueItems": True}, "[" + ",".join(f"[{number % 50_000}]" for number in range(50_001)) + "]"),
        ({"type": "object"}, nested(5_000)),
        ({"type": "object"}, "```\n" * 200_000),
        ({"type": "object"}, "~~~~\n```\n" * 90_000),
    ],
    ids=["recursive", "circular", "backtracking", "many", "unique", "deep", "fences", "mixed fences"],
)
def test_a_hostile_answer_to_a_schema_takes_no_longer(schema: dict[str, object], text: str) -> None:
    assert run_checks([JsonSchema(schema=schema)], assistant(text)).score == 0


def test_what_is_wrong_with_an_answer_cannot_command_a_terminal() -> None:
    checks: list[Check] = [JsonSchema(schema={"additionalProperties": {"type": "null"}}), Format(rule="bullets")]
    failed = run_checks(checks, assistant('{"\\u001b[2J\\u202e": 1}\n')).failed
    assert "\x1b" not in "".join(failed)
    assert "\x1b" not in run_checks([Format(rule="bullets")], assistant("a\x1b[2J")).failed[0]


def test_what_is_wrong_with_an_answer_does_not_repeat_all_of_it() -> None:
    checks: list[Check] = [Number(value=1), JsonSchema(schema={"type": "string"}), Format(rule="bullets"), Format(rule="json")]
    failed = run_checks(checks, assistant("[" + "1" * 5_000 + "]")).failed
    assert max(map(len, failed)) < 300


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ('{"check": "regex", "pattern": "("}', "no regular expression"),
        ('{"check": "json_schema", "schema": {"type": "strng"}}', "the schema cannot be used"),
        ('{"check": "json_schema", "schema": {"$ref": "http://127.0.0.1:9/x"}}', "the schema cannot be used"),
        ('{"check": "json_schema", "schema": {"$ref": "file:///etc/passwd"}}', "the schema cannot be used"),
        ('{"check": "length"}', "needs `least`, `most` or both"),
        ('{"check": "length", "least": 5, "most": 4}', "no answer has at least 5"),
        ('{"check": "length", "most": -1}', ">= 0"),
        ('{"check": "number", "value": 1, "tolerance": -1}', ">= 0"),
        ('{"check": "one_of", "values": []}', "length >= 1"),
        ('{"check": "format", "rule": "contains"}', "needs a `value`"),
        ('{"check": "exact", "valu": "x"}', "unknown field `valu`"),
        ('{"check": "smells_nice"}', "smells_nice"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused_when_it_is_read(written: str, reason: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(written, type=Check)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    "check",
    [
        Exact(value="x"),
        OneOf(values=("a", "b"), ignore_case=False),
        Pattern(pattern="a+"),
        Number(value=1.5, tolerance=0.1),
        JsonSchema(schema={"type": "object"}),
        Length(unit="words", most=3),
        Format(rule="contains", value="x"),
    ],
)
def test_a_check_survives_a_file(check: Check) -> None:
    assert msgspec.json.decode(msgspec.json.encode(check), type=Check) == check


@given(st.text(max_size=300))
def test_every_check_takes_every_answer(text: str) -> None:
    checks: list[Check] = [
        *(Exact(value="x"), OneOf(values=("x",)), Pattern(pattern=r"\d"), Number(value=1), JsonSchema(schema={"type": "object"})),
        *(Length(unit="words", most=1), Length(unit="lines", most=1), Length(most=1)),
        *(
            Format(rule=rule, value="x")
            for rule in ("json", "one_line", "bullets", "starts_with", "ends_with", "contains", "lacks")
        ),
    ]
    score = run_checks(checks, assistant(text))
    assert score.score == pytest.approx(1 - len(score.failed) / len(checks))
