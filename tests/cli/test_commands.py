"""The command line as a contract: every command against a running server, its exit codes, and its JSON."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chat_scripts import text
from tests.cli.command import command, terminal
from tests.server import RunningAssay, environment
from tests.upstream import ScriptedUpstream

VOTES = "a,b,choice,voter\n" + "".join(
    f"{pair},{choice},v{number % 5}\n"
    for number, (pair, choice) in enumerate(
        [("strong,middle", "a"), ("middle,weak", "a"), ("weak,strong", "b"), ("middle,strong", "a"), ("weak,middle", "a")] * 4
    )
)


@pytest.fixture(scope="module")
def imported(assay: RunningAssay) -> RunningAssay:
    """The server, with a collection of votes called ``sample``."""
    (assay.folder / "sample.csv").write_text(VOTES)
    done = command(assay.folder, "arena", "import", "sample.csv")
    assert (done.code, done.out) == (0, "20 votes are now in the collection 'sample' (format: plain CSV).\n"), done
    return assay


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("provider list", {"name", "title", "kind", "base_url", "enabled", "key"}),
        ("model list --all", {"id", "reason"}),
        ("key list", {"id", "name", "hint", "created", "revoked"}),
        ("config show", {"name", "value", "origin", "at"}),
        ("doctor", {"check", "ok", "found"}),
        ("arena export", {"id", "at", "source", "a", "b", "choice", "voter"}),
        ("arena verify", {"ok", "length", "head"}),
        ("arena rate", {"models", "method"}),
        ("config check", {"ok", "file", "unknown_variables"}),
        ("login", {"url"}),
        ("db backup copy.db", {"target", "bytes"}),
    ],
)
def test_with_json_the_standard_output_is_one_document(imported: RunningAssay, words: str, fields: set[str]) -> None:
    done = command(imported.folder, *words.split(), "--json")
    assert done.code == 0, done
    found = done.json[0] if isinstance(done.json, list) else done.json
    assert fields <= set(found)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("provider list", "Practice contestants"),
        ("model list", "practice/reckoner"),
        ("doctor", "running, version"),
        ("arena verify", "votes, head"),
        ("config check", "sound"),
        ("db backup second-copy.db", "second-copy.db ("),
    ],
)
def test_without_json_it_is_for_people(imported: RunningAssay, words: str, said: str) -> None:
    done = command(imported.folder, *words.split())
    assert (done.code, done.err) == (0, "")
    assert said in done.out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("nonsense", 2, "No such command 'nonsense'"),
        ("key create", 2, "Missing argument 'NAME'"),
        ("arena rate --ties never", 2, "'never'"),
        ("arena rate --source nowhere", 2, "no collection 'nowhere'"),
        ("arena import none.csv", 2, "none.csv"),
        ("key revoke none", 2, "'none'"),
        ("provider test nobody", 2, "'nobody'"),
        ("provider test ../keys", 2, "../keys"),
        ("provider test openai", 4, "No key is known"),
        ("config show --config none.toml", 2, "none.toml"),
        ("up --port 99999", 2, "99999"),
        ("db backup sample.csv", 2, "sample.csv"),
        ("db migrate", 3, "in use by the process"),
        ("--help", 0, ""),
        ("--version", 0, ""),
    ],
)
def test_the_exit_code_says_what_kind_of_thing_went_wrong(imported: RunningAssay, words: str, code: int, said: str) -> None:
    done = command(imported.folder, *words.split())
    assert done.code == code, done
    assert said in done.err
    assert not (code and done.out), "an error is no data"


def test_a_key_works_at_once_and_is_refused_at_once_when_revoked(assay: RunningAssay) -> None:
    made = command(assay.folder, "key", "create", "ci", "--json")
    assert made.code == 0
    key, key_id = made.json["key"], made.json["id"]
    assert key.startswith("ask-")
    assert assay.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key}"}).status == 200
    listed = command(assay.folder, "key", "list")
    assert "ci" in listed.out
    assert key not in listed.out
    revoked = command(assay.folder, "key", "revoke", key_id)
    assert (revoked.code, revoked.out) == (0, f"Revoked ci ({key_id}).\n")
    assert assay.ask("GET", "/v1/models", headers={"authorization": f"Bearer {key}"}).status == 401
    assert command(assay.folder, "key", "revoke", key_id).code == 0, "revoking twice changes nothing"


def test_for_people_the_key_alone_is_on_standard_output(assay: RunningAssay) -> None:
    """So that KEY=$(assay key create x) works."""
    done = command(assay.folder, "key", "create", "shell")
    assert done.out.startswith("ask-")
    assert len(done.out.splitlines()) == 1
    assert "cannot be shown again" in done.err


def test_a_provider_key_goes_from_standard_input_to_the_vault_and_is_never_shown(
    assay: RunningAssay, upstream: ScriptedUpstream
) -> None:
    url = ["--base-url", upstream.url, "--title", "Another"]
    added = command(assay.folder, "provider", "add", "another", *url, stdin="sk-upstream\n")
    assert (added.code, added.out) == (0, "Another: kept (vault)\n"), added
    tested = command(assay.folder, "provider", "test", "another")
    assert tested.code == 0, tested
    assert {"text", "echo"} <= set(tested.out.split())
    verified = command(assay.folder, "provider", "verify", "another", "--model", "able", "--json")
    assert (verified.code, verified.json["ok"], verified.json["deployment"]) == (0, True, "another/able"), verified
    shown = command(assay.folder, "provider", "list", "--json").out + added.out + added.err + tested.err + verified.out
    assert "sk-upstream" not in shown
    stored = b"".join(path.read_bytes() for path in (assay.folder / "data").iterdir() if path.is_file())
    assert b"sk-upstream" not in stored


def test_a_refused_key_a_closed_port_and_wrong_answers_have_codes_of_their_own(
    assay: RunningAssay, upstream: ScriptedUpstream
) -> None:
    command(assay.folder, "provider", "add", "refused", "--base-url", upstream.url, stdin="sk-not-this-one\n")
    refused = command(assay.folder, "provider", "test", "refused")
    assert (refused.code, refused.out) == (4, "")
    assert "Incorrect API key" in refused.err
    assert "hint: Replace the key." in refused.err
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    command(assay.folder, "provider", "add", "gone", "--base-url", f"http://127.0.0.1:{port}/v1", "--no-key")
    gone = command(assay.folder, "provider", "test", "gone", "--json")
    assert (gone.code, gone.json["ok"]) == (3, False)
    verified = command(assay.folder, "provider", "verify", "gone", "--model", "any")
    assert verified.code == 1
    assert "Connection refused" in verified.out


def test_an_empty_key_is_refused_and_a_local_provider_is_enabled_without_one(assay: RunningAssay) -> None:
    assert command(assay.folder, "provider", "add", "openai", stdin="\n").code == 2
    enabled = command(assay.folder, "provider", "add", "ollama", "--no-key", "--json")
    assert (enabled.code, enabled.json["enabled"]) == (0, True)
    assert command(assay.folder, "provider", "add", "openai", "--no-key").code == 2


def test_a_clouds_region_and_its_key_of_many_lines_are_taken(assay: RunningAssay) -> None:
    """A key file of Google's is a JSON document on many lines; none of it is shown again."""
    assert command(assay.folder, "provider", "set", "vertex", "project").code == 2
    assert command(assay.folder, "provider", "set", "vertex", "project=a/b").code == 2
    done = command(assay.folder, "provider", "set", "vertex", "project=my-project", "location=us")
    assert (done.code, "project=my-project, location=us" in done.out) == (0, True), done
    document = {"type": "service_account", "client_email": "a@b", "private_key": "PEM", "token_uri": "https://t/"}
    added = command(assay.folder, "provider", "add", "vertex", "--json", stdin=json.dumps(document, indent=2) + "\n")
    assert (added.code, added.json["key"]["source"]) == (0, "vault"), added
    assert "PEM" not in added.out + added.err
    assert command(assay.folder, "provider", "add", "vertex", stdin='{"type": "other"}\n').code == 2


