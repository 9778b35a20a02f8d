"""``assay chat``: a conversation in the terminal, over the same path as any client's."""

import sys
from typing import Any

import click

from assay.cli.configure import Configured
from assay.cli.options import as_json, configured
from assay.cli.output import emit, printable, say
from assay.cli.remote import Server, any_server
from assay.core import Event, PartGrew, Text, fold
from assay.core import PartOpened as Opened
from assay.wire import openai_chat


@click.command()
@click.argument("model")
@click.option("--message", "-m", help="Say this one thing and end; standard input is read otherwise.")
@as_json
@configured()
async def chat(configured: Configured, model: str, message: str | None, as_json: bool) -> None:
    """Talk to MODEL. One line is one turn; an empty line or the end of input ends the conversation."""
    history: list[Any] = []
    async with any_server(configured.settings) as server:
        for line in [message] if message is not None else _lines():
            history.append({"role": "user", "content": line})
            events = await _answer(server, model, history, quiet=as_json)
            answer = fold(events)
            history.append({"role": "assistant", "content": answer.message.text})
            if as_json:
                emit({"model": model, "message": answer.message, "stop": answer.stop, "usage": answer.usage}, True, "")


async def _answer(server: Server, model: str, history: list[Any], quiet: bool) -> list[Event]:
    """Ask, print the words as they come, and give back the events."""
    response = await server.open("POST", "/v1/chat/completions", {"model": model, "messages": history, "stream": True})
    reader = openai_chat.EventReader(stream=True)
    events: list[Event] = []
    texts: set[int] = set()
    while (piece := await response.read()) is not None:
        new = reader.feed(piece)
        events += new
        for event in new:
            if isinstance(event, Opened) and isinstance(event.part, Text):
                texts.add(event.index)
            elif isinstance(event, PartGrew) and event.index in texts and not quiet:
                click.echo(printable(event.text), nl=False)
    events += reader.close()
    if not quiet:
        click.echo()
    return events


def _lines() -> Any:
    """The turns that a person types, or that come from a pipe."""
    if sys.stdin.isatty():
        say("An empty line ends the conversation.")
    for line in sys.stdin:
        if not line.strip():
            return
        yield line.rstrip("\n")
