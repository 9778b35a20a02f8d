"""What the contestant that listens hears, gives back and remembers, and what it never does."""

from __future__ import annotations

import time
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway.practice.conversation import Conversation, Turn, language_spoken
from assay.gateway.practice.listener import listen
from assay.gateway.practice.listener.hearing import clauses_of, hear, rules_of
from assay.gateway.practice.listener.reflection import reflected
from assay.gateway.practice.script import Language, script_of, written_in

PROMISED_S = 3.0


def talk(*said: str) -> str:
    """The answer to the last of ``said``, with every answer before it in the conversation."""
    turns: list[Turn] = []
    answer = ""
    for words in said:
        turns.append(Turn("user", words))
        answer = listen(Conversation(turns=tuple(turns), language=language_spoken(turns)))
        turns.append(Turn("assistant", answer))
    return answer


def rule_heard(words: str, language: Language) -> str | None:
    heard = hear(clauses_of(words, language), language)
    return heard.rule.name if heard else None


@pytest.mark.parametrize(
    ("words", "language", "rule"),
    [
        ("I feel stuck in my job", "en", "feel"),
        ("I'm afraid of losing my job", "en", "afraid"),
        ("My mother called", "en", "family"),
        ("I can't sleep", "en", "cannot"),
        ("I want to quit", "en", "want_to"),
        ("I want peace", "en", "want"),
        ("Hello there", "en", "hello"),
        ("The grass. And my boss again!", "en", "work"),
        ("What should I do?", "en", "advice"),
        ("who are you?", "en", "identity"),
        ("Are you ChatGPT?", "en", "identity"),
        ("write a poem about the sea", "en", "task"),
        ("nobody likes it", "en", "always"),
        ("because it rained", "en", "because"),
        ("I want to die", "en", "crisis"),
        ("grey skies", "en", None),
        ("我觉得很累", "zh-Hans", "tired"),
        ("我覺得沒有意義", "zh-Hant", "feel"),
        ("我媽媽打電話來", "zh-Hant", "family"),
        ("我该怎么办", "zh-Hans", "advice"),
        ("你是誰", "zh-Hant", "identity"),
        ("你好", "zh-Hans", "hello"),
        ("帮我写一首诗", "zh-Hans", "task"),
        ("我想换工作", "zh-Hans", "want"),
        ("不想活了", "zh-Hans", "crisis"),
        ("天很灰", "zh-Hans", None),
    ],
)
def test_the_rule_of_the_highest_rank_speaks(words: str, language: Language, rule: str | None) -> None:
    assert rule_heard(words, language) == rule


@pytest.mark.parametrize(
    ("said", "turned"),
    [
        ("my work tires me", "your work tires you"),
        ("I am not myself", "you are not yourself"),
        ("you are like your father", "I am like my father"),
        ("what I told you", "what you told me"),
        ("you never listen to me", "I never listen to you"),
    ],
)
def test_i_and_you_are_turned_around(said: str, turned: str) -> None:
    assert reflected(said.split(), "en") == turned


def test_chinese_pronouns_are_turned_around_in_their_own_script() -> None:
    assert reflected("我們的貓", "zh-Hant") == "你們的貓"
    assert reflected("你不懂我", "zh-Hans") == "我不懂你"


def test_it_gives_the_words_back() -> None:
    assert "your boss never listens to you" in talk("I feel that my boss never listens to me")
    assert "你的貓生病" in talk("我的貓生病了")


def test_it_comes_back_to_an_earlier_topic_when_it_hears_nothing() -> None:
    assert "your mother" in talk("My mother is ill", "grey skies")
    assert "妈妈" in talk("我妈妈总是说我不努力", "天很灰")
    assert "job" in talk("I feel stuck in my job", "rain again")


def test_it_does_not_say_the_same_twice_in_a_row() -> None:
    assert len({talk(*["I feel cold"] * times) for times in (1, 2, 3)}) == 3
    assert len({talk(*["grey skies"] * times) for times in (1, 2, 3, 4)}) == 4


def test_equal_conversations_get_equal_answers() -> None:
    said = ("Hello", "I feel stuck", "because of my work")
    assert talk(*said) == talk(*said)


@pytest.mark.parametrize("language", get_args(Language))
def test_no_answer_of_any_rule_is_advice_or_names_the_contestant(language: Language) -> None:
    rules = rules_of(language)
    for answer in (*(answer for rule in rules.rule for answer in rule.answers), *rules.fallbacks, *rules.recalls, rules.empty):
        told = written_in(language, answer).lower()
        assert "listener" not in told
        for advice in (
            "you should",
            "you must",
            "i recommend",
            "i suggest",
            "why don't you",
            "你应该",
            "你應該",
            "你必须",
            "你必須",
            "建议你",
            "建議你",
        ):
            assert advice not in told


@pytest.mark.parametrize("language", get_args(Language))
def test_every_rule_has_words_in_the_script_of_the_asker(language: Language) -> None:
    rules = rules_of(language)
    for rule in rules.rule:
        assert rule.patterns
        assert rule.answers
        if language != "en":
            assert script_of("".join(written_in(language, answer) for answer in rule.answers)) in (language, None)


def test_asked_what_it_is_it_says_a_practice_program() -> None:
    assert "practice program that listens" in talk("What are you?")
    assert "练习程序" in talk("你是谁")
    assert "練習程式" in talk("你是誰")


def test_in_danger_it_sends_to_people_who_can_help() -> None:
    assert "emergency number" in talk("I want to kill myself")
    assert "紧急电话" in talk("我不想活了")


@given(st.lists(st.text(max_size=120), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_any_words_get_an_answer(said: list[str]) -> None:
    assert talk(*said)


@pytest.mark.parametrize(
    "hostile", ["i am you are my " * 1_200, "我想你是" * 5_000, "i feel. " * 2_500, "*" * 20_000, "{1}{2}{k} i feel {topic}"]
)
def test_hostile_words_cost_a_bounded_time(hostile: str) -> None:
    began = time.process_time()
    assert talk(*[hostile] * 4)
    assert time.process_time() - began < 4 * PROMISED_S
