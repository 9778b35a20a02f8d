"""Files of one's own work: each format gives its items, and what gives none is named by its line."""

from __future__ import annotations

import csv
import io
import json
import time
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.challenge.item import Item
from assay.challenge.work import BadLine, Brought, brought, read_work
from assay.challenge.work import records as records_
from assay.core import InvalidInput, OutputFormat, Request, Sampling, Text, TooLarge, Transcript, user
from assay.judge import Exact, Length, Number
from tests.challenge.work.files import ALL, BATCH_INPUT, BATCH_OUTPUT, SPEND_LOGS, TRANSCRIPT, calls, jsonl, says


def read(name: str) -> Brought:
    return read_work(ALL[name], name)


def test_a_file_with_a_long_and_strange_name_is_named_in_short() -> None:
    """The page sends it; each item keeps it."""
    content, name = b"One?\nTwo?\n", "n" * 100_000 + "\x1b[31m\n.txt"
    assert [item.origin[-12:] for item in read_work(content, name).items] == ["\ufffd[31m .txt:1", "\ufffd[31m .txt:2"]
    assert len(read_work(content, name).items[0].origin) < 300


def test_a_question_that_is_hard_to_tell_from_code_takes_no_time() -> None:
    """100 such took most of a minute, and stopped everything else meanwhile."""
    content = b"".join(msgspec.json.encode({"prompt": f"{n}" + "\n" * 1990 + "1" * 9}) + b"\n" for n in range(100))
    begun = time.monotonic()
    assert {item.category for item in read_work(content, "work.jsonl").items} == {"chat"}
    assert time.monotonic() - begun < 5


def words(item: Item) -> list[str]:
    """What is asked, message by message."""
    return [f"{message.role}: {message.text}" for message in item.request.transcript.messages]


def went_on(item: Item) -> list[tuple[str, list[str]]]:
    """What was said next, with the arguments of its calls, and what its tools gave back."""
    shown = []
    for step in item.recorded:
        made = [getattr(part, "arguments", getattr(part, "text", "")) for part in step.said.parts]
        back = [inner.text for message in step.results for part in message.parts for inner in getattr(part, "parts", ())]
        shown.append((" ".join(made), back))
    return shown


def refused(content: bytes, name: str = "work.jsonl") -> str:
    with pytest.raises(InvalidInput) as failed:
        read_work(content, name)
    return failed.value.code


def test_each_line_of_a_text_is_a_prompt() -> None:
    found = read("lines.txt")
    assert (found.format, found.bad) == ("text lines", ())
    assert [item.request for item in found.items] == [
        Request(model="", transcript=Transcript((user("How are you?"),))),
        Request(model="", transcript=Transcript((user("為什麼天是藍的?"),))),
    ]
    assert [item.origin for item in found.items] == ["lines.txt:1", "lines.txt:3"]


def test_objects_say_what_is_asked_and_how_it_is_checked() -> None:
    sums, haiku, structured, river = read("prompts.jsonl").items
    assert (sums.checks, sums.category, sums.cluster) == ((Number(value=42),), "sums", "tables")
    assert words(haiku) == ["user: Hello", "assistant: Hi", "user: Write a haiku."]
    assert (haiku.request.sampling, haiku.category) == (Sampling(temperature=0.2), "multi-turn")
    assert (structured.request.output, structured.category) == (OutputFormat(kind="json"), "structured")
    assert words(river) == ["system: Answer in one word.", "user: Name a river."]
    assert river.checks == (Length(unit="words", most=1),)


def test_no_setting_is_sent_that_nobody_gave_and_no_model_is_named() -> None:
    for name in ALL:
        for item in read(name).items:
            assert (item.request.model, item.request.stream, item.request.user) == ("", False, None)
            assert "metadata" not in item.request.extra.get("openai_chat", {})
    assert read("prompts.jsonl").items[0].request.sampling == Sampling()


def test_fields_that_are_not_sent_are_named() -> None:
    found = read_work(jsonl({"prompt": "x", "expected": "y", "difficulty": 3, "source": "z"}), "a.jsonl")
    assert found.notes == ("Fields that are not sent to anybody: difficulty, source.",)
    assert found.items[0].checks == (Exact(value="y"),)


def test_a_transcript_gives_an_item_for_each_turn_with_its_tools_as_recorded() -> None:
    found = read("transcript.json")
    first, second = found.items
    assert words(first) == ["system: You are terse.", "user: Is it raining in Oslo?"]
    assert went_on(first) == [('{"city":"Oslo"}', ["rain"]), ("Yes.", [])]
    assert words(second)[-2:] == ["assistant: Yes.", "user: And in Rome?"]
    assert went_on(second) == [("I would have to look.", [])]
    assert first.cluster == second.cluster != ""
    assert (first.authors, second.authors) == (("old-model",), ("old-model",))
    assert (found.format, first.category) == ("chat transcripts", "tools")


