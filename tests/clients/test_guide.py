"""What the guide for clients says is what happens: its snippets run, and it names the versions that were run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import PROVIDERS
from tests.clients.guide import GUIDE, Section
from tests.clients.programs import PROGRAMS
from tests.server import RunningAssay
from tests.upstream.scripts import GREETING

PACKAGES = json.loads((Path(__file__).parent / "package.json").read_text("utf-8"))["dependencies"]
LIBRARIES = ["openai for Python", "anthropic for Python", "google-genai for Python"]


@pytest.mark.parametrize("heading", LIBRARIES)
@pytest.mark.parametrize("protocol", ["openai_chat", pytest.param("anthropic", marks=pytest.mark.prove)])
def test_a_snippet_for_a_library_prints_the_answer(heading: str, protocol: str, assay: RunningAssay, home: Path) -> None:
    section = Section(heading, assay.url, f"{PROVIDERS[protocol][0]}/text")
    (code,) = section.code("python")
    ran = _run([sys.executable, "-c", code], section.variables(assay.gateway_key), home)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == (GREETING + "\n") * code.count("print(")


def test_the_snippets_for_curl_print_the_answer_in_three_protocols(assay: RunningAssay, home: Path) -> None:
    section = Section("curl", assay.url, "chat/echo")
    for code in section.code("sh"):
        ran = _run(
            ["sh", "-c", code.replace("curl ", "curl --silent --fail-with-body ", 1)], section.variables(assay.gateway_key), home
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert "17% of 2.35 million" in ran.stdout


def test_it_names_the_versions_that_the_tests_run() -> None:
    text = GUIDE.read_text("utf-8")
    for program in PROGRAMS:
        row = re.search(rf"^\| \[{program.heading}\]\([^)]*\) \| ([\d.]+) \|", text, re.MULTILINE)
        assert row, program.heading
        assert row[1] == PACKAGES[program.package], program.heading


def test_every_client_in_the_table_has_its_section() -> None:
    text = GUIDE.read_text("utf-8")
    table = re.findall(r"^\| \[[^\]]+\]\(#([^)]+)\)", text, re.MULTILINE)
    sections = [
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in re.findall(r"^### (.+)$", text, re.MULTILINE)
    ]
    assert sorted(table) == sorted(set(sections) - {"curl"})


def test_no_snippet_names_another_address_key_or_model() -> None:
    """So that the page, and whoever copies, has three things to put in."""
    for heading in re.findall(r"^### (.+)$", GUIDE.read_text("utf-8"), re.MULTILINE):
        section = Section(heading, "URL", "MODEL")
        for code in (code for language in ("sh", "python", "js", "json", "toml", "yaml") for code in section.code(language)):
            assert not re.search(r"127\.0\.0\.1|localhost|practice/|ask-", code), (heading, code)


def _run(command: list[str], variables: dict[str, str], home: Path) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    environ = {"PATH": os.defpath, "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=50, stdin=subprocess.DEVNULL, check=False)
