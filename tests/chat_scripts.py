"""The scripts of `tests.upstream`, under the name by which the tests of Chat Completions know them."""

from tests.upstream.script import Answer, Json, Script, Status, refuse, says
from tests.upstream.scripts import ANSWER_429_S, CALLS, GREETING, SCRIPTS, SEPARATORS, error, script_of, text

__all__ = [
    "ANSWER_429_S",
    "CALLS",
    "GREETING",
    "SCRIPTS",
    "SEPARATORS",
    "Answer",
    "Json",
    "Script",
    "Status",
    "error",
    "refuse",
    "says",
    "script_of",
    "text",
]
