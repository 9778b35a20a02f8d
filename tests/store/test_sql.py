"""`:name` becomes each driver's own placeholder, and nothing else in a statement changes."""

from __future__ import annotations

import pytest

from assay.core import InvalidInput
from assay.store import Sql


def test_names_become_question_marks_and_numbers() -> None:
    sql = Sql("SELECT :b, :a, :b")
    assert (sql.sqlite.text, sql.sqlite.names) == ("SELECT ?, ?, ?", ("b", "a", "b"))
    assert (sql.postgresql.text, sql.postgresql.names) == ("SELECT $1, $2, $1", ("b", "a"))


@pytest.mark.parametrize("text", ["SELECT ':no'", 'SELECT ":no"', "SELECT 1 -- :no", "SELECT x::text", "SELECT 'it''s :no'"])
def test_colons_in_strings_names_comments_and_casts_stay(text: str) -> None:
    assert Sql(text).postgresql.text == text


def test_one_dialect_may_have_its_own_text() -> None:
    sql = Sql("SELECT 1", postgresql="SELECT 2 FOR UPDATE")
    assert (sql.sqlite.text, sql.postgresql.text) == ("SELECT 1", "SELECT 2 FOR UPDATE")
    with pytest.raises(ValueError, match="both"):
        Sql(sqlite="SELECT 1")


def test_values_are_put_in_order_and_lists_become_json_for_sqlite() -> None:
    sql = Sql("SELECT :a, :b")
    assert sql.sqlite.bind({"b": ["x"], "a": 1}, lists_as_json=True) == (1, '["x"]')
    assert sql.postgresql.bind({"b": ["x"], "a": 1}, lists_as_json=False) == (1, ["x"])


def test_text_with_nul_is_refused_before_either_database_sees_it() -> None:
    with pytest.raises(InvalidInput) as refused:
        Sql("SELECT :a").sqlite.bind({"a": "x\0y"}, lists_as_json=True)
    assert refused.value.code == "store.nul"
