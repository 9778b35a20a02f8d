"""`assay db backup` and `assay db restore`, with the master key that a copy needs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from tests.cli.command import command
from tests.server import running


def test_a_copy_is_put_back_when_no_server_runs_and_says_which_key_it_needs(tmp_path: Path) -> None:
    command(tmp_path, "key", "create", "before")
    assert command(tmp_path, "db", "backup", "copy.db").code == 0
    command(tmp_path, "key", "create", "after")
    with running(tmp_path):
        refused = command(tmp_path, "db", "restore", "copy.db", "--replace")
        assert (refused.code, "store.locked" in refused.err) == (3, True)
    refused = command(tmp_path, "db", "restore", "copy.db")
    assert (refused.code, "--replace" in refused.err) == (2, True)
    rotated = command(tmp_path, "vault", "rotate", "--json").json
    done = command(tmp_path, "db", "restore", "copy.db", "--replace")
    assert done.code == 0, done.err
    assert f"It needs the master key {rotated['former']}, which is in {rotated['kept_at']}" in done.err
    assert [key["name"] for key in command(tmp_path, "key", "list", "--json").json] == ["before"]


def test_a_copy_without_its_key_says_what_is_missing(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
    command(there, "key", "create", "before")
    command(there, "db", "backup", "copy.db")
    done = command(here, "db", "restore", str(there / "copy.db"), "--json")
    assert (done.code, done.json["key_file"]) == (0, None)
    assert f"needs the master key {done.json['master_key']}, which is not here" in done.err
    looked = {finding["check"]: finding for finding in command(here, "doctor", "--json").json}
    assert (looked["master key"]["ok"], done.json["master_key"] in looked["master key"]["found"]) == (False, True)
    refused = command(here, "key", "list")
    assert (refused.code, "vault.missing_key" in refused.err) == (3, True)


def test_a_database_of_a_newer_assay_is_refused_in_plain_words(tmp_path: Path) -> None:
    command(tmp_path, "db", "migrate")
    with sqlite3.connect(tmp_path / "data" / "assay.db") as database:
        database.execute("INSERT INTO migrations VALUES ('assay.store', '9999_later', 'x', 1)")
    database.close()
    for words in (("up", "--port", "0"), ("db", "migrate"), ("key", "list")):
        refused = command(tmp_path, *words)
        assert (refused.code, "store.newer_schema" in refused.err) == (3, True)
        assert "assay.store/9999_later, which this version of Assay does not know" in refused.err
