"""What the terminal shows."""

from assay.cli.output import printable, table, width


def test_chinese_takes_two_columns_so_that_tables_stay_aligned() -> None:
    drawn = table([{"name": "試金", "n": 5}, {"name": "assay", "n": 12}], {"name": "name", "n": "n"})
    assert drawn.splitlines() == ["name    n", "試金    5", "assay  12"]
    assert {width(line) for line in drawn.splitlines()} == {9}


def test_unknown_is_a_dash_and_booleans_are_words() -> None:
    assert table([{"a": None, "b": True}], {"a": "a", "b": "b"}).splitlines()[1] == "-  yes"


def test_what_a_model_wrote_cannot_drive_the_terminal() -> None:
    assert printable("\x1b[2Jhello\u202e\x07\r") == "�[2Jhello���"
    assert printable("a\n\tb é 試") == "a\n\tb é 試"
