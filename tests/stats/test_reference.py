"""Ratings of real votes against reference ratings by five independent programs. The files' SOURCES.md says how they were made.

Limits: 0.01 points in ratings, 0.1 % in half-widths, 1e-5 in nu.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from assay.arena.imports import read_votes
from assay.arena.rating import rate_tally, tally_file
from assay.stats import Leaderboard

pytestmark = pytest.mark.data
FILES = ("llmfao_crowd", "evalica_simple", "evalica_food")


def reference(name: str) -> tuple[Path, dict[str, Any]]:
    folder = Path(os.environ["ASSAY_DATA_DIR"]) / "votes"
    expected: dict[str, Any] = json.loads((folder / f"{name}.expected.json").read_text())
    return folder / f"{name}.csv", expected


def by_model(board: Leaderboard, field: str) -> dict[str, float]:
    return {row.model: getattr(row, field) for row in board.models}


def half_widths(board: Leaderboard) -> dict[str, float]:
    return {row.model: (row.high - row.low) / 2 for row in board.models if row.high is not None and row.low is not None}


@pytest.mark.parametrize("name", FILES)
def test_half_win_ratings_intervals_and_ranks(name: str) -> None:
    path, expected = reference(name)
    board = rate_tally(tally_file(read_votes(path)))
    assert by_model(board, "rating") == pytest.approx(expected["ratings"], abs=0.01)
    widths = {model: (high - low) / 2 for model, (low, high) in expected["ci_sandwich"].items()}
    assert half_widths(board) == pytest.approx(widths, rel=0.001)
    assert by_model(board, "rank_low") == expected["rank_by_pairwise_difference"]


@pytest.mark.parametrize("name", FILES)
def test_davidson_ratings_and_nu(name: str) -> None:
    path, expected = reference(name)
    board = rate_tally(tally_file(read_votes(path)), ties="davidson")
    assert by_model(board, "rating") == pytest.approx(expected["davidson"]["ratings"], abs=0.01)
    assert board.method.nu == pytest.approx(expected["davidson"]["nu"], abs=1e-5)


def test_intervals_clustered_by_worker() -> None:
    path, expected = reference("llmfao_crowd")
    board = rate_tally(tally_file(read_votes(path)), by_voter=True)
    assert by_model(board, "rating") == pytest.approx(expected["ratings"], abs=0.01)
    assert half_widths(board) == pytest.approx(expected["ci_clustered_halfwidth"], rel=0.001)
    assert board.method.voters == expected["clusters"]


def test_every_row_of_the_real_files_is_read() -> None:
    for path in sorted((Path(os.environ["ASSAY_DATA_DIR"]) / "votes").glob("*.csv")):
        if path.stem == "llmfao_crowd_style":  # covariates, no votes
            continue
        with path.open(newline="") as file:
            rows = sum(1 for _ in csv.reader(file)) - 1
        read = read_votes(path)
        assert (len(read.rows), read.bad) == (rows, [])
