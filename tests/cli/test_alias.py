"""Aliases, further keys and limits from the command line."""

from __future__ import annotations

from tests.cli.command import command
from tests.server import RunningAssay


def test_an_alias_is_set_listed_used_and_removed(assay: RunningAssay) -> None:
    made = command(
        assay.folder, "alias", "set", "smart", "scripted/error-503=3,scripted/error-500", "scripted/text", "--cache", "10m"
    )
    assert (made.code, made.out) == (0, "smart: scripted/error-503=3,scripted/error-500 then scripted/text\n"), made
    (row,) = command(assay.folder, "alias", "list", "--json").json
    assert [(one["deployment"], one["weight"], one["priority"]) for one in row["targets"]] == [
        ("scripted/error-503", 3, 0),
        ("scripted/error-500", 1, 0),
        ("scripted/text", 1, 1),
    ]
    assert (row["cache_s"], row["retries"], row["origin"]) == (600, 0, "database")
    said = command(assay.folder, "chat", "smart", stdin="Hello\n")
    assert said.code == 0, said
    assert "Hello" in said.out
    assert command(assay.folder, "alias", "remove", "smart").out == "Removed smart.\n"
    gone = command(assay.folder, "alias", "remove", "smart")
    assert gone.code != 0
    assert "There is no alias 'smart'" in gone.err


def test_a_target_that_is_no_deployment_is_refused_with_a_suggestion(assay: RunningAssay) -> None:
    done = command(assay.folder, "alias", "set", "smart", "practise/reckoner")
    assert done.code == 2, done
    assert "Did you mean 'practice/reckoner'" in done.err


def test_a_further_key_is_added_listed_and_removed_and_never_shown(assay: RunningAssay) -> None:
    added = command(assay.folder, "provider", "key", "add", "scripted", "spare", stdin="sk-spare-0123456789abcdef\n")
    assert added.code == 0, added
    listed = command(assay.folder, "provider", "key", "list", "scripted", "--json")
    assert [(key["name"], key["source"], key["state"]) for key in listed.json] == [
        ("default", "environment", "ok"),
        ("spare", "vault", "ok"),
    ]
    assert "sk-spare" not in added.out + added.err + listed.out
    assert command(assay.folder, "provider", "key", "remove", "scripted", "spare").code == 0
    assert len(command(assay.folder, "provider", "key", "list", "scripted", "--json").json) == 1


def test_a_provider_is_given_limits_and_loses_them(assay: RunningAssay) -> None:
    limited = command(assay.folder, "provider", "limit", "scripted", "--concurrent", "4")
    assert (limited.code, limited.out) == (0, "scripted: concurrent 4\n"), limited
    assert command(assay.folder, "provider", "limit", "scripted", "--none").out == "scripted: no limits\n"
