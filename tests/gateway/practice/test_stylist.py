"""What the contestant that works on pasted text picks, counts, finds and tidies."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gateway.practice.conversation import LONGEST_TURN, Conversation, Turn, language_spoken
from assay.gateway.practice.stylist import work_on
from assay.gateway.practice.stylist.measure import counted
from assay.gateway.practice.stylist.textrank import central_sentences, features, keywords, ranked, sentences_of
from assay.gateway.practice.stylist.tidy import tidied, titled

PROMISED_S = 4.0

ENGLISH = (
    "The assay office weighs metal and stamps what it found. Before there were assay offices, buyers had to trust the word of the "
    "seller about the purity of gold. An assay office tests a small sample of the metal by fire or by touchstone. The stamp it "
    "leaves tells every later buyer what the assay office found. Rain fell all afternoon."
)
CHINESE = "試金石是一種黑色的石頭，用來檢驗黃金的純度。檢驗的人把黃金在試金石上劃一道，再和已知純度的黃金比較。天氣很好。後來有了專門檢驗黃金的機構。"


def ask(*said: str) -> str:
    turns = [Turn("user", words) for words in said]
    return work_on(Conversation(turns=tuple(turns), language=language_spoken(turns)))


def test_the_summary_picks_whole_sentences_in_the_order_of_the_text() -> None:
    answer = ask(f"Summarize in 2 sentences:\n{ENGLISH}")
    picked = [line[2:] for line in answer.splitlines() if line.startswith("- ")]
    places = [ENGLISH.index(sentence) for sentence in picked]
    assert len(picked) == 2
    assert places == sorted(places)
    assert "Rain fell" not in answer


def test_a_sentence_that_shares_nothing_ranks_last() -> None:
    for text, stray in ((ENGLISH, "Rain fell all afternoon."), (CHINESE, "天氣很好。")):
        sentences = sentences_of(text)
        ranks = ranked([features(sentence) for sentence in sentences])
        assert ranks.index(min(ranks)) == sentences.index(stray)
        assert stray not in central_sentences(text, 3)


def test_equal_bags_rank_equally() -> None:
    bag = frozenset({"a", "b", "c"})
    assert len(set(ranked([bag] * 4))) == 1


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", 3),
        ('He said "Stop." Then he left.', 2),
        ("Version 3.11 is out. It works.", 2),
        ("第一句。第二句！第三句？", 3),
        ("- item one\n- item two", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_they_end(text: str, sentences: int) -> None:
    assert len(sentences_of(text)) == sentences


def test_keywords_come_with_how_often_they_return() -> None:
    assert ("assay office", 3) in keywords(ENGLISH, 5)
    assert dict(keywords(CHINESE, 6))["黃金"] == 4
    assert dict(keywords(CHINESE, 6))["試金石"] == 2


def test_counts_are_exact() -> None:
    counts = counted("Two words.\n\n三個字。")
    assert (counts.words, counts.han, counts.sentences, counts.paragraphs) == (2, 3, 2, 2)
    assert (counts.characters, counts.without_spaces, counts.ease) == (16, 13, None)


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        ("this is  a test ,with   gaps", "This is a test, with gaps"),
        ("and the the end", "And the end"),
        ("really!!! i know", "Really! I know"),
        ("我用Python写了3个程序", "我用 Python 写了 3 个程序"),
        ("很开心!!你呢?", "很开心！你呢？"),
        ("今天 很好,明天呢.", "今天很好，明天呢。"),
        ("keep `a  b ,c` as it is", "Keep `a  b ,c` as it is"),
        ("use tools, e.g. hammers. then go", "Use tools, e.g. hammers. Then go"),
        ("see https://example.org/a,b", "See https://example.org/a,b"),
    ],
)
def test_text_is_tidied_and_code_is_left_alone(text: str, tidy: str) -> None:
    assert tidied(text).text == tidy


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_tidying_keeps_every_letter(text: str) -> None:
    """Only spaces, signs, capitals and doubled words change."""
    before = {char.lower() for char in text if char.isalpha()}
    after = {char.lower() for char in tidied(text).text if char.isalpha()}
    assert after == before


def test_title_case_leaves_short_inner_words() -> None:
    assert titled("the lord of the rings") == "The Lord of the Rings"
    assert "> The Lord of the Rings" in ask("title case: the lord of the rings")


def test_a_wish_alone_is_about_the_text_before_it() -> None:
    assert "| assay office | 3 |" in ask(ENGLISH, "now the keywords please")
    assert "| 漢字 | " in ask(CHINESE, "統計字數")


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("Summarize:\n", "most central"),
        ("总结：", "句里最核心的"),
        ("總結：", "句裡最核心的"),
        ("Keywords:", "| keyword |"),
        ("关键词：", "| 关键词 |"),
    ],
)
def test_it_answers_in_the_language_of_the_wish(instruction: str, words: str) -> None:
    assert words in ask(instruction + ENGLISH)


def test_a_pasted_text_without_a_wish_gets_an_overview() -> None:
    answer = ask(ENGLISH)
    assert "most central" in answer
    assert "| words | " in answer
    assert "| keyword | times |" in answer


@pytest.mark.parametrize(
    ("question", "words"),
    [("hello", "practice program"), ("你好", "练习用的文字整理程序"), ("請總結", "練習用的文字整理程式"), ("", "practice program")],
)
def test_without_text_it_says_what_it_does(question: str, words: str) -> None:
    assert words in ask(question)


@given(st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_text_gets_an_answer(text: str) -> None:
    assert ask(text)


@pytest.mark.parametrize("unit", ["word ", "a. ", " ", "\n", "字", "字。", "!", "\n \n", "- \n", "aa aa ", "`", "```", "，", "0 "])
def test_hostile_text_costs_a_bounded_time(unit: str) -> None:
    text = "tidy and summarize:\n" + unit * (LONGEST_TURN // len(unit))
    began = time.process_time()
    assert ask(text[:LONGEST_TURN])
    assert ask("整理：\n" + text[:LONGEST_TURN])
    assert time.process_time() - began < PROMISED_S
