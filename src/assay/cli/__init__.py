"""The command line: ``assay NOUN VERB``. Data on standard output, talk on standard error.

Exit codes: 0 ok, 1 a measured failure, 2 usage, 3 upstream, 4 not allowed, 5 partly done, 130 interrupted.
Each command's module is imported only when it is asked for, so that ``assay --help`` stays quick.
"""

import importlib
import sys
from keyword import iskeyword
from typing import NoReturn

import click

from assay import __version__
from assay.cli.exits import INTERRUPTED, OK, USAGE, exit_code, explain
from assay.cli.output import say
from assay.core import AssayError

_COMMANDS = {
    "up": "Start Assay: the gateway, the pages and the local door.",
    "restart": "Read the configuration again and replace the workers; no request is dropped.",
    "login": "Print a fresh one-time link to sign in.",
    "doctor": "Check this machine and this installation.",
    "provider": "Who answers: list, add a key, test, verify.",
    "model": "What can be called.",
    "alias": "Names that clients may ask for: list, set, remove.",
    "key": "Gateway keys: create, list, change, rotate, revoke.",
    "user": "People's accounts: create, list, change, password, disable.",
    "team": "Teams: create, list, change, archive.",
    "budget": "Budgets: list, set, remove.",
    "spend": "What was spent, and whether providers say the same.",
    "chat": "Talk to a model in the terminal.",
    "challenge": "A new model against the current one, on your own work.",
    "bench": "Benchmarks: run, score, compare, and how fast a model answers.",
    "import": "Bring in your own work to try models on.",
    "arena": "Votes: import, rate, export, verify.",
    "claims": "Claimed numbers: whether they can be true at all.",
    "db": "The database: migrate, back up, restore.",
    "vault": "The master key: rotate.",
    "audit": "Who changed what.",
    "config": "Settings: show, check, import from another gateway.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        name = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        command: click.Command = getattr(importlib.import_module(f"assay.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def assay() -> None:
    """Reach, run, measure and rank every model, and check every claim."""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    try:
        code = assay.main(args, prog_name="assay", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted")
        code = INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except AssayError as error:
        explain(error)
        code = exit_code(error)
    except OSError as error:
        say(f"error: {error}")
        code = USAGE
    sys.exit(code if isinstance(code, int) else OK)
