"""Conversations in which calls and results of tools are not where the next protocol wants them."""

from __future__ import annotations

from assay.core import Message, Text, ToolCall, ToolResult, Transcript, user
from assay.wire.losses import Losses
from assay.wire.turns import NOT_GIVEN, answer_calls


def _calls(*ids: str) -> Message:
    return Message(role="assistant", parts=tuple(ToolCall(id=id, name="look") for id in ids))


def _result(id: str, words: str = "found") -> ToolResult:
    return ToolResult(id=id, parts=(Text(text=words),))


def _told(*results: ToolResult) -> Message:
    return Message(role="tool", parts=results)


def test_a_conversation_in_order_is_left_as_it_is() -> None:
    in_order = Transcript(
        (user("Go."), _calls("a", "b"), _told(_result("a")), _told(_result("b")), _calls("a"), _told(_result("a")))
    )
    losses = Losses()
    assert answer_calls(in_order, losses) is in_order
    together = Transcript((_calls("a"), Message(role="user", parts=(_result("a"), Text(text="And now?")))))
    assert answer_calls(together, losses) is together
    assert losses.listed == ()


def test_results_are_moved_behind_their_calls() -> None:
    losses = Losses()
    mixed = Transcript(
        (_calls("a", "b"), user("Wait."), _told(_result("b")), Message(role="user", parts=(Text(text="So?"), _result("a"))))
    )
    assert answer_calls(mixed, losses).messages == (
        _calls("a", "b"),
        _told(_result("b")),
        _told(_result("a")),
        user("Wait."),
        user("So?"),
    )
    assert losses.listed == ()


def test_a_call_that_nobody_answered_gets_an_answer_that_says_so() -> None:
    losses = Losses()
    broken_off = Transcript((_calls("a", "b"), _told(_result("a")), user("Never mind.")))
    missing = ToolResult(id="b", parts=(Text(text=NOT_GIVEN),), is_error=True)
    assert answer_calls(broken_off, losses).messages == (_calls("a", "b"), _told(_result("a")), _told(missing), user("Never mind."))
    assert losses.listed == ("approximated:tool_result=none was given",)


def test_a_result_that_no_call_asked_for_becomes_words() -> None:
    losses = Losses()
    pruned = Transcript(
        (_told(_result("gone", "rain")), user("Go on."), _calls("a"), _told(_result("a")), _told(_result("a", "again")))
    )
    assert answer_calls(pruned, losses).messages == (user("rain"), user("Go on."), _calls("a"), _told(_result("a")), user("again"))
    assert losses.listed == ("approximated:tool_result=text",)


def test_calls_of_the_oldest_form_have_no_ids_and_are_left_alone() -> None:
    oldest = Transcript((_calls(""), Message(role="tool", name="look", parts=(Text(text="found"),)), user("So?")))
    assert answer_calls(oldest, Losses()) is oldest
