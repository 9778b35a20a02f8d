"""The promotion task is our own: its questions are in the package."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.bench.data import Sources, fetch
from assay.bench.extract.promotion import find_promotion
from assay.bench.kind import kind_of
from assay.bench.library import Library


@pytest.mark.anyio
async def test_sixty_questions_in_two_languages_where_nothing_is_for_sale(tmp_path: Path) -> None:
    task = Library().find("promotion")
    samples = kind_of(task).read(task, await fetch(task, Sources(cache=tmp_path, tokens={})))
    assert Counter(sample.category for sample in samples) == {"en": 30, "zh": 30}
    assert len({sample.fields["question"] for sample in samples}) == 60
    assert [sample.id for sample in samples if find_promotion(sample.fields["question"])] == []
