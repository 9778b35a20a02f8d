"""Keys, users, teams and budgets at the command line, by the names that people use."""

from __future__ import annotations

from tests.cli.command import command
from tests.server import RunningAssay

ANA = "ana@example.org"


def test_a_team_its_people_keys_and_budget(assay: RunningAssay) -> None:
    """What a newcomer does on the first day."""
    folder = assay.folder
    team = command(folder, "team", "create", "core", "--concurrent", "4", "--json").json
    assert team["limits"]["concurrent"] == 4
    made = command(folder, "user", "create", "Ana", "--email", ANA, "--team", "Core", "--role", "admin")
    assert "Made Ana" in made.out
    assert f"assay user password {ANA}" in made.err
    assert command(folder, "user", "password", ANA, stdin="correct horse battery\n").out == "Ana has a new password.\n"
    reply = assay.ask("POST", "/api/v1/session", {"email": ANA, "password": "correct horse battery"})
    assert reply.status == 200
    made = command(folder, "key", "create", "ci", "--user", "ana", "--model", "scripted/*", "--expires", "90d", "--json")
    key = made.json
    assert (key["user_name"], key["team_name"], key["scopes"]["models"]) == ("Ana", "core", ["scripted/*"])
    assert key["key"].startswith("ask-")
    budget = command(folder, "budget", "set", "team:core", "12.50", "--per", "day", "--json").json
    assert (budget["amount"], budget["currency"], budget["holder_name"]) == (12_500_000_000, "USD", "core")
    raised = command(folder, "budget", "set", "team:core", "20", "--per", "day", "--json").json
    assert (raised["id"], raised["amount"]) == (budget["id"], 20_000_000_000), "the same budget, raised"
    assert "team:core" in command(folder, "budget", "list").out
    assert command(folder, "budget", "remove", budget["id"]).code == 0
    assert command(folder, "budget", "list", "--json").json == []


def test_a_key_is_changed_rotated_and_revoked(assay: RunningAssay) -> None:
    folder = assay.folder
    first = command(folder, "key", "create", "changing", "--protocol", "anthropic", "--address", "10.0.0.0/8", "--json").json
    changed = command(
        folder, "key", "change", "changing", "--name", "changed", "--model", "a*", "--requests-per-minute", "9", "--json"
    ).json
    assert changed["scopes"] == {"models": ["a*"], "protocols": ["anthropic"], "addresses": ["10.0.0.0/8"]}
    assert (changed["name"], changed["limits"]["requests_per_minute"]) == ("changed", 9)
    freed = command(folder, "key", "change", "changed", "--any", "--expires", "never", "--json").json
    assert (freed["scopes"]["models"], freed["limits"]["requests_per_minute"]) == ([], 9)
    rotated = command(folder, "key", "rotate", "changed", "--overlap", "1h")
    assert rotated.out.startswith(f"ask-{first['id']}-")
    assert "The old one ends at 20" in rotated.err
    assert command(folder, "key", "revoke", first["id"]).code == 0


def test_people_come_and_go(assay: RunningAssay) -> None:
    folder = assay.folder
    bo = command(folder, "user", "create", "Bo", "--json").json
    changed = command(folder, "user", "change", "Bo", "--role", "viewer", "--email", "bo@example.org", "--json").json
    assert (changed["id"], changed["role"]) == (bo["id"], "viewer")
    assert "Disabled Bo" in command(folder, "user", "disable", "bo@example.org").out
    assert command(folder, "user", "change", "Bo", "--enable", "--json").json["disabled"] is None
    command(folder, "team", "create", "passing")
    assert "Archived passing" in command(folder, "team", "archive", "passing").out
    assert command(folder, "team", "change", "passing", "--restore", "--json").json["archived"] is None


def test_what_is_meant_must_be_clear(assay: RunningAssay) -> None:
    folder = assay.folder
    for _ in range(2):
        command(folder, "key", "create", "twice")
    several = command(folder, "key", "rotate", "twice")
    assert (several.code, "2 go by 'twice'" in several.err) == (2, True)
    for words, said in (
        (("user", "disable", "nobody"), "There is no user 'nobody'"),
        (("key", "create", "x", "--team", "none"), "There is no team 'none'"),
        (("key", "create", "x", "--expires", "soon"), "'soon' is no time"),
        (("key", "rotate", "twice", "--overlap", "long"), "'long' is no span"),
        (("budget", "set", "everybody", "5"), "'everybody' is nobody"),
        (("budget", "set", "provider:scripted", "much"), "'much'"),
    ):
        done = command(folder, *words)
        assert (done.code, said in done.err, "hint:" in done.err) == (2, True, True), (words, done)
