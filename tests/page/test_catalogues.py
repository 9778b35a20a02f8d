"""What the server says by a code, the page says in each of its languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.bench.library import Library
from assay.bench.outcome import OUTCOMES
from assay.challenge import words
from assay.challenge.gather import list_examples

WEB = Path(__file__).parent.parent.parent / "web" / "src"
OF_THE_BENCH = sorted((WEB / "i18n" / "bench").glob("*.json"))
CATALOGUES = sorted((WEB / "i18n" / "challenges").glob("*.json"))
SAID_DIFFERENTLY = {"clusters": "alone", "histories": "noHistories"}
"""Assumptions for which the page has a second sentence, for the case that there is nothing to assume."""


@pytest.mark.parametrize("file", CATALOGUES, ids=lambda file: file.stem)
def test_every_reason_warning_metric_and_assumption_of_a_report_has_words(file: Path) -> None:
    known = json.loads(file.read_text("utf-8")).keys()
    source = (Path(words.__file__).parent / "assumptions.py").read_text("utf-8")
    assumptions = set(re.findall(r'(?:code=|_say\(\s*)"([a-z_]+)"', source))
    needed = {f"why.{reason}" for reason in words.REASONS} | {f"judgeWarning.{warning}" for warning in words.WARNINGS}
    needed |= {f"metric.{name}" for name in words.METRICS} | {f"assumed.{code}" for code in assumptions}
    needed |= {f"assumed.{other}" for other in SAID_DIFFERENTLY.values()}
    assert len(assumptions) >= 15
    assert sorted(needed - known) == []


def test_the_form_offers_every_example_that_is_shipped() -> None:
    draft = (WEB / "routes" / "challenges" / "new" / "draft.svelte.ts").read_text("utf-8")
    offered = re.search(r"export const EXAMPLES = (\[.*?\])", draft)
    assert offered is not None
    assert json.loads(offered[1]) == list_examples()


@pytest.mark.parametrize("file", OF_THE_BENCH, ids=lambda file: file.stem)
def test_every_outcome_of_a_sample_and_every_metric_of_a_shipped_task_has_words(file: Path) -> None:
    known = json.loads(file.read_text("utf-8")).keys()
    metrics = {metric for task in Library().list() for metric in task.metrics}
    needed = {f"sample.{outcome}" for outcome in OUTCOMES} | {f"runMetric.{metric}" for metric in metrics}
    assert len(metrics) >= 10
    assert sorted(needed - known) == []
