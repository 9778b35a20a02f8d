"""A page as an answer: signature, passage, example, where it stands, and what lies near."""

from __future__ import annotations

import platform
import re
import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from assay.gateway.practice.librarian.search import Page
from assay.gateway.practice.script import Language, written_in

LONGEST_PASSAGE = 900
LONGEST_EXAMPLE = 14
"""Lines."""

_DOCTEST = re.compile(r"^[ \t]*>>> ?(.*)$")
_CONTINUED = re.compile(r"^[ \t]*\.\.\. ?(.*)$")
_KINDS = {
    "function": ("function", "函式"),
    "class": ("class", "類別"),
    "method": ("method", "方法"),
    "module": ("module", "模組"),
    "topic": ("reference topic", "參考主題"),
}


def tell(pages: Sequence[Page], elsewhere: str | None, language: Language) -> str:
    """The first page in full, the others by name. ``elsewhere`` is an example from another page, for one that has none."""
    page = pages[0]
    english, chinese = _KINDS[page.kind]
    title = page.path.split(": ", 1)[-1] if page.kind == "topic" else page.path
    kind = _say(language, english, chinese)
    where = "" if page.kind == "module" else _say(language, f", in `{page.module}`", f"，在 `{page.module}` 裡")
    parts = [f"**{title}** ({kind}{where})"]
    if page.signature and page.signature != page.path:
        parts.append(f"```python\n{page.signature}\n```")
    parts.append(quoted(passage(page.doc)))
    parts += _example(page, elsewhere, language)
    if len(pages) > 1:
        near = ", ".join(f"`{other.path}`" for other in pages[1:])
        parts.append(_say(language, f"Nearby: {near}.", f"相近的條目：{near}。"))
    version = platform.python_version()
    parts.append(
        _say(
            language,
            f"*From the documentation that comes with Python {version}.*",
            f"*引自 Python {version} 自帶的說明文件，原文為英文。*",
        )
    )
    return "\n\n".join(parts)


def tell_nothing(language: Language, words: Sequence[str]) -> str:
    """That nothing was found, and what can be asked."""
    if words:
        sought = ", ".join(f"`{word}`" for word in words[:6])
        found = _say(
            language,
            f"I looked for {sought} in the documentation of the Python on this machine and found nothing that answers you.",
            f"我在本機 Python 的說明文件裡查了 {sought}，沒有找到能回答你的內容。",
        )
    else:
        found = _say(language, "Hello. There is nothing in this that I can look up.", "你好。這句話裡沒有我能查的東西。")
    can = _say(
        language,
        "I am a practice program that looks things up in Python's own documentation, and that is all I know. For example:\n\n"
        "- `How do I sort a list?`\n- `collections.Counter`\n- `read a text file`\n- `What does yield do?`",
        "我是一個練習用的查書程式，只會查 Python 自帶的說明文件，別的都不知道。比如可以這樣問：\n\n"
        "- `列表怎麼排序`\n- `collections.Counter`\n- `怎樣讀取文件`\n- `生成器是什麼`",
    )
    return f"{found}\n\n{can}"


def tell_no_more(language: Language) -> str:
    """That the pages for the last question are used up."""
    return _say(language, "That was all I found for it. What else shall I look up?", "關於這個，我查到的都在上面了。還要查什麼？")


def tell_closed(language: Language) -> str:
    """That there is no documentation to read."""
    return _say(
        language,
        "I cannot read the documentation of the Python on this machine: its source files are not installed. So I have nothing to answer from.",
        "我讀不到本機 Python 的說明文件：它的原始檔沒有安裝。所以我沒有可以用來回答的東西。",
    )


def passage(doc: str) -> str:
    """The beginning of a page, up to its first example or about `LONGEST_PASSAGE` characters, in whole paragraphs."""
    kept: list[str] = []
    length = 0
    for paragraph in re.split(r"\n[ \t]*\n", doc):
        if kept and (length + len(paragraph) > LONGEST_PASSAGE or _is_example(paragraph)):
            kept.append("…")
            break
        if not _is_example(paragraph):
            kept.append(paragraph[: 2 * LONGEST_PASSAGE].rstrip())
            length += len(paragraph)
    return "\n\n".join(kept)


def _is_example(paragraph: str) -> bool:
    return paragraph.lstrip().startswith(">>>")


def quoted(text: str) -> str:
    """As a block quote where it is prose, as preformatted text where its layout carries meaning."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    margin = len(first) - len(first.lstrip())
    shifted = [line[margin:] if not line[:margin].strip() else line.strip() for line in lines]
    if any(line.startswith((" ", "\t", "|", "+-")) for line in shifted) or any("::" in line for line in shifted):
        fence = "````" if "```" in text else "```"
        return f"{fence}text\n" + "\n".join(shifted).strip("\n") + f"\n{fence}"
    return "\n".join(f"> {line}".rstrip() for line in shifted)


def runnable(doc: str) -> str | None:
    """The first interactive example of ``doc`` as a program, with what it printed as comments; None where there is none."""
    code: list[str] = []
    for line in doc.splitlines():
        typed = _DOCTEST.match(line) or (_CONTINUED.match(line) if code else None)
        if typed:
            code.append(typed[1])
        elif code and line.strip():
            code.append(f"# {line.strip()}")
        elif code and (len(code) > 2 or len(code) >= LONGEST_EXAMPLE):
            break
        if len(code) >= LONGEST_EXAMPLE:
            break
    return "\n".join(code) or None


def _example(page: Page, elsewhere: str | None, language: Language) -> list[str]:
    code = _own_examples().get(page.path, "").strip() or None
    label = _say(language, "A short example (mine, not from the documentation):", "一個簡短的範例 (是我備的，不在說明文件裡):")
    if code is None:
        code = runnable(page.doc)
        label = _say(language, "Example, from the documentation:", "說明文件裡的範例：")
    if code is None and elsewhere:
        code = runnable(elsewhere)
        label = _say(language, "An example from another page that uses it:", "另一頁裡用到它的範例：")
    return [label, f"```python\n{code}\n```"] if code else []


def _say(language: Language, english: str, chinese: str) -> str:
    return english if language == "en" else written_in(language, chinese)


@cache
def _own_examples() -> dict[str, str]:
    return tomllib.loads((files(__package__) / "examples.toml").read_text("utf-8"))
