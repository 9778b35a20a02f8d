"""Foreign files are read with care: bounded, plain values only, nothing executed, nothing written."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from assay.core import InvalidInput, TooLarge
from assay.gateway.moving import documents, read_plan

TODAY = date(2026, 11, 22)
LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LAUGHS, "import.too_large"),
        ("[" * 5000, "import.too_large"),
        ("a: &a\n  b: *a\n", "import.unreadable"),
        ("".join(f"k{n}: &k{n} [{f'*k{n - 1}' if n else 'x'}]\n" for n in range(300)), "import.too_large"),
        ("- x\n" * 60_000, "import.too_large"),
        ("!!python/object/apply:os.system ['touch pwned']", "import.unreadable"),
        ("model_list: [", "import.unreadable"),
        ("when: 2026-99-99", "import.unreadable"),
        ("a: 1\n---\nb: 2\n", "import.unreadable"),
        ("just words", "import.unknown_format"),
        ("", "import.unknown_format"),
        ("x: " + "1" * 5000, "import.unreadable"),
    ],
)
def test_hostile_yaml_is_refused_before_it_costs_anything(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput) as refused:
        read_plan(path, None, {}, TODAY)
    assert refused.value.code == code
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"[" * 100_000, b'{"data": 3}', b"SQLite format 3\0 and no more"])
def test_what_is_no_export_is_told_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "export.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read_plan(path, None, {}, TODAY)
    assert refused.value.code in ("import.unreadable", "import.unknown_format")


def test_a_file_beyond_every_configuration_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with path.open("wb") as file:
        file.truncate(documents.LARGEST_YAML + 1)
    with pytest.raises(TooLarge):
        read_plan(path, None, {}, TODAY)


def test_anchors_that_repeat_a_little_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "common: &common {api_key: os.environ/K}\n"
        "model_list:\n"
        "  - {model_name: a, litellm_params: {<<: *common, model: openai/a}}\n"
        "  - {model_name: a, model_name: b, litellm_params: {<<: *common, model: openai/b}}\n"
    )
    plan = read_plan(path, None, {}, TODAY)
    assert sorted(plan.aliases) == ["a", "b"]
    assert plan.variables == {"openai": ("K",)}
    assert [note.at for note in plan.notes if "twice" in note.said] == ["model_list[1].model_name"]


def test_a_database_in_use_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "one-api.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE channels (id INTEGER, type INTEGER, models TEXT, key TEXT, base_url TEXT, config TEXT)")
    connection.execute("INSERT INTO channels VALUES (1, 1, 'gpt-4o', 'sk-0123456789abcdef', '', '')")
    connection.commit()
    before = path.read_bytes()
    connection.execute("BEGIN IMMEDIATE")
    plan = read_plan(path, None, {}, TODAY)
    connection.close()
    assert plan.aliases.keys() == {"gpt-4o"}
    assert path.read_bytes() == before
