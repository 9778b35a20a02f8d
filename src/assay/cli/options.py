"""Options that many commands share, turned into settings before the command runs."""

import asyncio
import functools
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

from assay.cli.configure import configure
from assay.cli.exits import OK

_SHARED = (
    click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Data folder."),
    click.option("--database", metavar="URL", help="Database URL: sqlite:///PATH or postgresql://..."),
    click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="Configuration file."),
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def configured(*flags: str) -> Callable[[Callable[..., Coroutine[Any, Any, int | None]]], Callable[..., int | None]]:
    """Give an async command the shared options, and hand it the settings as its first argument.

    Options of the command named in ``flags`` are settings too, and are taken out of its arguments.
    """
    names = ("data", "database", *flags)

    def decorate(command: Callable[..., Coroutine[Any, Any, int | None]]) -> Callable[..., int | None]:
        @functools.wraps(command)
        def run(*args: Any, config: Path | None, **kwargs: Any) -> int | None:
            given = {name: value for name in names if (value := kwargs.pop(name)) is not None}
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    return runner.run(command(configure(given, file=config), *args, **kwargs))
            except BrokenPipeError:
                # Whoever read our output has had enough. What is still buffered must not fail again at the interpreter's end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                return OK

        return functools.reduce(lambda decorated, option: option(decorated), _SHARED, run)

    return decorate
