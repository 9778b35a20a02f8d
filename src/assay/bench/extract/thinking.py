"""What a model thought aloud, and what it then answered, when both came in one text.

Most servers send thinking apart. Where one does not, the text holds it between marks of the model's own: ``<think>`` of DeepSeek-R1,
Qwen3 and many others, ``[THINK]`` of Magistral, the channels of gpt-oss. Many templates put the opening mark into the prompt, so
that only the closing one is ever seen. A draft inside the thinking is not an answer, however finished it looks.
"""

from __future__ import annotations

import re

_NAMES = r"think|thinking|thought|reasoning|seed:think"
_OPEN = rf"<(?:{_NAMES})>|\[THINK\]|◁think▷|<\|channel\|>(?:analysis|commentary)<\|message\|>"
_CLOSE = rf"</(?:{_NAMES})>|\[/THINK\]|◁/think▷|<\|channel\|>final<\|message\|>"
_MARK = re.compile(rf"(?P<close>{_CLOSE})|(?P<open>{_OPEN})")
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)


def strip_thinking(text: str) -> str | None:
    """The answer: what follows the last closing mark, or the whole text where nothing was thought. None: the model never stopped
    thinking, so there is no answer.

    A pair within one line that does not begin it is spoken of, as in ``re.sub("<think>.*?</think>", ...)``, and is no thinking.
    """
    begin = 0
    opened: re.Match[str] | None = None
    for mark in _MARK.finditer(text):
        if mark["open"]:
            opened = opened or mark
        elif opened is not None and _is_quoted(text, opened, mark):
            opened = None
        else:
            begin, opened = mark.end(), None
    if opened is not None and _begins_line(text, opened.start()) and not _is_fenced(text, begin, opened.start()):
        return None
    return text[begin:].removesuffix("<|return|>").strip("\n")


def _is_quoted(text: str, opened: re.Match[str], closed: re.Match[str]) -> bool:
    return not _begins_line(text, opened.start()) and "\n" not in text[opened.end() : closed.start()]


def _begins_line(text: str, at: int) -> bool:
    return not text[text.rfind("\n", 0, at) + 1 : at].strip() or text.startswith("<|", at)


def _is_fenced(text: str, begin: int, at: int) -> bool:
    """Whether a block of code is open at this place."""
    return len(_FENCE.findall(text, begin, at)) % 2 == 1
