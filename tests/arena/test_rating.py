"""Ratings of votes, as the command line and the board get them."""

import json

import msgspec
import pytest

from assay.arena.imports import read_votes
from assay.arena.rating import as_json, rate, rate_tally, tally_file
from assay.core import InvalidInput

CIRCLE = b"a,b,choice,voter\nx,y,a,1\ny,z,a,2\nz,x,a,3\nx,y,a,3\nstrong,x,a,1\n\xe5\x8d\x83\xe9\x97\xae,x,b,2\n"


def test_integer_codes_give_the_documented_json() -> None:
    board = rate([0, 1, 2, 0, 3], [1, 2, 0, 1, 0], [0, 0, 0, 0, 0], ["x", "y", "z", "w"], cluster=[0, 1, 2, 3, 3])
    document = json.loads(json.dumps(as_json(board)))
    assert set(document) == {"models", "method"}
    fields = {"model", "rating", "low", "high", "rank", "rank_low", "rank_high", "votes", "reason"}
    assert all(set(row) == fields for row in document["models"])
    assert [row["model"] for row in document["models"]] == ["x", "z", "y", "w"]
    last = document["models"][-1]
    assert last == dict.fromkeys(fields) | {"model": "w", "votes": 1, "reason": "undefeated"}
    assert document["method"]["cluster"] == "voter"
    assert document["method"]["voters"] == 4


def test_the_same_votes_give_the_same_bytes() -> None:
    tally = tally_file(read_votes(CIRCLE))
    assert msgspec.json.encode(rate_tally(tally)) == msgspec.json.encode(rate_tally(tally_file(read_votes(CIRCLE))))


def test_votes_without_voters_have_no_intervals_by_voter() -> None:
    tally = tally_file(read_votes(b"a,b,choice\nx,y,a\ny,x,a\n"))
    assert rate_tally(tally).method.rated == 2
    with pytest.raises(InvalidInput) as refused:
        rate_tally(tally, by_voter=True)
    assert refused.value.code == "stats.no_voters"
