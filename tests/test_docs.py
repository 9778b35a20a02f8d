"""The documentation says what the source says: nothing is undocumented, and nothing is documented that is not there."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from assay import cli
from scripts import reference

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SOURCES = ROOT / "src" / "assay"
COMMANDS = dict(reference.walk(cli.assay))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_lines(page: Path) -> Iterator[str]:
    """The lines of shell blocks, and every piece of inline code."""
    text = page.read_text("utf-8")
    for language, block in _FENCE.findall(text):
        if language in {"sh", "console", ""}:
            yield from (line.removeprefix("$ ") for line in block.replace("\\\n", " ").splitlines())
    yield from _INLINE.findall(_FENCE.sub("", text))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return reference.pages()


@pytest.mark.parametrize("name", ["settings.md", "commands.md", "providers.md", "errors.md"])
def test_a_page_written_from_the_source_is_up_to_date(name: str, pages: dict[str, str]) -> None:
    """Every setting, variable, command, option, provider row and error code is on one of these; `make reference` writes them."""
    written = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert written == pages[name], f"run `make reference` and commit docs/reference/{name}"


def test_every_error_code_is_explained() -> None:
    assert [code for code, places in reference.raised().items() if not any(place.says for place in places)] == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_between_the_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"(?:\]\(|src=\"|href=\"|srcset=\")([^)\"\s]+)", page.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{target} is not there"
        if anchor:
            assert anchor in anchors(file), f"{target}: no such heading"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_page_names_only_commands_and_options_that_exist(page: Path) -> None:
    for line in code_lines(page):
        words = line.partition(" #")[0].split()
        if words[:1] == ["assay"] and len(words) > 1:
            check_command(line, words)


def check_command(line: str, words: list[str]) -> None:
    path = "assay"
    for word in words[1:]:
        if f"{path} {word}" not in COMMANDS:
            break
        path = f"{path} {word}"
    command = COMMANDS[path]
    following = words[len(path.split()) :]
    if following and (default := getattr(command, "default", None)):
        command = COMMANDS[f"{path} {default}"]
    if isinstance(command, click.Group):
        assert not following or following[0].startswith(("-", "NOUN")) or "|" in line, f"{line!r}: no such command"
    known = {spelling for option in command.params for spelling in option.opts} | {"--help", "-h", "--version"}
    given = {word.partition("=")[0].strip("[]") for word in words if word.strip("[").startswith("-")}
    assert given - {"--"} <= known, f"{line!r}: no such option"


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_a_page_names_only_make_targets_that_exist(page: Path) -> None:
    for line in code_lines(page):
        words = line.split()
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word and word != "#"} <= targets() or "#" in line, line


def test_every_make_target_is_described() -> None:
    described = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert [target for target in targets() if f"`make {target}`" not in described] == []


def test_every_variable_that_is_read_is_documented() -> None:
    """Of the product, the build, the scripts and the tests."""
    files = [*SOURCES.rglob("*.py"), *(ROOT / "scripts").iterdir(), *(ROOT / "tests").rglob("*.py"), ROOT / "hatch_build.py"]
    files += [ROOT / "Makefile", *(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "web" / "dev").rglob("*.ts")]
    named = {
        name for file in files if file.is_file() for name in re.findall(r"\bASSAY_[A-Z_]*[A-Z]\b(?!_)", file.read_text("utf-8"))
    }
    documented = set(re.findall(r"`(ASSAY_[A-Z_]+)`", (ROOT / "docs" / "reference" / "settings.md").read_text("utf-8")))
    assert sorted(named - documented - invented_in_tests()) == []


def invented_in_tests() -> set[str]:
    """Names that the tests of configuration make up, to be refused."""
    text = "".join(file.read_text("utf-8") for file in (ROOT / "tests" / "cli").rglob("*.py"))
    return set(re.findall(r"\bASSAY_[A-Z_]+\b", text)) - {name for name in os.environ if name.startswith("ASSAY_")}


def test_every_endpoint_is_documented() -> None:
    documented = (ROOT / "docs" / "reference" / "http.md").read_text("utf-8")
    found = list(endpoints())
    assert len(found) > 20
    assert [endpoint for endpoint in found if f"`{endpoint}`" not in documented] == []


def endpoints() -> Iterator[str]:
    """Method and path of every ``Endpoint(...)`` in the source."""
    for file in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Endpoint"), args=[ast.Constant(value=str(method)), ast.Constant(value=str(path)), *_]
                ):
                    yield f"{method} {re.sub(r':path}', '}', path)}"


def test_every_table_is_documented() -> None:
    documented = (ROOT / "docs" / "reference" / "database.md").read_text("utf-8")
    made = {
        table
        for file in SOURCES.rglob("migrations/*.sql")
        for table in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", file.read_text("utf-8"), re.IGNORECASE)
    }
    assert made
    assert sorted(table for table in made if f"`{table}`" not in documented) == []


def test_every_runtime_dependency_has_its_reason() -> None:
    """Of the Python package and of the page, in docs/decisions.md."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    page = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))
    names = [re.split(r"[<>=;\[ ]", requirement)[0] for requirement in project["dependencies"]]
    names += page["dependencies"]
    decisions = (ROOT / "docs" / "decisions.md").read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in decisions] == []