def test_a_recorded_last_answer_steers_nobody() -> None:
    """So its author is not counted among those who wrote the history."""
    (item,) = read_work(jsonl({"messages": [says("user", "Hi"), says("assistant", "Hello")], "model": "m"}), "a.jsonl").items
    assert (item.authors, went_on(item)) == ((), [("Hello", [])])


def test_an_unanswered_last_turn_of_a_transcript_is_asked() -> None:
    answered = {"messages": [says("user", "a"), says("assistant", "b")]}
    open_ended = {"messages": [says("user", "a"), says("assistant", "b"), says("user", "c")]}
    found = read_work(jsonl(answered, open_ended), "a.jsonl")
    assert [(item.origin, len(item.request.transcript.messages), len(item.recorded)) for item in found.items] == [
        ("a.jsonl:1", 1, 1),
        ("a.jsonl:2", 1, 1),
        ("a.jsonl:2", 3, 0),
    ]


def test_of_a_very_long_conversation_some_turns_are_asked_evenly_spread() -> None:
    messages = [says(role, str(turn)) for turn in range(500) for role in ("user", "assistant")]
    items = read_work(jsonl({"messages": messages}), "a.jsonl").items
    asked = [int(item.request.transcript.messages[-1].text) for item in items]
    assert (len(asked), asked[0], asked[-1]) == (50, 0, 499)
    assert max(later - sooner for sooner, later in pairwise(asked)) <= 11


def test_a_batch_is_read_with_its_answers_where_both_are_in_one_file() -> None:
    found = read("batch.jsonl")
    chat, response = found.items
    assert (words(chat), went_on(chat)) == (["user: Translate: Guten Tag"], [("Good day", [])])
    assert chat.request.sampling == Sampling(max_tokens=50)
    assert words(response) == ["system: Be brief.", "user: Why is the sky blue?"]
    assert response.request.sampling == Sampling(max_tokens=80, effort="low")
    assert response.request.output == OutputFormat(kind="json_schema", name="why", schema={"type": "object"})
    assert found.bad == (BadLine(3, "it asks no model to speak: it is a request to /v1/embeddings without messages"),)


def test_a_batch_counts_without_its_answers_but_answers_alone_ask_nothing() -> None:
    assert [item.recorded for item in read_work(jsonl(*BATCH_INPUT), "b.jsonl").items] == [(), ()]
    assert refused(jsonl(*BATCH_OUTPUT)) == "work.answers_only"


def test_a_batch_in_anthropics_form_keeps_pictures_tools_and_system_prompt() -> None:
    (item,) = read("anthropic.jsonl").items
    assert words(item) == ["system: You are a guide.", "user: Look at this."]
    assert [type(part).__name__ for part in item.request.transcript.messages[1].parts] == ["Text", "Image"]
    assert [tool.name for tool in item.request.tools] == ["map"]
    assert item.request.tool_choice is not None
    assert item.request.tool_choice.mode == "required"


def test_spend_logs_give_what_was_kept_of_them_and_say_what_was_not() -> None:
    found = read("spend.json")
    parcel, greeting = found.items
    assert (words(parcel), went_on(parcel)) == (["user: My parcel is late."], [("I am sorry.", [])])
    assert (parcel.category, [tool.name for tool in parcel.request.tools]) == ("support", ["weather"])
    assert words(greeting) == ["system: Be kind.", "user: Hi"]
    assert [bad.reason.partition(":")[0] for bad in found.bad] == [
        "this acompletion holds no prompt",
        "a call of the type aembedding asks no model to speak",
        "LiteLLM cut the prompt short (litellm_truncated)",
    ]
    lines = ALL["spend.json"].decode().split("\n")
    assert all(lines[bad.line - 1].strip() == "{" for bad in found.bad)


def test_spend_logs_are_the_same_in_csv() -> None:
    out = io.StringIO()
    table = csv.DictWriter(out, sorted({name for row in SPEND_LOGS for name in row}))
    table.writeheader()
    table.writerows({name: value if type(value) is str else json.dumps(value) for name, value in row.items()} for row in SPEND_LOGS)
    found = read_work(out.getvalue().encode(), "spend.csv")
    assert [item.request for item in found.items] == [item.request for item in read("spend.json").items]
    assert [bad.line for bad in found.bad] == [3, 4, 5]


def test_a_row_of_csv_that_is_broken_is_named_and_the_next_is_read() -> None:
    text = 'request_id,spend,proxy_server_request\n1,"x"y,\n2,0\n3,0,"{""messages"":[{""role"":""user"",\n""content"":""Hi""}]}"\n4,0,\n'
    found = read_work(text.encode(), "spend.csv")
    assert [(bad.line, bad.reason[:25]) for bad in found.bad] == [
        (2, "this is not a row of CSV "),
        (3, "2 columns where the heade"),
        (6, "this row holds no prompt:"),
    ]
    assert [(item.origin, words(item)) for item in found.items] == [("spend.csv:4", ["user: Hi"])]


