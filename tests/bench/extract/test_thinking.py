"""Thinking that came in the same text as the answer is taken out, and an answer that never came is not made up."""

from __future__ import annotations

import pytest

from assay.bench.extract.thinking import strip_thinking

ANSWERED = {
    "nothing was thought": ("The answer is 4.", "The answer is 4."),
    "between marks": ("<think>2 + 2</think>4", "4"),
    "over many lines": ("<think>\nfirst\n\nsecond\n</think>\n\n4", "4"),
    "the opening mark was in the prompt": ("so it must be\n4\n</think>\n\nIt is 4.", "It is 4."),
    "only the last of several": ("<think>a</think>3, or rather\n<think>b</think>4", "4"),
    "a draft with a block of code": ("<think>\n```python\nx = 1\n```\n</think>\n```python\nx = 2\n```", "```python\nx = 2\n```"),
    "a draft whose block was left open": ("<think>\n```python\nx = 1\n</think>\nx = 2", "x = 2"),
    "the longer name": ("<thinking>hm</thinking>4", "4"),
    "Magistral's marks": ("[THINK]hm[/THINK]4", "4"),
    "Kimi's marks": ("◁think▷hm◁/think▷4", "4"),
    "the channels of gpt-oss": (
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>4<|return|>",
        "4",
    ),
    "an empty thought": ("<think>\n\n</think>\n\n4", "4"),
    "nothing after the thought": ("<think>hm</think>", ""),
    "marks that an answer speaks of": ("x = re.sub(r'<think>.*?</think>', '', s)", "x = re.sub(r'<think>.*?</think>', '', s)"),
    "thought first, spoken of later": ("<think>hm</think>\ns.replace('<think></think>', '')", "s.replace('<think></think>', '')"),
    "an opening mark in the middle of a line": ("Write `<think>` before it.", "Write `<think>` before it."),
    "an opening mark shown in a block": ("So:\n```\n<think>\n```\nthat is all", "So:\n```\n<think>\n```\nthat is all"),
}

UNANSWERED = {
    "never closed": "<think>let me see, 2 + 2",
    "with a draft that looks finished": "<think>\n```python\ndef f():\n    return 4\n```\nbut wait",
    "after spaces": "\n  <think>\nhm",
    "a second thought that was not closed": "<think>a</think>\n3\n<think>\nno",
    "gpt-oss without a final channel": "<|channel|>analysis<|message|>hm",
    "Magistral's mark alone": "[THINK]hm",
}


@pytest.mark.parametrize("case", ANSWERED)
def test_what_follows_the_thinking_is_the_answer(case: str) -> None:
    text, answer = ANSWERED[case]
    assert strip_thinking(text) == answer


@pytest.mark.parametrize("case", UNANSWERED)
def test_a_thought_that_never_ended_is_no_answer(case: str) -> None:
    assert strip_thinking(UNANSWERED[case]) is None


def test_a_hundred_thousand_marks_are_read_at_once() -> None:
    assert strip_thinking("<think>" * 100_000 + "</think>4") == "4"
