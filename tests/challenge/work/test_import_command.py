"""``assay import``, in a process of its own and with no server running: it brings its own."""

from __future__ import annotations

from pathlib import Path

from tests.challenge.work.files import ALL
from tests.cli.command import command


def test_files_are_imported_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in ("prompts.jsonl", "batch.jsonl", "codex.jsonl"):
        (tmp_path / name).write_bytes(ALL[name])

    whole = command(tmp_path, "import", "prompts.jsonl")
    assert (whole.code, whole.out) == (
        0,
        "prompts.jsonl, read as prompts: 'prompts' holds 4 items (1 chat, 1 multi-turn, 1 structured, 1 sums).\n",
    )

    partly = command(tmp_path, "import", "batch.jsonl", "codex.jsonl", "--name", "all", "--json")
    assert partly.code == 5
    assert [(one["file"], one["name"], one["items"], one["added"]) for one in partly.json["imported"]] == [
        ("batch.jsonl", "all", 2, 2),
        ("codex.jsonl", "all", 2, 2),
    ]
    assert "batch.jsonl: line 3: it asks no model to speak" in partly.err

    taken = command(tmp_path, "import", "batch.jsonl", "--name", "prompts")
    assert (taken.code, taken.out) == (2, "")
    assert "code: work.name_taken" in taken.err

    assert [one["name"] for one in command(tmp_path, "import", "--json").json] == ["all", "prompts"]
    left = command(tmp_path, "import", "--forget", "all")
    assert left.code == 0
    assert [line.split()[0] for line in left.out.splitlines()] == ["name", "prompts"]


def test_of_several_files_one_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "good.txt").write_text("One question\n")
    done = command(tmp_path, "import", "empty.txt", "good.txt", "--json")
    assert done.code == 5
    assert [one["name"] for one in done.json["imported"]] == ["good"]
    assert [(one["file"], one["code"]) for one in done.json["failed"]] == [("empty.txt", "work.empty_file")]
