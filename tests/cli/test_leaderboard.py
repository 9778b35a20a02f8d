"""Ratings as the terminal shows them."""

from typing import get_args

from assay.arena.imports import read_votes
from assay.arena.rating import rate, rate_tally, tally_file
from assay.cli.leaderboard import REASONS, as_table
from assay.stats.ratings import Reason

CIRCLE = b"a,b,choice,voter\nx,y,a,1\ny,z,a,2\nz,x,a,3\nx,y,a,3\nstrong,x,a,1\n\xe5\x8d\x83\xe9\x97\xae,x,b,2\n"


def test_the_table_is_aligned_also_with_wide_letters() -> None:
    table = as_table(rate_tally(tally_file(read_votes(CIRCLE))))
    head, *rows = table.split("\n\n")[0].splitlines()
    at = head.index("rating")
    assert [row.split()[2] for row in rows[:3]] == ["x", "z", "y"]
    assert all("├" in row and "●" in row and "┤" in row for row in rows[:3])
    assert "never got a point" in next(row for row in rows if "千问" in row)
    for row in rows:
        columns = "".join(letter * 2 if letter in "千问" else letter for letter in row)
        assert columns[at - 2 : at] == "  "
    assert "6 votes by 3 voters" in table


def test_an_empty_board_is_a_table_too() -> None:
    assert "0 votes" in as_table(rate([], [], [], []))


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(get_args(Reason))