def test_a_claude_code_session_gives_what_the_user_asked_with_the_tools_as_they_went() -> None:
    found = read("claude.jsonl")
    by_line = {int(item.origin.partition(":")[2]): item for item in found.items}
    assert sorted(by_line) == [2, 10, 12, 17]
    asked = by_line[2]
    assert went_on(asked) == [
        ('{"file_path":"a.py"} {"command":"pytest","timeout":5}', ["x = 1", "1 failed"]),
        ("It expects 2.", []),
    ]
    assert (asked.authors, asked.cluster, asked.category) == (("old-model",), "s-1", "tools")
    assert [tool.name for tool in asked.request.tools] == ["Read", "Bash"]
    assert asked.request.tools[1].parameters == {
        "type": "object",
        "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
    }
    assert any("described by the names and arguments" in note for note in found.notes)
    assert any("1 lines of sub-agents" in note for note in found.notes)


def test_a_rewound_turn_does_not_stand_in_the_history_of_the_one_that_replaced_it() -> None:
    by_line = {item.origin: item for item in read("claude.jsonl").items}
    assert words(by_line["claude.jsonl:12"])[-2:] == ["assistant: It expects 2.", "user: Mend it."]
    assert went_on(by_line["claude.jsonl:12"]) == []  # the API's error is no answer
    assert went_on(by_line["claude.jsonl:10"]) == [("Deleted.", [])]


def test_after_a_compaction_only_the_summary_is_known() -> None:
    by_line = {item.origin: item for item in read("claude.jsonl").items}
    assert [line[:30] for line in words(by_line["claude.jsonl:17"])] == [
        "user: This session goes on fro",
        "user: <command-name>/model</co",
        "user: Now commit.",
    ]
    last = read("codex.jsonl").items[-1]
    assert words(last) == ["system: You are an agent.", "user: So far: renamed a function.", "user: Now write a test."]


def test_a_codex_session_gives_what_the_user_asked_with_the_tools_as_they_went() -> None:
    first, _ = read("codex.jsonl").items
    assert first.origin == "codex.jsonl:4"
    assert words(first)[-1] == "user: Rename the function."
    assert went_on(first) == [('{"cmd":"rg old"}', ["a.py:1"]), ('{"input":"*** Begin Patch"}', ["Done"]), ("Renamed.", [])]
    assert (first.authors, first.cluster) == (("old-codex",), "s-2")
    assert [tool.name for tool in first.request.tools] == ["exec_command", "apply_patch"]
    assert any("1 web_search_call" in note for note in read("codex.jsonl").notes)


def test_an_old_codex_session_is_read_too() -> None:
    (item,) = read("old_codex.jsonl").items
    assert words(item) == ["system: Be careful.", "user: List the files."]
    assert went_on(item)[0][0] == '{"type":"exec","command":["ls"]}'


def test_what_cannot_be_read_is_named_by_its_line_and_the_rest_is_kept() -> None:
    good = {"prompt": "fine"}
    bad: list[Any] = [
        {"prompt": ""},
        {"prompt": 3},
        {"messages": "x"},
        {"messages": [{"role": "user"}, {"content": "x"}]},
        {"messages": [says("system", "only this")]},
        {"prompt": "x", "expected": ["a"]},
        {"prompt": "x", "checks": [{"check": "nonsense"}]},
        {"prompt": "x", "category": "a\nb"},
        {"prompt": "x", "temperature": "hot"},
        {"nothing": 1},
        [1],
    ]
    content = jsonl(good, *bad) + b'{"prompt": \n\xff\n' + jsonl(good)
    found = read_work(content, "a.jsonl")
    assert [item.origin for item in found.items] == ["a.jsonl:1", "a.jsonl:15"]
    assert [line.line for line in found.bad] == list(range(2, 15))
    assert all(line.reason for line in found.bad)
    assert found.bad[8].reason == "temperature: expected a number, got a string."


def test_an_array_is_read_with_the_lines_of_its_elements() -> None:
    found = read_work(b'[\n  {"prompt": "a"},\n  5,\n\n  {"prompt":\n "b"}\n]', "a.json")
    assert [item.origin for item in found.items] == ["a.json:2", "a.json:5"]
    assert found.bad == (BadLine(3, "this is JSON, but not an object"),)