def test_a_key_typed_in_a_terminal_is_not_echoed_and_ctrl_c_leaves_at_once(assay: RunningAssay) -> None:
    with terminal(assay.folder, "provider", "add", "deepseek") as person:
        person.until("Key of deepseek: ")
        person.type("\x03")
        assert person.end() == 130
    with terminal(assay.folder, "provider", "add", "deepseek") as person:
        person.until("Key of deepseek: ")
        person.type("sk-typed-by-hand-0123\n")
        assert person.end() == 0
        assert "sk-typed" not in person.screen
        assert "…0123 (vault)" in person.screen


def test_bad_rows_are_named_with_their_lines_and_the_good_ones_are_kept(assay: RunningAssay) -> None:
    (assay.folder / "mixed.csv").write_text("a,b,choice\nx,y,a\nx,y,maybe\nx,,b\ny,x,b\n")
    done = command(assay.folder, "arena", "import", "mixed.csv")
    assert (done.code, done.out) == (5, "2 votes are now in the collection 'mixed' (format: plain CSV).\n")
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["line 3", "line 4"]
    again = command(assay.folder, "arena", "import", "mixed.csv", "--json")
    assert (again.code, again.out) == (2, "")
    assert "code: votes.already_imported" in again.err
    rated = command(assay.folder, "arena", "rate", "--votes", "mixed.csv", "--json")
    assert (rated.code, rated.json["method"]["votes"]) == (5, 2)


