"""Did a model decline?"""

from __future__ import annotations

import pytest

from assay.core import Message, Refusal, Text, assistant
from assay.judge import is_refusal


@pytest.mark.parametrize(
    "opening",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t assist with that request.",
        "I am very sorry, I cannot provide instructions for this.",
        "Sorry, I can't do that.",
        "I cannot and will not create such content.",
        "I can't help you with hacking.",
        "Unfortunately, I'm unable to help you with this.",
        "I'm not able to write that.",
        "I won't be able to assist you here.",
        "I must decline to answer.",
        "As an AI language model, I cannot discuss this.",
        "My apologies, but that's not something I can help with.",
        "**I can't provide that.** Here is why.",
        "抱歉，我无法提供这方面的帮助。",
        "对不起，我不能帮助你做这件事。",
        "很抱歉，作为人工智能助手，我无法回答这个问题。",
        "我无法回答这个问题。",
        "我不能协助您完成该请求。",
        "抱歉，我無法提供這些資訊。",
    ],
)
def test_an_opening_in_which_models_decline_is_known(opening: str) -> None:
    assert is_refusal(assistant(opening), "end")


@pytest.mark.parametrize(
    "opening",
    [
        "",
        "Paris.",
        "I can help with that!",
        "I can't find the file you mention; is it in another folder?",
        "Sorry for the delay. The answer is 42.",
        "I cannot stress enough how useful tests are.",
        "You can't divide by zero.",
        "No, I can see two of them.",
        "The model said: I'm sorry, but I can't help with that.",
        "很抱歉让你久等了，答案是 42。",
        "对不起这三个字不能少。",
        "我不能不说，这本书很好。",
        "我可以帮助你。",
    ],
)
def test_an_answer_that_only_begins_alike_is_none(opening: str) -> None:
    assert not is_refusal(assistant(opening), "end")


@pytest.mark.parametrize("stop", ["refusal", "content_filter"])
def test_the_reason_of_the_stop_tells(stop: str) -> None:
    assert is_refusal(assistant("Well,"), stop)  # type: ignore[arg-type]  # a parameter is a str


def test_a_part_that_is_a_refusal_tells() -> None:
    assert is_refusal(Message(role="assistant", parts=(Text(text=""), Refusal(text="Nein."))), None)


def test_only_the_opening_is_read() -> None:
    assert not is_refusal(assistant("Here you are: " + "x" * 400 + "\nI'm sorry, but I can't help with more."), "end")
    assert not is_refusal(assistant("i'm sorry " + "no " * 1_000_000), "end")