def test_of_an_array_that_breaks_off_what_came_before_is_kept() -> None:
    found = read_work(b'[\n{"prompt": "a"},\n{"prompt": "\xff"},\n{"prompt": "b"', "a.json")
    assert [item.origin for item in found.items] == ["a.json:2"]
    assert [bad.line for bad in found.bad] == [3, 4]
    assert [bad.reason[:25] for bad in found.bad] == ["This is not UTF-8: the by", "the array breaks off here"]


def test_text_that_begins_with_a_bracket_is_text() -> None:
    assert len(read_work(b"[INST] What is this?\n{braces} mean what?\n", "notes.txt").items) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b" \n", "work.empty_file"),
        ("prompt".encode("utf-16"), "work.not_text"),
        (b"PK\x03\x04\0\0", "work.not_text"),
        (b'{"a": 1}\n', "work.unknown_format"),
        (b"{broken\n", "work.unknown_format"),
        (jsonl({"prompt": ""}), "work.no_items"),
        (jsonl({"type": "summary", "leafUuid": "x"}), "work.no_items"),
    ],
)
def test_a_file_with_nothing_to_ask_is_refused_with_a_code(content: bytes, code: str) -> None:
    assert refused(content) == code


def test_files_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brought, "MOST_ITEMS", 3)
    with pytest.raises(TooLarge) as failed:
        read_work(b"a\nb\nc\nd\n", "a.txt")
    assert failed.value.code == "work.too_much"
    monkeypatch.setattr(records_, "MOST_RECORDS", 3)
    for content in (b"1\n1\n1\n1\n", b"[1,1,1,1]"):
        with pytest.raises(TooLarge) as failed:
            read_work(content, "a.json")
        assert failed.value.code == "work.too_much"
    with pytest.raises(TooLarge) as failed:
        read_work(bytes(64 * 1024 * 1024 + 1), "a.txt")
    assert failed.value.code == "work.file_too_large"


def test_more_bad_lines_than_are_named_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brought, "MOST_NAMED", 2)
    found = read_work(jsonl({"prompt": "x"}, 1, 2, 3, 4), "a.jsonl")
    assert (len(found.bad), found.notes) == (2, ("2 further lines could not be read.",))


def test_an_item_is_what_it_asks_wherever_it_came_from() -> None:
    one, other = (read_work(jsonl({"prompt": "x"}), name).items[0] for name in ("a.jsonl", "b.jsonl"))
    assert (one.id, one.origin) == (other.id, "a.jsonl:1")


def read_or_refused(content: bytes, name: str) -> None:
    """What is true of any file: an error with a code, or items and named lines."""
    try:
        found = read_work(content, name)
    except InvalidInput as error:
        code = error.code
    else:
        code = "work.read"
        holds(found)
    assert code.startswith("work.")


def holds(found: Brought) -> None:
    """What is true of anything that was read."""
    assert found.items
    for item in found.items:
        assert item.request.model == ""
        assert item.category
        assert item.origin
        assert msgspec.json.decode(msgspec.json.encode(item), type=Item) == item
    assert all(bad.line > 0 and bad.reason for bad in found.bad)


NAMES = st.sampled_from(["a.txt", "a.jsonl", "a.json", "a.csv"])
HEADS = st.sampled_from([b"", b"\xef\xbb\xbf", b"[", b'{"prompt":', b"request_id,spend,messages\n", b'{"messages":[', b'"'])


@given(HEADS, st.binary(max_size=400), NAMES)
def test_any_bytes_are_read_or_refused_with_a_code(head: bytes, content: bytes, name: str) -> None:
    read_or_refused(head + content, name)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "role", "content", "id", "text"]), inner, max_size=3)
    ),
    max_leaves=6,
)
RECORDS = [msgspec.json.decode(line) for name in ALL if name.endswith(".jsonl") for line in ALL[name].splitlines()]
RECORDS += [*SPEND_LOGS, TRANSCRIPT, {"messages": [says("user", "x"), calls(("c", "f", "{}"))]}]


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A record of a known format in which one value, anywhere, is something else."""
    record = msgspec.json.decode(msgspec.json.encode(draw(st.sampled_from(RECORDS))))
    at = record
    while True:
        key = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
        if isinstance(at[key], dict | list) and at[key] and draw(st.booleans()):
            at = at[key]
            continue
        at[key] = draw(JSON)
        return record


@settings(max_examples=300)
@given(st.lists(damaged() | st.sampled_from(RECORDS), min_size=1, max_size=6))
def test_damaged_records_of_any_format_are_read_or_named(records: list[Any]) -> None:
    read_or_refused(jsonl(*records), "a.jsonl")


def test_the_text_of_a_part_survives() -> None:
    """Whatever is in it: it is asked word for word."""
    text = '  two  spaces\n\ttab \u200b zero width, "quotes" and \\ backslashes  '
    (item,) = read_work(jsonl({"prompt": text}), "a.jsonl").items
    assert item.request.transcript.messages[0].parts == (Text(text=text),)
