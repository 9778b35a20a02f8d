"""A practice program that works on text you paste: picks its central sentences, counts, finds keywords, tidies. It writes nothing."""

from __future__ import annotations

import asyncio
import re

import msgspec

from assay.gateway.practice.conversation import Conversation
from assay.gateway.practice.script import Language, language_of, script_of, simplified, written_in
from assay.gateway.practice.stylist.measure import Counts, counted
from assay.gateway.practice.stylist.textrank import central_sentences, keywords, table
from assay.gateway.practice.stylist.tidy import tidied, titled

__all__ = ["Stylist", "work_on"]

SHORTEST_TEXT = 60
"""Characters (Chinese ones count double) from which on a message is text to work on rather than a question."""

_LONGEST_WISH = 120
_NUMBER = re.compile(r"\b([1-9]|10)\b|([一二三四五六七八九十两])(?=[句个条点])")
_WORD_NUMBERS = {
    word: number for number, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], 1)
}


class Stylist:
    """Answers about a text with that text."""

    name = "stylist"

    def prepare(self) -> None:
        """Nothing is needed."""

    async def answer(self, conversation: Conversation) -> str:
        return await asyncio.to_thread(work_on, conversation)

    async def close(self) -> None:
        """Nothing runs in the background."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is wished (empty: an overview), of which text, told in which language, in how many sentences or words."""

    wish: str
    text: str
    language: Language
    most: int | None = None


def work_on(conversation: Conversation) -> str:
    """The answer to ``conversation``."""
    task = read_task(conversation)
    if not task.text:
        return _introduction(task)
    if task.wish == "summary":
        return _summary(task)
    if task.wish == "keywords":
        return _keywords(task)
    if task.wish == "count":
        return _counts(task)
    if task.wish == "tidy":
        return _tidy(task)
    if task.wish:
        return _recased(task)
    return "\n\n".join((_summary(task), _counts(task), _keywords(task)))


def read_task(conversation: Conversation) -> Task:
    """The wish in the question, and the text: in the same message, or the last long one before it."""
    instruction, text = _parted(conversation.question)
    wish = _wish(instruction)
    if not text and wish:
        text = next((body for said in reversed(conversation.asked_before) if (body := _body(said))), "")
    language = conversation.language
    spoken = language_of(instruction)
    if spoken:
        language = spoken if spoken == "en" else script_of(instruction) or (language if language != "en" else spoken)
    return Task(wish=wish, text=text, language=language, most=_how_many(instruction))


def _parted(message: str) -> tuple[str, str]:
    """An instruction before or after a text, each in lines of its own or before a colon; either may be empty."""
    message = message.strip()
    lines = message.splitlines()
    head, colon, tail = (
        re.split(r"([:：])", lines[0], maxsplit=1)
        if lines and re.search("[:：]", lines[0])
        else (lines[0] if lines else "", "", "")
    )
    if colon and len(head) <= _LONGEST_WISH and _wish(head):
        return head, "\n".join([tail, *lines[1:]]).strip()
    if len(lines) > 1 and len(lines[0]) <= _LONGEST_WISH and _wish(lines[0]):
        return lines[0], "\n".join(lines[1:]).strip()
    if len(lines) > 1 and len(lines[-1]) <= _LONGEST_WISH and _wish(lines[-1]):
        return lines[-1], "\n".join(lines[:-1]).strip()
    if _weight(message) >= SHORTEST_TEXT and not (len(message) <= _LONGEST_WISH and _wish(message)):
        return "", message
    return message, ""


def _body(message: str) -> str:
    text = _parted(message)[1]
    return text if _weight(text) >= SHORTEST_TEXT else ""


def _weight(text: str) -> int:
    return sum(1 if char.isascii() else 2 for char in text)


def _wish(instruction: str) -> str:
    plain = simplified(instruction.lower())
    for wish, phrases in table()["wishes"].items():
        if any(re.search(rf"\b{re.escape(phrase)}\b", plain) if phrase.isascii() else phrase in plain for phrase in phrases):
            return str(wish)
    return ""


def _how_many(instruction: str) -> int | None:
    plain = simplified(instruction.lower())
    match = _NUMBER.search(plain)
    if match:
        return int(match[1]) if match[1] else "零一二三四五六七八九十".find(match[2].replace("两", "二"))
    return next((number for word, number in _WORD_NUMBERS.items() if re.search(rf"\b{word}\b", plain)), None)


