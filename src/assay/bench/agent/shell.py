"""A model at work in a workspace: it asks for commands, gets what they print, and goes on until it asks for none."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from assay.bench.agent.hidden import LIMITS
from assay.bench.task import Ask
from assay.core import Answer, AssayError, Message, Request, Text, Tool, ToolCall, ToolResult
from assay.sandbox import Finished, Workspace

SHELL = Tool(
    name="shell",
    description="Run a command with sh in the folder of the repository. What it prints and its exit code come back; nothing of it runs on.",
    parameters={
        "type": "object",
        "properties": {"command": {"type": "string", "description": "What sh -c is given."}},
        "required": ["command"],
    },
)
_SHOWN_CHARS = 10_000
_FILES = 200
_TREE_BYTES = 512 << 10
_LIST = """\
import os
for folder, folders, files in os.walk("."):
    folders[:] = [name for name in folders if name not in {".git", "__pycache__"}]
    for name in files:
        path = os.path.join(folder, name)
        if not os.path.islink(path) and name.endswith((".py", ".md", ".txt", ".toml")):
            print(os.path.relpath(path))
"""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """``steps``: answers of the model; ``command_s``: seconds for one command; ``total_s``: for all of it."""

    steps: int = 40
    command_s: float = 60.0
    total_s: float = 1200.0


class Worked(msgspec.Struct, frozen=True):
    """The last answer, the files as they were left, and how many answers there were."""

    answer: Answer
    files: dict[str, str]
    steps: int


async def work(request: Request, files: Mapping[str, str], ask: Ask, bounds: Bounds) -> Worked:
    """Let a model work on ``files`` until it calls the tool no more, or a bound is reached.

    Raises:
        NoSandbox: bubblewrap is missing here.
        AssayError: what asking raises.
    """
    ends = time.monotonic() + bounds.total_s
    async with Workspace({path: text.encode() for path, text in files.items()}, LIMITS) as box:
        steps = 0
        while True:
            answer = await ask(request)
            steps += 1
            calls = [part for part in answer.message.parts if isinstance(part, ToolCall)]
            if not calls or steps >= bounds.steps or time.monotonic() >= ends:
                return Worked(answer, await _tree(box), steps)
            given = [await _run(box, call, bounds.command_s) for call in calls]
            said = (*request.transcript.messages, answer.message, Message(role="tool", parts=tuple(given)))
            request = msgspec.structs.replace(request, transcript=msgspec.structs.replace(request.transcript, messages=said))


async def _run(box: Workspace, call: ToolCall, timeout_s: float) -> ToolResult:
    command = _command(call)
    if command is None:
        told = 'There is one tool, shell, and it takes {"command": "..."}.'
        return ToolResult(id=call.id, parts=(Text(text=told),), is_error=True)
    finished = await box.run(("sh", "-c", command), timeout_s)
    return ToolResult(id=call.id, parts=(Text(text=_printed(finished, timeout_s)),), is_error=finished.code != 0)


def _command(call: ToolCall) -> str | None:
    try:
        told: Any = json.loads(call.arguments)
    except ValueError:
        return None
    command = told.get("command") if isinstance(told, dict) else None
    return command if call.name == SHELL.name and isinstance(command, str) and "\0" not in command else None


def _printed(finished: Finished, timeout_s: float) -> str:
    printed = (finished.stdout + finished.stderr).decode("utf-8", "replace")
    left_out = len(printed) - _SHOWN_CHARS
    if left_out > 0:
        printed = f"{printed[: _SHOWN_CHARS // 2]}\n[{left_out:,} characters left out]\n{printed[-_SHOWN_CHARS // 2 :]}"
    end = f"[ended after {timeout_s:g} seconds]" if finished.timed_out else f"[exit code {finished.code}]"
    return f"{printed}\n{end}" if printed else end


async def _tree(box: Workspace) -> dict[str, str]:
    """The text files as they are now; no more of them than a repository of this kind can need."""
    listed = await box.run(("python3", "-I", "-c", _LIST), 60)
    found: dict[str, str] = {}
    size = 0
    for path in sorted(listed.stdout.decode("utf-8", "replace").splitlines())[:_FILES]:
        try:
            content = (await box.read(path)).decode("utf-8")
        except (AssayError, UnicodeDecodeError):
            continue  # gone, too large, or no text: as good as not there
        size += len(content)
        if size > _TREE_BYTES:
            break
        found[path] = content
        await asyncio.sleep(0)
    return found
