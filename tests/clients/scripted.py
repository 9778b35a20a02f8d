"""Models that use the shell of whichever client asks, whatever that client calls it."""

from __future__ import annotations

import json

from tests.clients.programs import ALLOWED
from tests.upstream.script import Answer, Asked, Calls, Json, Part, Script, Status, Thinks, refuse, says, words_of
from tests.upstream.scripts import THOUGHT

_SHELLS = {"Bash": "command", "exec_command": "cmd", "run_shell_command": "command"}
"""The tool of each client that runs a command, and the argument that holds it."""
STEPS = 3


def _command(asked: Asked, command: str, number: int = 0) -> Calls | None:
    """A call of the client's shell; None where it offers none."""
    for tool in asked.tools:
        if tool in _SHELLS:
            arguments = json.dumps({_SHELLS[tool]: command})
            return Calls(tool, [arguments[:5], arguments[5:]], f"shell_{asked.turns}_{number}", signed=not number)
    return None


def shell(asked: Asked) -> Answer | Status:
    """Thinks, looks into the file, and says what is in it."""
    if asked.results:
        return says(f"It says: {asked.results[-1]}")
    return _calling(asked, 1)


def shell_steps(asked: Asked) -> Answer | Status:
    """Looks once, then twice at the same time, and then says how often it has seen the same."""
    done = len(asked.results)
    if done >= STEPS:
        return says(" / ".join(asked.results))
    return _calling(asked, 1 if not done else STEPS - done)


def _calling(asked: Asked, count: int) -> Answer | Status:
    calls: list[Part] = []
    for number in range(count):
        call = _command(asked, ALLOWED, number)
        if call is None:
            return refuse(400, f"no shell among the tools {asked.tools}")
        calls.append(call)
    return Answer([Thinks(words_of(THOUGHT)), *calls], finish="tools")


def ample(asked: Json) -> Answer:
    """More than one network packet holds, in many small pieces."""
    return says(" ".join(f"word{number}" for number in range(500)), pacing="bytes")


SCRIPTS: dict[str, Script] = {"think-shell": shell, "think-shell-steps": shell_steps, "ample": ample}
