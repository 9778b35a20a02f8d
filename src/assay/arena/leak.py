"""Does an answer tell who wrote it?

A battle in which a side names itself is not blind any more; its verdict carries the flag `FLAG`, and ratings leave it out
unless told otherwise. Two things are looked for: a side's own names (model, its family, organization, provider) that the
prompt did not bring up, and a sentence in which the side introduces itself by any name known here ("I am ...", "我是...").

Covered: names in Latin and Chinese script, whole words, any case, also with full-width letters. Not covered: style, which
knows a model without any name; a name spelt out letter by letter or in another script.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from assay.core import Deployment

FLAG = "identity_leak"

KNOWN_NAMES = (
    *("chatgpt", "gpt", "openai", "claude", "anthropic", "gemini", "gemma", "deepmind", "llama", "mistral", "mixtral", "grok"),
    *("xai", "qwen", "tongyi", "alibaba", "deepseek", "kimi", "moonshot", "chatglm", "glm", "zhipu", "ernie", "baidu", "doubao"),
    *("bytedance", "hunyuan", "tencent", "minimax", "internlm", "baichuan", "stepfun", "01.ai", "cohere"),
    *("phi", "copilot", "nemotron", "nvidia", "jamba", "olmo", "vicuna", "perplexity"),
    *("通义千问", "通义", "千问", "阿里", "深度求索", "月之暗面", "智谱", "智谱清言", "文心一言", "百度", "豆包", "字节跳动"),
    *("混元", "腾讯", "百川", "书生", "阶跃星辰", "零一万物"),
)
"""Names by which models commonly introduce themselves; they count only in such a sentence."""

_INTRODUCES = re.compile(
    r"\b(?:i am|i'm|i’m|i was|my name is|call me|as an? (?:ai|large language|language))\b"
    r"|我是|我叫|我的名字|作为一[个個名]|由.{0,24}(?:开发|開發|训练|訓練|研发|研發|推出|打造)"
)
_SENTENCE = re.compile(r"[.!?。！？\n]+(?=\s|$|[^\x00-\x7f])|\n")
_COMMON_WORDS = frozenset(
    {"ai", "api", "chat", "instruct", "mini", "base", "local", "large", "small", "medium", "pro", "max", "plus", "flash"}
    | {"turbo", "preview", "latest", "lite", "nano", "thinking", "reasoner", "coder", "free", "practice", "models", "model"}
    | {"team", "the", "and", "labs", "inc", "cloud", "open", "vision", "text", "code", "math", "next", "air", "fast", "high"}
    | {"command", "sonar", "nova", "titan", "spark", "solar", "falcon", "granite", "opus", "sonnet", "haiku", "scout", "step"}
)
"""Parts of models' names that say nothing by themselves."""


def names_of(deployment: Deployment) -> frozenset[str]:
    """The words that give ``deployment`` away: its names whole, and the telling words in them."""
    given = (
        deployment.model,
        deployment.upstream_model,
        deployment.id,
        deployment.title,
        deployment.provider,
        deployment.organization,
    )
    names = {_plain(name) for name in given if name}
    for name in tuple(names):
        names.update(word for word in re.findall(r"[^\W\d_]{3,}", name) if word not in _COMMON_WORDS)
    return frozenset(name for name in names if len(name) >= 3 and name not in _COMMON_WORDS)


def tells_identity(answer: str, prompts: Iterable[str], own_names: frozenset[str]) -> bool:
    """Whether ``answer`` says a name of its own that no prompt said before, or introduces its writer by a name."""
    text = _plain(answer)
    asked = _plain("\n".join(prompts))
    if any(_says(text, name) and not _says(asked, name) for name in own_names):
        return True
    introductions = [sentence for sentence in _SENTENCE.split(text) if _INTRODUCES.search(sentence)]
    return any(_says(sentence, name) for sentence in introductions for name in (*own_names, *KNOWN_NAMES))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _says(text: str, name: str) -> bool:
    if name not in text:
        return False
    if not name.isascii():
        return True
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z])", text) is not None
