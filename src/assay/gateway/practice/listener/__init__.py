"""A practice program that listens: it gives your words back, asks open questions, remembers, and gives no advice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from assay.gateway.practice.conversation import Conversation
from assay.gateway.practice.listener.hearing import Heard, Rules, clauses_of, hear, rules_of
from assay.gateway.practice.listener.reflection import reflected
from assay.gateway.practice.script import Language, written_in

__all__ = ["Listener", "listen"]

_REMEMBERED_TURNS = 8
_LONGEST_ECHO = {"en": 14, "zh-Hans": 24, "zh-Hant": 24}
"""Words, or characters in Chinese, of what is given back."""


class Listener:
    """Answers with questions."""

    name = "listener"

    def prepare(self) -> None:
        """Nothing is needed."""

    async def answer(self, conversation: Conversation) -> str:
        return await asyncio.to_thread(listen, conversation)

    async def close(self) -> None:
        """Nothing runs in the background."""


def listen(conversation: Conversation) -> str:
    """The answer to ``conversation``: the same for the same words."""
    language = conversation.language
    rules = rules_of(language)
    earlier = [clauses_of(text, language) for text in conversation.asked_before[-_REMEMBERED_TURNS:]]
    before = [hear(clauses, language) for clauses in earlier]
    clauses = clauses_of(conversation.question, language)
    if not clauses:
        return written_in(language, rules.empty)
    heard = hear(clauses, language)
    if heard is None:
        topics = [topic for clauses in earlier if (topic := hear(clauses, language, topics=True))]
        return _fall_back(rules, topics, sum(one is None for one in before), conversation)
    times = sum(one is not None and one.rule.name == heard.rule.name for one in before)
    template = heard.rule.answers[(_seed(conversation) + times) % len(heard.rule.answers)]
    return _filled(template, heard, language)


def _fall_back(rules: Rules, topics: Sequence[Heard], unheard: int, conversation: Conversation) -> str:
    """Back to an earlier topic on every other turn that says nothing a rule can hear, else an open question."""
    language = conversation.language
    if topics and unheard % 2 == 0:
        topic = _topic(topics[(unheard // 2) % len(topics)], language)
        return written_in(language, rules.recalls[unheard // 2 % len(rules.recalls)]).replace("{topic}", topic)
    return written_in(language, rules.fallbacks[(_seed(conversation) + unheard) % len(rules.fallbacks)])


def _topic(heard: Heard, language: Language) -> str:
    """What a remembering rule caught: ``your mother``, ``你的工作``."""
    if heard.rule.name == "my":
        words = heard.caught[-1][: 4 if language == "en" else 8]
        return ("your " if language == "en" else "你的") + _echo(words, language)
    keyword = heard.keyword[-1:] if language == "en" else heard.keyword
    return ("your " if language == "en" else "") + _echo(keyword, language)


def _filled(template: str, heard: Heard, language: Language) -> str:
    text = written_in(language, template)
    keyword = heard.keyword if language != "en" else heard.keyword[1:] or heard.keyword
    first = heard.caught[0] if heard.caught else ()
    last = heard.caught[-1] if heard.caught else ()
    if language == "en" and heard.rule.captures and heard.rule.name != "my":
        last = keyword
    if "{2}" in text and not last:
        return written_in(language, rules_of(language).fallbacks[0])
    for slot, words in (("{1}", first), ("{2}", last), ("{k}", keyword)):
        if slot in text:
            text = text.replace(slot, _echo(words, language), 1)
    return text


def _echo(words: Sequence[str], language: Language) -> str:
    most = _LONGEST_ECHO[language]
    echo = reflected(words[:most], language)
    return echo + ("…" if len(words) > most else "")


def _seed(conversation: Conversation) -> int:
    """A number that the first words of the conversation decide, so that not every conversation begins alike."""
    first = conversation.turns[0].text if conversation.turns else ""
    return hashlib.sha256(first.encode("utf-8", "surrogatepass")).digest()[0]