def test_a_file_is_rated_as_the_imported_votes_are(imported: RunningAssay) -> None:
    of_file = command(imported.folder, "arena", "rate", "--votes", "sample.csv", "--cluster", "voter", "--json")
    of_log = command(imported.folder, "arena", "rate", "--source", "sample", "--cluster", "voter", "--json")
    assert (of_file.code, of_log.code) == (0, 0)
    assert of_file.json == of_log.json
    assert [row["model"] for row in of_file.json["models"]] == ["strong", "middle", "weak"]
    table = command(imported.folder, "arena", "rate", "--source", "sample", "--ties", "davidson")
    assert table.code == 0
    assert "├" in table.out


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_exported_votes_give_the_same_ratings(imported: RunningAssay, form: str) -> None:
    exported = command(imported.folder, "arena", "export", "--source", "sample", "--format", form)
    assert exported.code == 0
    (imported.folder / f"exported.{form}").write_text(exported.out)
    before = command(imported.folder, "arena", "rate", "--source", "sample", "--cluster", "voter", "--json")
    after = command(imported.folder, "arena", "rate", "--votes", f"exported.{form}", "--cluster", "voter", "--json")
    assert before.json["models"] == after.json["models"]


@pytest.mark.parametrize("words", ["arena export", "provider list --json"])
def test_whoever_has_read_enough_may_close_the_pipe(imported: RunningAssay, words: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", *words.split()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(imported.folder, {"ASSAY_DATA": str(imported.folder / "data")}),
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, said = process.communicate(timeout=50)
    assert (process.returncode, said) == (0, b"")


def test_a_full_disk_behind_standard_output_is_an_error_without_a_trace(imported: RunningAssay) -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-m", "assay", "arena", "export", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env=environment(imported.folder, {"ASSAY_DATA": str(imported.folder / "data")}),
        )
    assert process.returncode == 2
    assert b"No space left on device" in process.stderr
    assert b"Traceback" not in process.stderr


def test_a_misspelt_variable_is_found_and_a_password_is_not_shown(assay: RunningAssay) -> None:
    wrong = command(assay.folder, "config", "check", environ={"ASSAY_MAX_BODY_BYTE": "5"})
    assert (wrong.code, wrong.out) == (2, "")
    assert "ASSAY_MAX_BODY_BYTE is no setting. Did you mean 'ASSAY_MAX_BODY_BYTES'?" in wrong.err
    url = "postgresql://me:hush@db.example/assay?password=hush2&sslmode=require"
    shown = command(assay.folder, "config", "show", "--origin", "--database", url)
    assert "postgresql://***@db.example/assay?password=***&sslmode=require" in shown.out
    assert "hush" not in shown.out


def test_the_shell_completes_commands(assay: RunningAssay) -> None:
    done = command(assay.folder, environ={"_ASSAY_COMPLETE": "bash_complete", "COMP_WORDS": "assay arena ", "COMP_CWORD": "2"})
    assert [line.split(",")[1] for line in done.out.split()] == ["export", "import", "rate", "verify"]


def test_the_answers_of_a_provider_cannot_drive_the_terminal(assay: RunningAssay, upstream: ScriptedUpstream) -> None:
    upstream.scripts["\x1b[2Jevil"] = text
    done = command(assay.folder, "provider", "test", "scripted")
    del upstream.scripts["\x1b[2Jevil"]
    assert "�[2Jevil" in done.out
    assert "\x1b" not in done.out
