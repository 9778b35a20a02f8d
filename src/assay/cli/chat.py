"""``assay chat``: a conversation in the terminal, over the same path as any client's."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncGenerator
from threading import Thread
from urllib.parse import quote

import click

from assay.cli.configure import Configured
from assay.cli.exits import exit_code, explain
from assay.cli.options import as_json, configured
from assay.cli.output import emit, printable, say
from assay.cli.remote import Server, any_server
from assay.core import Answer, AssayError, Event, InvalidInput, PartGrew, PartOpened, Refusal, Text, Thinking, fold
from assay.wire import openai_chat
from assay.wire.errors import StreamFailed


@click.command()
@click.argument("model")
@click.option("--message", "-m", help="Say this one thing and end.")
@as_json
@configured()
async def chat(configured: Configured, model: str, message: str | None, as_json: bool) -> int:
    """Talk to MODEL. In a terminal one line is one turn; from a pipe everything that comes is one message."""
    talks = message is None and sys.stdin.isatty() and not as_json
    said = message if message is not None else "" if talks else sys.stdin.read().strip()
    if not talks and not said:
        raise InvalidInput("chat.no_message", "There is nothing to say.", hint="Give --message, or text on standard input.")
    async with any_server(configured.settings) as server:
        conversation = Conversation(server, model, shows=not as_json)
        if talks:
            return await _talk(conversation)
        answer = await conversation.say(said)
    if as_json:
        emit({"model": model, "message": answer.message, "stop": answer.stop, "usage": answer.usage}, True, "")
    return 0


class Conversation:
    """The turns so far, and the way to the next."""

    def __init__(self, server: Server, model: str, *, shows: bool):
        self._server = server
        self._model = model
        self._shows = shows
        self._turns: list[dict[str, str]] = []

    async def check_model(self) -> None:
        """Raises: NotFound: nobody answers to that name. Better known before something long is typed."""
        await self._server.get(f"/v1/models/{quote(self._model)}")

    async def say(self, text: str) -> Answer:
        """Say ``text``, print the answer as it comes, and keep both for the next turn; a turn that fails is not kept."""
        messages = [*self._turns, {"role": "user", "content": text}]
        events = await self._ask(messages)
        answer = fold(events)
        self._turns = [*messages, {"role": "assistant", "content": answer.message.text}]
        if answer.stop == "length" and self._shows:
            say("The answer ends here because it reached its limit of tokens.")
        return answer

    async def _ask(self, messages: list[dict[str, str]]) -> list[Event]:
        asked = {"model": self._model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}}
        response = await self._server.open("POST", "/v1/chat/completions", asked)
        reader = openai_chat.EventReader(stream=True)
        events: list[Event] = []
        shown: set[int] = set()
        try:
            while (piece := await response.read()) is not None:
                new = reader.feed(piece)
                events += new
                self._show(new, shown)
            events += reader.close()
        except StreamFailed as error:
            self._show(error.events, shown)
            raise
        finally:
            if shown:
                click.echo()
        return events

    def _show(self, events: list[Event], shown: set[int]) -> None:
        """Print what is said in ``events``; ``shown`` are the parts that are printed at all."""
        if not self._shows:
            return
        for event in events:
            if isinstance(event, PartOpened) and isinstance(event.part, Text | Refusal):
                shown.add(event.index)
                click.echo(printable(event.part.text), nl=False)
            elif isinstance(event, PartOpened) and isinstance(event.part, Thinking) and sys.stderr.isatty():
                say("(thinking)")
            elif isinstance(event, PartGrew) and event.index in shown:
                click.echo(printable(event.text), nl=False)


async def _talk(conversation: Conversation) -> int:
    """Turn by turn, until an empty line. A turn that fails is said and can be tried again; the last one's outcome counts."""
    await conversation.check_model()
    say("An empty line ends the conversation.")
    code = 0
    async with contextlib.aclosing(_typed()) as lines:
        async for line in lines:
            try:
                await conversation.say(line)
                code = 0
            except AssayError as error:
                explain(error)
                code = exit_code(error)
    return code


async def _typed() -> AsyncGenerator[str, None]:
    """The lines that a person types, to the first empty one.

    They are read in a thread that ends with the process: the loop goes on meanwhile, and Ctrl-C need not wait for Enter. It
    reads below `sys.stdin`, whose lock would hold up the interpreter's end.
    """
    loop = asyncio.get_running_loop()
    typed: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the conversation
            while True:
                line = os.read(sys.stdin.fileno(), 65536)
                loop.call_soon_threadsafe(typed.put_nowait, line)
                if not line:
                    return

    Thread(target=read, daemon=True, name="typed lines").start()
    while True:
        click.echo("> ", nl=False, err=True)
        line = (await typed.get()).decode("utf-8", "replace").strip()
        if not line:
            return
        yield line
