"""Vote files: every format, every way in which a row can be bad, and what comes to stand in the chain."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.arena.export import CSV_HEADER, as_csv, as_jsonl
from assay.arena.imports import VoteFile, import_file, import_votes, read_votes
from assay.core import Conflict, InvalidInput, TooLarge
from assay.store import Database, Vault
from assay.store.chain import list_sources, read_verdicts, verify_chain

pytestmark = pytest.mark.anyio


def read(text: str | bytes) -> VoteFile:
    return read_votes(text.encode() if isinstance(text, str) else text, "votes.csv")


def good(file: VoteFile) -> list[tuple[str, str, str]]:
    return [(row.a, row.b, row.choice) for row in file.rows]


def bad(file: VoteFile) -> list[tuple[int, str]]:
    return [(row.line, row.code) for row in file.bad]


@pytest.mark.parametrize(
    ("text", "shape", "votes"),
    [
        ("a,b,choice\nx,y,a\nx,y,both_bad\n", "plain CSV", [("x", "y", "a"), ("x", "y", "both_bad")]),
        ("left,right,winner\nx,y,left\nx,y,tie\n", "llmfao CSV", [("x", "y", "a"), ("x", "y", "tie")]),
        ("id,worker,winner,left,right\n0,w,right,x,y\n", "llmfao CSV", [("x", "y", "b")]),
        ("item,annotator,model_a,model_b,winner\n0,1,x,y,model_b\n", "pandalm CSV", [("x", "y", "b")]),
        ("model_a,model_b,winner\nx,y,tie (bothbad)\n", "fastchat CSV", [("x", "y", "both_bad")]),
        ("model_a,model_b,winner\nx,y,x\nx,y,Model_B\n", "fastchat CSV", [("x", "y", "a"), ("x", "y", "b")]),
        (
            "model_a_name,model_b_name,chosen_model_name,both_equal\nx,y,y,False\nx,y,,True\n",
            "comparia CSV",
            [("x", "y", "b"), ("x", "y", "tie")],
        ),
        ('[{"model_a": "x", "model_b": "y", "winner": "model_a"}]', "fastchat JSON", [("x", "y", "a")]),
        (
            '{"a": "x", "b": "y", "choice": "b"}\n\n{"a": "x", "b": "y", "choice": "tie"}\n',
            "plain JSON",
            [("x", "y", "b"), ("x", "y", "tie")],
        ),
    ],
)
def test_a_format_is_known_by_its_columns(text: str, shape: str, votes: list[tuple[str, str, str]]) -> None:
    file = read(text)
    assert (file.format, good(file), file.bad) == (shape, votes, [])


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa,b,choice\nx,y,a\n",
        "a,b,choice\r\nx,y,a\r\n",
        "a,b,choice\rx,y,a\r",
        "a;b;choice\nx;y;a\n",
        "A\tB\tChoice\nx\ty\tA\n",
        "\n\na,b,choice\n\nx,y,a\n   \n",
        'a,b,choice,note\nx,y,a,"two\nlines, and a ""quote"""\n',
        " a , b ,choice\n x , y , a \n",
        "a,b,choice\nx,y,a",
    ],
)
def test_the_usual_accents_of_csv_are_understood(text: str) -> None:
    file = read(text)
    assert (good(file), file.bad) == ([("x", "y", "a")], [])


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("x,y", "wrong_columns"),
        ("x,y,a,b", "wrong_columns"),
        ("x,y,maybe", "unknown_winner"),
        ("x,y,", "unknown_winner"),
        ("x,x,a", "self_battle"),
        (" x,x ,a", "self_battle"),
        (",y,a", "empty_name"),
        ("x, ,a", "empty_name"),
        ("x\x00,y,a", "control_character"),
        ("x\u202ey,y,a", "control_character"),
        ("x\u200b,y,a", "control_character"),
        (f"{'x' * 201},y,a", "long_name"),
        ("b,y,b", "ambiguous_winner"),
        ('"x"y,z,a', "broken_row"),
    ],
)
def test_a_bad_row_is_named_by_line_and_its_neighbours_are_kept(row: str, code: str) -> None:
    file = read(f"a,b,choice\np,q,a\n{row}\nr,s,b\n")
    assert bad(file) == [(3, code)]
    assert good(file) == [("p", "q", "a"), ("r", "s", "b")]
    assert file.bad[0].reason