def _summary(task: Task) -> str:
    counts = counted(task.text)
    most = task.most or max(1, min(4, round(counts.sentences / 4) or 1))
    picked = central_sentences(task.text, most)
    head = _say(
        task,
        f"**The {len(picked)} most central of {counts.sentences} sentences**",
        f"**{counts.sentences} 句裡最核心的 {len(picked)} 句**",
    )
    note = _say(
        task, "*Picked by TextRank, in their own words; nothing is rewritten.*", "*用 TextRank 挑出，是原文的句子，沒有改寫。*"
    )
    return "\n".join([head, "", *(f"- {sentence}" for sentence in picked), "", note])


def _keywords(task: Task) -> str:
    found = keywords(task.text, task.most or 8)
    head = _say(task, "| keyword | times |", "| 關鍵詞 | 次數 |")
    if not found:
        return _say(task, "No word returns often enough to be a keyword.", "沒有哪個詞多次出現，挑不出關鍵詞。")
    return "\n".join([head, "|:--|--:|", *(f"| {word} | {times} |" for word, times in found)])


def _counts(task: Task) -> str:
    counts = counted(task.text)
    rows = [_say(task, "| measure | value |", "| 項目 | 數值 |"), "|:--|--:|"]
    for english, chinese, value in _measures(counts):
        rows.append(f"| {_say(task, english, chinese)} | {value} |")
    return "\n".join(rows)


def _measures(counts: Counts) -> list[tuple[str, str, str]]:
    minutes, seconds = divmod(counts.seconds, 60)
    rows = [
        ("words", "單詞", f"{counts.words:,}"),
        ("Chinese characters", "漢字", f"{counts.han:,}"),
        ("characters", "字元", f"{counts.characters:,}"),
        ("characters without spaces", "字元 (不計空白)", f"{counts.without_spaces:,}"),
        ("sentences", "句子", f"{counts.sentences:,}"),
        ("paragraphs", "段落", f"{counts.paragraphs:,}"),
        ("reading time", "閱讀時間", f"{minutes}:{seconds:02d}"),
    ]
    if counts.ease is not None:
        rows.append(("reading ease (Flesch; syllables estimated)", "易讀性 (Flesch, 音節為估計)", f"{counts.ease:.0f}"))
    return [row for row in rows if row[2] != "0"]


def _tidy(task: Task) -> str:
    result = tidied(task.text)
    if not result.changes:
        return _say(task, "By my rules there is nothing to tidy in this text.", "按我的規則，這段文字沒有要整理的地方。")
    names = {
        "spaces": ("extra spaces", "多餘的空格"),
        "lines": ("extra empty lines", "多餘的空行"),
        "before": ("spaces before punctuation", "標點前的空格"),
        "after": ("missing spaces after punctuation", "標點後缺的空格"),
        "repeated": ("repeated punctuation", "重複的標點"),
        "words": ("doubled words", "重複的單詞"),
        "wide": ("half-width punctuation in Chinese", "中文裡的半形標點"),
        "inner": ("spaces between Chinese characters", "漢字間的空格"),
        "gap": ("missing spaces between Chinese and Latin", "中西文之間缺的空格"),
        "pronoun": ("lower-case I", "小寫的 I"),
        "capitals": ("capitals at the start of sentences", "句首大寫"),
    }
    changes = [f"| {_say(task, *names[name])} | {count} |" for name, count in result.changes.items()]
    head = _say(task, "| changed | times |", "| 改動 | 次數 |")
    quote = "\n".join(f"> {line}".rstrip() for line in result.text.splitlines())
    return "\n".join([quote, "", head, "|:--|--:|", *changes])


def _recased(task: Task) -> str:
    text = {"upper": task.text.upper(), "lower": task.text.lower(), "title": titled(task.text)}[task.wish]
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _introduction(task: Task) -> str:
    return _say(
        task,
        "I am a practice program that works on text you paste; there is no text here for me yet. Paste a paragraph or more, and if you like "
        "begin with one of these:\n\n- `Summarize in 2 sentences:`\n- `Keywords:`\n- `Count the words:`\n- `Tidy the punctuation:`\n"
        "- `Title case:`\n\nI pick, count and tidy by rule. I write nothing of my own and answer no questions of fact.",
        "我是一個練習用的文字整理程式，處理你貼進來的文字，這裡還沒有文字。請貼一段或更長的文字，也可以在開頭寫明要做什麼：\n\n"
        "- `用兩句話總結：`\n- `關鍵詞：`\n- `統計字數：`\n- `整理標點：`\n\n我只按規則摘句、計數、整理，自己不寫東西，也不回答知識問題。",
    )


def _say(task: Task, english: str, chinese: str) -> str:
    return english if task.language == "en" else written_in(task.language, chinese)
