"""The repository keeps its promises: what is tracked names no machine and no mirror, what is built holds what it should."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def test_no_tracked_file_names_a_folder_of_one_machine() -> None:
    pattern = re.compile(rb"(?<![\w.$}/:-])/(?:home|root|Users|work)/\w")
    found = [f"{file.relative_to(ROOT)}: {match.group()!r}" for file in tracked() if (match := pattern.search(file.read_bytes()))]
    assert found == []


def test_locks_name_no_address() -> None:
    """So that any mirror serves: requirements hold names, versions and hashes, the npm lock integrity values."""
    for file in (ROOT / "requirements").iterdir():
        text = file.read_text("utf-8")
        assert "://" not in text, file
        assert text.count("==") <= text.count("--hash=sha256:"), file
    for lock in (ROOT / "web" / "package-lock.json", ROOT / "tests" / "clients" / "package-lock.json"):
        assert '"resolved"' not in lock.read_text("utf-8")


def test_every_requirement_of_the_package_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for file, wanted in {
        "run": project["project"]["dependencies"],
        "test": project["project"]["dependencies"] + project["dependency-groups"]["test"],
        "build": project["build-system"]["requires"] + project["dependency-groups"]["build"],
        "bench": project["dependency-groups"]["bench"],
    }.items():
        locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements" / f"{file}.txt").read_text("utf-8"), re.MULTILINE))
        names = {re.split(r"[<>=;\[ ]", requirement)[0] for requirement in wanted}
        assert names <= locked, file


def test_the_root_holds_few_files() -> None:
    assert len({file.relative_to(ROOT).parts[0] for file in tracked() if file.parent == ROOT}) <= 12


@pytest.mark.parametrize("script", sorted((ROOT / "scripts").glob("*.sh")), ids=lambda script: script.name)
def test_a_script_is_plain_posix_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.iterdir()))


@pytest.mark.timeout(120)
def test_the_wheel_holds_the_page_and_all_data_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    packages = [name for name in names if not name.startswith("modelassay-")]
    assert "assay/_web/index.html" in names
    assert "assay/py.typed" in names
    assert {name for name in packages if not name.startswith("assay/")} == set()
    assert [name for name in names if name.endswith((".pth", ".pyc", ".ts", ".svelte"))] == []
    shipped = {str(file.relative_to(ROOT / "src")) for kind in ("*.sql", "*.toml", "*.py") for file in (ROOT / "src").rglob(kind)}
    assert shipped <= names


def test_the_wheel_installs_both_commands(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    text = wheel.read(name).decode()
    assert "assay = assay.cli:main" in text
    assert "modelassay = assay.cli:main" in text


def test_imports_keep_to_the_layers() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