def test_a_name_that_is_not_utf8_is_a_bad_row_and_not_a_bad_file() -> None:
    file = read(b"a,b,choice\n\xff\xfe,y,a\nx,y,b\n")
    assert (bad(file), good(file)) == ([(2, "not_utf8")], [("x", "y", "b")])


def test_a_stray_quote_does_not_swallow_what_follows() -> None:
    file = read('a,b,choice\n"x,y,a\np,q,b\nr,s,tie\n')
    assert (bad(file), good(file)) == ([(2, "broken_row")], [("p", "q", "b"), ("r", "s", "tie")])


def test_stray_quotes_in_every_line_cost_no_more_than_the_file_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the allowance a swallowed line is no longer read again, and the row that swallows it says so."""
    monkeypatch.setattr("assay.arena.imports._REREAD_LINES", 3)
    file = read('a,b,choice\n"x,y,a\n"p,q,b\n"r,s,tie\n')
    assert bad(file) == [(2, "broken_row"), (3, "broken_row"), (4, "broken_row")]
    file = read('a,b,choice\n"x,y,a\n1,2,a\n1,2,a\n1,2,a\n1,2,a\n')
    assert bad(file) == [(2, "broken_row")]
    assert file.bad[0].reason.endswith("swallows all lines up to 6")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1700000000.25", 1_700_000_000_250_000),
        ("2023-11-14T22:13:20Z", 1_700_000_000_000_000),
        ("2023-11-14 22:13:20", 1_700_000_000_000_000),
        ("2023-11-15T06:13:20+08:00", 1_700_000_000_000_000),
        ("", None),
    ],
)
def test_times_are_seconds_or_iso_8601(text: str, at: int | None) -> None:
    assert read(f"a,b,choice,at\nx,y,a,{text}\n").rows[0].at == at


@pytest.mark.parametrize("text", ["yesterday", "-1", "99999999999", "1e400", "nan", "2300-01-01"])
def test_a_time_that_is_none_is_a_bad_row(text: str) -> None:
    assert bad(read(f"a,b,choice,at\nx,y,a,{text}\n")) == [(2, "bad_time")]


def test_json_arrays_name_the_line_of_a_bad_element() -> None:
    rows = [
        {"model_a": "x", "model_b": "y", "winner": "tie (bothbad)", "judge": "arena_user_1", "tstamp": 1.5, "anony": True},
        {"model_a": "x", "model_b": "y", "winner": "model_a", "anony": False},
        {"model_a": 7, "model_b": "y", "winner": "model_a"},
        {"model_a": "x", "model_b": "y"},
        ["no", "object"],
        {"model_a": "x", "model_b": "y", "winner": "model_b", "conversation_a": [{"role": "user", "content": '}]\\"'}]},
    ]
    file = read("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
    assert good(file) == [("x", "y", "both_bad"), ("x", "y", "b")]
    assert (file.rows[0].voter, file.rows[0].at, file.rows[1].line) == ("arena_user_1", 1_500_000, 7)
    assert bad(file) == [(3, "not_blind"), (4, "broken_row"), (5, "unknown_winner"), (6, "broken_row")]


def test_a_json_array_that_breaks_off_keeps_what_came_before() -> None:
    whole = json.dumps([{"a": "x", "b": "y", "choice": "a"}] * 3, indent=0)
    file = read(whole[: whole.rindex("choice")])
    assert good(file) == [("x", "y", "a")] * 2
    assert [row.code for row in file.bad] == ["broken_row"]


def test_a_bad_line_of_json_lines_is_named() -> None:
    file = read('{"nothing": 1}\n{"a": "x", "b": "y", "choice": "a"}\n{"a":\n\xff\n')
    assert good(file) == [("x", "y", "a")]
    assert [row.line for row in file.bad] == [1, 3, 4]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "votes.empty_file"),
        (b"\xef\xbb\xbf \r\n", "votes.empty_file"),
        (b"one,two\n1,2\n", "votes.unknown_format"),
        ("a,b,choice\n".encode("utf-16"), "votes.unknown_format"),
        (b"[]", "votes.unknown_format"),
        (b"[1, 2", "votes.unknown_format"),
        (b'{"hello": "world"}', "votes.unknown_format"),
        (b"[" * 100_000, "votes.unknown_format"),
        (b"\x00\x01\x02", "votes.unknown_format"),
    ],
)
def test_a_file_without_votes_is_refused_with_a_way_out(content: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_votes(content, "x")
    assert refused.value.code == code


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge, match="larger than 20 bytes"):
        read_votes(b"a,b,choice\nx,y,a\nx,y,b\n", "x", largest=20)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"gone\.csv' cannot be read: No such file"):
        read_votes(tmp_path / "gone.csv")


@given(st.text(alphabet='xyab,"\n\r;', max_size=60))
def test_all_rows_of_any_text_are_either_good_or_bad(text: str) -> None:
    """Nothing raises, nothing is dropped: without quotes every line that is not blank is one of the two."""
    file = read("a,b,choice\n" + text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if '"' not in text:
        assert len(file.rows) + len(file.bad) == sum(bool(line.strip()) for line in lines)
    numbers = [row.line for row in file.rows] + [row.line for row in file.bad]
    assert len(numbers) == len(set(numbers))


PLAIN = b"a,b,choice,voter,at,prompt\nx,y,a,ann,1700000000,hello\ny,x,tie,ann,1700000001,\nx,y,b,,,\nx,x,a,,,\n"


async def test_imported_votes_stand_in_the_chain_without_names_of_voters(database: Database, vault: Vault) -> None:
    done = await import_file(database, vault, PLAIN, "votes.csv", "mine")
    assert (done.source, done.format, done.imported, [row.line for row in done.bad]) == ("mine", "plain CSV", 3, [5])
    first, second, third = await read_verdicts(database)
    assert [subject.model for subject in first.subjects] == ["x", "y"]
    assert (first.choice, first.at, first.flags, first.source) == ("a", 1_700_000_000_000_000, ("imported",), "mine")
    assert first.prompt == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # sha256sum of "hello"
    assert first.by == second.by
    assert first.by.startswith("v1:")
    assert (third.by, third.flags, third.prompt) == ("unknown", ("imported", "no_time"), None)
    assert (await verify_chain(database)).ok


async def test_a_second_import_of_the_same_file_adds_nothing(database: Database, vault: Vault) -> None:
    await import_file(database, vault, PLAIN, "votes.csv", "mine")
    with pytest.raises(Conflict) as refused:
        await import_file(database, vault, PLAIN, "renamed.csv", "mine")
    assert refused.value.code == "votes.already_imported"
    assert [(source["source"], source["votes"]) for source in await list_sources(database)] == [("mine", 3)]
    await import_file(database, vault, PLAIN, "votes.csv", "other")
    assert (await verify_chain(database)).length == 6


async def test_voters_of_two_collections_are_not_linked(database: Database, vault: Vault) -> None:
    await import_file(database, vault, PLAIN, "votes.csv", "mine")
    await import_file(database, vault, PLAIN, "votes.csv", "other")
    mine, other = await read_verdicts(database, source="mine"), await read_verdicts(database, source="other")
    assert mine[0].by != other[0].by


@pytest.mark.parametrize("source", ["", "here", "A", "a b", "../x", "x" * 65, "a\n"])
async def test_a_collection_has_a_plain_name_that_is_not_here(source: str, database: Database, vault: Vault) -> None:
    with pytest.raises(InvalidInput) as refused:
        await import_file(database, vault, PLAIN, "votes.csv", source)
    assert refused.value.code == "votes.bad_source"


async def test_a_file_of_bad_rows_only_is_refused(database: Database, vault: Vault) -> None:
    with pytest.raises(InvalidInput) as refused:
        await import_votes(database, vault, read("a,b,choice\nx,x,a\n"), "mine")
    assert refused.value.code == "votes.no_votes"
    assert await read_verdicts(database) == []


async def test_what_is_exported_can_be_imported_again(database: Database, vault: Vault) -> None:
    await import_file(database, vault, PLAIN, "votes.csv", "mine")
    verdicts = await read_verdicts(database)
    for text in (CSV_HEADER + "".join(as_csv(verdicts)), "".join(as_jsonl(verdicts))):
        file = read(text)
        assert (good(file), file.bad) == ([("x", "y", "a"), ("y", "x", "tie"), ("x", "y", "b")], [])
        assert [row.voter for row in file.rows] == [verdict.by for verdict in verdicts]
        assert [row.at for row in file.rows] == [verdict.at for verdict in verdicts]


async def test_no_cell_of_an_exported_csv_is_a_formula(database: Database, vault: Vault) -> None:
    await import_file(database, vault, b'a,b,choice\n=1+1,"@x,""y",a\n', "votes.csv", "mine")
    verdicts = await read_verdicts(database)
    assert ',\'=1+1,"\'@x,""y",a,' in "".join(as_csv(verdicts))
    assert json.loads("".join(as_jsonl(verdicts)))["a"] == "=1+1"
