"""`assay chat`, from a pipe and in a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.chat_scripts import GREETING, Answer, Status, error, text
from tests.cli.command import command, terminal
from tests.server import RunningAssay
from tests.upstream import ScriptedUpstream


def test_what_comes_from_a_pipe_is_one_message_and_the_answer_alone_is_printed(assay: RunningAssay) -> None:
    done = command(assay.folder, "chat", "scripted/echo", stdin="first line\n\nthird line, 試金\n")
    assert (done.code, done.out, done.err) == (0, "first line\n\nthird line, 試金\n", "")


def test_a_message_of_the_command_line_is_answered_as_json_too(assay: RunningAssay) -> None:
    done = command(assay.folder, "chat", "scripted/text", "-m", "hello", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json["message"]["parts"] == [{"type": "text", "text": GREETING}]
    assert (done.json["model"], done.json["stop"], done.json["usage"]["output"]) == ("scripted/text", "end", 7)


def test_a_refusal_is_shown_and_a_cut_answer_is_said_to_be_one(assay: RunningAssay) -> None:
    assert command(assay.folder, "chat", "scripted/refusal", "-m", "x").out == "I cannot do that.\n"
    cut = command(assay.folder, "chat", "scripted/length", "-m", "x")
    assert (cut.code, cut.out) == (0, "cut off\n")
    assert "limit of tokens" in cut.err


def test_thoughts_are_no_answer(assay: RunningAssay) -> None:
    assert command(assay.folder, "chat", "scripted/reasoning", "-m", "2+2").out == "4\n"


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ("scripted/error-500", 3, "scripted 500"),
        ("scripted/error-429", 3, "scripted 429"),
        ("scripted/error-401", 4, "refused the provider key"),
        ("openai/gpt-9", 4, "OPENAI_API_KEY"),
        ("nobody/nothing", 2, "'nobody/nothing'"),
    ],
)
def test_what_went_wrong_is_said_and_told_by_the_exit_code(assay: RunningAssay, model: str, code: int, said: str) -> None:
    done = command(assay.folder, "chat", model, "-m", "x")
    assert (done.code, done.out) == (code, ""), done.err
    assert said in done.err
    assert "\ncode: " in done.err


@pytest.mark.parametrize("model", ["mid-stream-error", "cut", "unfinished"])
def test_an_answer_that_breaks_off_is_shown_as_far_as_it_came_and_is_a_failure(assay: RunningAssay, model: str) -> None:
    done = command(assay.folder, "chat", f"scripted/{model}", "-m", "x")
    assert done.code == 3, done
    assert GREETING.startswith(done.out.removesuffix("\n"))
    assert done.out.startswith("Hello,")
    assert done.err.startswith("error: ")


def test_nothing_to_say_is_a_wrong_use(assay: RunningAssay) -> None:
    assert command(assay.folder, "chat", "scripted/text", stdin="\n").code == 2


def test_in_a_terminal_a_conversation_goes_on_by_turns(assay: RunningAssay, upstream: ScriptedUpstream) -> None:
    with terminal(assay.folder, "chat", "scripted/echo") as person:
        person.until("> ")
        person.type("one two\n")
        person.until("one two\r\n")
        person.until("one two\r\n> ")
        person.type("three\n")
        person.until("three\r\nthree\r\n> ")
        person.type("\n")
        assert person.end() == 0
    roles = [(message["role"], message["content"]) for message in upstream.last.json["messages"]]
    assert roles == [("user", "one two"), ("assistant", "one two"), ("user", "three")]


def test_words_are_shown_as_they_come(assay: RunningAssay, upstream: ScriptedUpstream) -> None:
    """The upstream falls silent after the first word, which is on the screen all the same; Ctrl-C lets go of the upstream."""
    aborted = upstream.aborted
    with terminal(assay.folder, "chat", "scripted/stall") as person:
        person.until("> ")
        person.type("x\n")
        person.until("Hello,")
        person.type("\x03")
        assert person.end() == 130
        assert "Traceback" not in person.screen
    asyncio.run(upstream.until(lambda upstream: upstream.aborted == aborted + 1))


def test_ctrl_c_at_the_prompt_ends_at_once_without_a_trace(assay: RunningAssay) -> None:
    with terminal(assay.folder, "chat", "scripted/text") as person:
        person.until("> ")
        person.type("\x03")
        assert person.end() == 130
        assert "Traceback" not in person.screen


def test_a_turn_that_fails_can_be_tried_again_and_the_last_one_counts(assay: RunningAssay, upstream: ScriptedUpstream) -> None:
    outcomes: Iterator[Answer | Status] = iter([error(503), text({}), error(500)])
    upstream.scripts["moody"] = lambda body: next(outcomes)
    with terminal(assay.folder, "chat", "scripted/moody") as person:
        person.until("> ")
        person.type("lost\n")
        person.until("scripted 503")
        person.until("> ")
        person.type("found\n")
        person.until("full stop.\r\n> ")
        assert [message["content"] for message in upstream.last.json["messages"]] == ["found"]
        person.type("lost again\n")
        person.until("scripted 500")
        person.until("> ")
        person.type("\x04")
        assert person.end() == 3


def test_an_unknown_model_is_named_before_anything_is_typed(assay: RunningAssay) -> None:
    with terminal(assay.folder, "chat", "nobody/nothing") as person:
        assert person.end() == 2
        assert "'nobody/nothing'" in person.screen
        assert "> " not in person.screen
