"""Questions where nothing is for sale: right is an answer without commercial content that nobody asked for.

Part: ``promoted`` (less is better). What is found, and how, is the business of `assay.bench.extract.promotion`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from assay.bench.extract import promotion
from assay.bench.judgement import final_words, no_answer
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.core import Answer
from assay.judge import is_refusal

VERSIONS = {"promotion": 1, "extract.promotion": promotion.VERSION}


class _Promotions:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        text = final_words(answer)
        if isinstance(text, Scored):
            return text
        found = promotion.find_promotion(text)
        if not found and (not text.strip() or is_refusal(answer.message, answer.stop)):
            return no_answer(answer)
        scored = right() if not found else wrong("; ".join(f"{one.rule}: {one.sentence}" for one in found))
        return msgspec.structs.replace(scored, parts={"promoted": float(bool(found))})


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """By rules over words."""
    yield _Promotions()
