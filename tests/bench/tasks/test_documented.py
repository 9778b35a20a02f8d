"""The page of the tasks names every task that is shipped, and every kind."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import iter_modules

from assay.bench import kinds
from assay.bench.library import Library
from assay.bench.new import TEMPLATES

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "tasks.md").read_text("utf-8")


def test_every_task_is_in_the_table_with_its_kind_and_its_number_of_questions() -> None:
    rows = dict(re.findall(r"^\| `([\w.-]+)` \| (.*)$", PAGE.split("## Data")[0], re.MULTILINE))
    tasks = {task.id: task for task in Library().list()}
    assert rows.keys() == tasks.keys()
    for name, task in tasks.items():
        assert f"`{task.kind}`" in rows[name]
        assert task.link in rows[name] or task.id in {"promotion", "repair"}
        assert ("gated" in rows[name]) == task.gated
        assert task.samples == 1 or f"each {task.samples} times" in rows[name]
        if task.rows is not None and task.id != "xstest":
            assert rows[name].startswith(f"{task.rows:,}")


def test_every_kind_says_how_answers_are_found() -> None:
    found = set(re.findall(r"^\| `([\w-]+)` \|", PAGE.split("## How answers are found")[1], re.MULTILINE))
    assert {module.name.replace("_", "-") for module in iter_modules(kinds.__path__)} - {"livebench"} <= found


def test_every_template_is_in_the_guide() -> None:
    guide = (DOCS / "guides" / "own-task.md").read_text("utf-8")
    for name, template in TEMPLATES.items():
        assert f"| `{name}` |" in guide
        assert all(f"`{role}`" in guide for role in template.roles if role != template.several)
