"""Languages and scripts told apart, and our own sentences in the script of the asker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.gateway.practice.conversation import Turn, language_spoken
from assay.gateway.practice.librarian.answer import tell_closed, tell_no_more, tell_nothing
from assay.gateway.practice.listener.hearing import rules_of
from assay.gateway.practice.reckoner.answer import _REFUSALS
from assay.gateway.practice.script import Language, language_of, script_of, simplified, written_in


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I sort a list?", "en"),
        ("列表怎么排序", "zh-Hans"),
        ("列表怎麼排序", "zh-Hant"),
        ("你好", "zh-Hans"),
        ("用 dataclasses.dataclass 怎么写", "zh-Hans"),
        ("What does 你好 mean in English?", "en"),
        ("这段代码有什么问题\n```python\nfor x in range(10): print(x, y, z)\n```", "zh-Hans"),
        ("3 + 5", None),
        ("", None),
    ],
)
def test_languages_are_told_apart(text: str, language: Language | None) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("said", "language"),
    [
        (["列表怎麼排序", "3 + 5"], "zh-Hant"),
        (["我覺得很累", "你好"], "zh-Hant"),
        (["我觉得很累", "hello there"], "en"),
        (["hello", "我覺得很累"], "zh-Hant"),
        (["3 + 5"], "en"),
        ([], "en"),
    ],
)
def test_the_latest_words_decide_and_earlier_ones_show_the_script(said: list[str], language: Language) -> None:
    assert language_spoken([Turn("user", text) for text in said]) == language


def our_sentences() -> list[str]:
    """Chinese sentences as they are written, in traditional characters."""
    rules = rules_of("zh-Hant")
    sentences = [answer for rule in rules.rule for answer in rule.answers]
    sentences += [*rules.fallbacks, *rules.recalls, rules.empty, *(chinese for _, chinese in _REFUSALS.values())]
    return [*sentences, tell_nothing("zh-Hant", ()), tell_no_more("zh-Hant"), tell_closed("zh-Hant")]


def test_our_sentences_are_purely_traditional_and_become_purely_simplified() -> None:
    """Every character of the traditional ones is in Big5, of the simplified ones in GB 2312."""
    for sentence in our_sentences():
        for text, charset in ((sentence, "big5"), (written_in("zh-Hans", sentence), "gb2312")):
            for char in text:
                if "\u4e00" <= char <= "\u9fff":
                    assert char.encode(charset), (char, sentence)


def test_words_of_computing_follow_the_script() -> None:
    assert written_in("zh-Hans", "練習程式，說明文件，函式") == "练习程序，文档，函数"
    assert written_in("zh-Hant", "練習程式") == "練習程式"


@given(st.text())
def test_simplifying_keeps_every_place(text: str) -> None:
    assert len(simplified(text)) == len(text)
    assert simplified(simplified(text)) == simplified(text)


def test_both_scripts_of_one_sentence_simplify_alike() -> None:
    assert simplified("請問這個函數怎麼讀取檔案，還有錯誤處理") == simplified("请问这个函数怎么读取档案，还有错误处理")
    assert script_of("山水人") is None
