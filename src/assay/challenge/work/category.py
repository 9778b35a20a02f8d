"""What kind of work an item is, where nobody said: the first of these rules that holds.

``tools``: tools are offered, or were called. ``structured``: the answer must be JSON. ``images``: a picture is shown. ``code``: the
last question holds a code fence, or lines that look like code, or asks for a program in so many words. ``maths``: it holds
formulas, or asks to solve, prove or integrate. ``multi-turn``: the model has spoken before. ``chat``: everything else. The words are
English and Chinese; questions in other languages are told by code fences and formulas only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from assay.core import Image, Message, Request, ToolCall, ToolResult

_READ = 1000
"""Characters at the beginning and at the end of a question that are looked at for words."""
_CODE = re.compile(
    r"^[ \t]*+(?:def \w+\(|class \w+[:({]|import \w+|from \w+ import |#include ?<|fn \w+\(|func \w+\(|function \w+\(|SELECT .+ FROM )"
    r"|Traceback \(most recent call last\)"
    r"|\b(?:write|fix|debug|refactor|implement|review)\b[^.\n]{0,40}\b(?:function|code|script|program|class|query|bug|unit tests?)\b"
    r"|(?:写|寫|编写|編寫|实现|實現|修复|修復).{0,20}(?:函数|函數|代码|代碼|程序|程式|脚本|腳本)",
    re.MULTILINE | re.IGNORECASE,
)
_MATHS = re.compile(
    r"\\(?:frac|int|sum|sqrt|lim|begin\{(?:align|equation|matrix|cases))|\$\$.+?\$\$"
    r"|\b(?:solve|simplify|integrate|differentiate|factorise|factorize)\b[^.\n]{0,60}[=^\d]"
    r"|\b(?:prove that|what is the (?:probability|derivative|integral)|how many ways)\b"
    r"|(?<!\d)\d++\s*+[-+*/×÷^]\s*+\d++\s*+="
    r"|(?:求解|解方程|证明|證明|积分|積分|概率是|機率是)",
    re.IGNORECASE | re.DOTALL,
)


def category_of(request: Request, said: Sequence[Message] = ()) -> str:
    """The category of a question; ``said`` is how its recording went on."""
    messages = request.transcript.messages
    if request.tools or any(isinstance(part, ToolCall | ToolResult) for message in (*messages, *said) for part in message.parts):
        return "tools"
    if request.output is not None and request.output.kind != "text":
        return "structured"
    if any(isinstance(part, Image) for message in messages for part in message.parts):
        return "images"
    asked = next((message.text for message in reversed(messages) if message.role == "user"), "")
    if "```" in asked:
        return "code"
    if len(asked) > 2 * _READ:
        asked = f"{asked[:_READ]}\n{asked[-_READ:]}"
    if _CODE.search(asked):
        return "code"
    if _MATHS.search(asked):
        return "maths"
    return "multi-turn" if any(message.role == "assistant" for message in messages) else "chat"
