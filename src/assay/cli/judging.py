"""Judging in the terminal: two answers, no names, one key."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import termios
import tty
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import click
import msgspec

from assay.cli.output import printable, say
from assay.cli.remote import MAX_REPLY_BYTES, Server
from assay.core import Conflict
from assay.core.columns import pieces

_KEYS = {"1": "a", "2": "b", "3": "tie", "4": "both_bad"}
_WAIT_S = 1.0
_STILL_HERE_S, _STILL_HERE_TIMES = 20.0, 30
"""How often the server hears that somebody still reads, and how often at most: a pair that nobody reads goes to the next."""


async def judge_in_terminal(server: Server, id: str) -> None:
    """Show pair after pair until there is none left, or the person has had enough."""
    with _typed_keys() as keys:
        while True:
            pair = await _next(server, id)
            if pair is None:
                if not await _is_running(server, id):
                    say("Nothing is left to judge.")
                    return
                await asyncio.sleep(_WAIT_S)
                continue
            key = await _ask(server, id, pair, keys)
            if key == "q":
                return
            try:
                await _send(server, id, pair["number"], key)
            except Conflict as late:  # the answer stands already, or somebody else was quicker
                say(late.message)


async def _send(server: Server, id: str, number: int, key: str) -> None:
    path = f"/api/v1/challenges/{id}/pairs/{number}"
    if key == "s":
        await server.post(f"{path}/skip")
    else:
        await server.post(f"{path}/vote", {"choice": _KEYS[key]})


async def _ask(server: Server, id: str, pair: dict[str, Any], keys: asyncio.Queue[str]) -> str:
    """Show a pair, and wait for one of our keys. What was typed before it was shown cannot be meant for it."""
    while not keys.empty():
        keys.get_nowait()
    _show(pair)
    click.echo("\n1 a · 2 b · 3 tie · 4 both bad · s skip · q enough: ", nl=False, err=True)
    times = 0
    while True:
        try:
            key = (await asyncio.wait_for(keys.get(), _STILL_HERE_S if times < _STILL_HERE_TIMES else None)).lower()
        except TimeoutError:
            await server.get(f"/api/v1/challenges/{id}/pairs")
            times += 1
            continue
        if key in {*_KEYS, "s", "q"}:
            click.echo(key, err=True)
            return key


async def _next(server: Server, id: str) -> dict[str, Any] | None:
    response = await server.open("GET", f"/api/v1/challenges/{id}/pairs/next")
    body = await response.read_all(MAX_REPLY_BYTES)
    if response.status == HTTPStatus.NO_CONTENT:
        return None
    pair: dict[str, Any] = msgspec.json.decode(body)
    return pair


async def _is_running(server: Server, id: str) -> bool:
    return bool((await server.get(f"/api/v1/challenges/{id}"))["state"] == "running")


def _show(pair: dict[str, Any]) -> None:
    width = min(shutil.get_terminal_size().columns, 100)
    rule = "─" * width
    said = f"pair {pair['number']} · {pair['voted']} judged by you · {pair['waiting']} waiting"
    lines = ["", rule, said, "", *_barred(pair["transcript"], width)]
    for side in ("a", "b"):
        lines += ["", f"── {side} " + "─" * (width - 5), *_barred(pair[side], width)]
    click.echo("\n".join(lines), err=True)


def _barred(messages: Iterable[dict[str, Any]], width: int) -> list[str]:
    """What was said, each line behind a bar and no wider than the screen: so no answer can draw a line between answers itself."""
    said = printable("\n".join(_words(message) for message in messages)).expandtabs()
    return [f"│ {piece}" for line in said.split("\n") for piece in pieces(line, width - 2)]


def _words(message: dict[str, Any]) -> str:
    """A message as text: its words, and its tool calls by name and arguments."""
    words = []
    for part in message.get("parts", ()):
        match part["type"]:
            case "text" | "refusal":
                words.append(part["text"])
            case "tool_call":
                words.append(f"[calls {part['name']} {part.get('arguments', '')}]")
            case "tool_result":
                words += [f"[result] {inner['text']}" for inner in part.get("parts", ()) if inner["type"] == "text"]
            case "thinking":
                pass
            case kind:
                words.append(f"[{kind}]")
    return "\n".join(words)


@contextmanager
def _typed_keys() -> Iterator[asyncio.Queue[str]]:
    """Keys as they are typed, without Enter and unseen; the end of the input is a ``q``. The loop goes on meanwhile, and Ctrl-C does
    what it always does."""
    stdin, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    keys: asyncio.Queue[str] = asyncio.Queue()

    def read() -> None:
        for key in os.read(stdin, 64).decode("utf-8", "replace") or "q":
            keys.put_nowait(key)

    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin, termios.TCSADRAIN)
    loop.add_reader(stdin, read)
    try:
        yield keys
    finally:
        loop.remove_reader(stdin)
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
