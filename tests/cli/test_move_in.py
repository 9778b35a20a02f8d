"""`assay config import` as somebody uses it who moves in from another gateway."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.command import command
from tests.server import running

LITE = """
model_list:
  - model_name: careful
    litellm_params: {model: openai/good, api_base: "http://127.0.0.1:9/v1", api_key: sk-canary-0123456789abcdef}
  - model_name: careful
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY}
router_settings: {routing_strategy: least-busy}
general_settings: {master_key: sk-canary-master}
"""


def move_in(folder: Path, *more: str, text: str = LITE) -> tuple[str, ...]:
    (folder / "config.yaml").write_text(text)
    return ("config", "import", "config.yaml", *more)


def test_without_write_the_file_is_printed_beside_a_report_and_nothing_happens(tmp_path: Path) -> None:
    done = command(tmp_path, *move_in(tmp_path))
    assert (done.code, [entry.name for entry in tmp_path.iterdir()]) == (0, ["config.yaml"])
    assert 'careful = { targets = [{ deployment = "127-0-0-1/good" }, { deployment = "anthropic/claude-sonnet-4-5" }] }' in done.out
    for said in (
        "Not carried",
        "line 8: general_settings.master_key",
        "Nearly the same",
        "ANTHROPIC_API_KEY",
        "--write assay.toml",
    ):
        assert said in done.err
    assert "canary" not in done.out + done.err


def test_with_write_the_file_is_there_and_keys_in_clear_are_sealed_once(tmp_path: Path) -> None:
    done = command(tmp_path, *move_in(tmp_path, "--write", "assay.toml"))
    assert done.code == 0, done.err
    assert "Sealed the key of 127-0-0-1." in done.out
    listed = command(tmp_path, "provider", "list", "--json").json
    assert next(provider for provider in listed if provider["name"] == "127-0-0-1")["key"]["source"] == "vault"
    again = command(tmp_path, *move_in(tmp_path, "--write", "assay.toml"))
    assert (again.code, "Kept the key of 127-0-0-1" in again.out) == (0, True)
    found = [path for path in tmp_path.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
    assert [path.name for path in found] == ["config.yaml"]


def test_a_dry_run_says_what_it_would_do_as_one_document(tmp_path: Path) -> None:
    done = command(tmp_path, *move_in(tmp_path, "--write", "assay.toml", "--dry-run", "--json"))
    document = json.loads(done.out)
    assert (done.code, (tmp_path / "assay.toml").exists()) == (0, False)
    assert document["keys"][0] == {"provider": "127-0-0-1", "from": "file"}
    assert {note["outcome"] for note in document["notes"]} == {"carried", "approximated", "left_out"}
    assert "canary" not in done.out


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("port = 9000\n")
    done = command(tmp_path, *move_in(tmp_path, "--write", "mine.toml"))
    assert (done.code, "import.file_exists" in done.err) == (2, True)
    assert (tmp_path / "mine.toml").read_text() == "port = 9000\n"


def test_what_was_carried_over_is_what_a_server_lists(tmp_path: Path) -> None:
    assert command(tmp_path, *move_in(tmp_path, "--write", "assay.toml")).code == 0
    with running(tmp_path, "--demo") as assay:
        listed = assay.ask("GET", "/v1/models", headers={"authorization": f"Bearer {assay.gateway_key}"}).json
        assert "careful" in {model["id"] for model in listed["data"]}


def test_keys_of_one_api_go_on_working_with_what_is_left_of_their_money(tmp_path: Path) -> None:
    export = {
        "channels": [{"id": 1, "type": 1, "name": "c", "models": "gpt-4o", "base_url": "http://127.0.0.1:9", "key": "sk-canary-one-0123\nsk-canary-two-0123", "config": ""}],
        "tokens": [
            {"id": 1, "user_id": 7, "name": "ci", "key": "k" * 48, "status": 1, "remain_quota": 1250000, "expired_time": -1, "models": "practice/*"},
            {"id": 2, "user_id": 7, "name": "old", "key": "o" * 48, "status": 1, "remain_quota": 1, "expired_time": 1700000000},
        ],
        "users": [{"id": 7, "username": "lin"}],
    }  # fmt: skip
    (tmp_path / "export.json").write_text(json.dumps(export))
    with running(tmp_path, "--demo") as assay:
        first = command(tmp_path, "config", "import", "export.json", "--from", "one-api", "--write", "assay.toml")
        assert (first.code, "import.not_configured" in first.out) == (5, True)
        assert "Took over the client key 'lin: ci' with 2.5 USD." in first.out
        said = assay.chat({"model": "practice/reckoner", "messages": [{"role": "user", "content": "1 + 1"}]}, "sk-" + "k" * 48)
        assert said.status == 200
        assert assay.chat({"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}, "sk-" + "k" * 48).status == 403
    again = command(tmp_path, "config", "import", "export.json", "--from", "one-api", "--write", "assay.toml")
    assert (again.code, "Sealed 2 keys of 127-0-0-1." in again.out, "Kept the client key 'lin: ci'" in again.out) == (0, True, True)
    assert "canary" not in first.out + first.err + again.out + again.err


def test_where_every_value_came_from_is_shown_inside_tables_and_from_the_database(tmp_path: Path) -> None:
    (tmp_path / "assay.toml").write_text(
        '[providers.mine]\nbase_url = "http://127.0.0.1:9/v1"\nheaders = { x-secret = "canary" }\n'
        '[aliases]\nfast = { targets = [{ deployment = "mine/m", weight = 3 }] }\n'
    )
    with running(tmp_path, "--demo") as assay:
        assay.sign_in()
        said = assay.ask("PUT", "/api/v1/aliases/slow", {"targets": [{"deployment": "mine/m"}]}, {"origin": assay.url})
        assert said.status == 200
        done = command(tmp_path, "config", "show", "--origin", "--json")
    rows = {row["name"]: (row["value"], row["origin"]) for row in done.json}
    assert rows["aliases.fast.targets[0].weight"] == (3, "file")
    assert rows["providers.mine.headers"] == ("***", "file")
    assert rows["aliases.slow"] == ("mine/m", "database")
    assert rows["port"] == (8470, "shipped")
    assert "canary" not in done.out
