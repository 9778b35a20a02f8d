"""A practice program that looks questions up in the documentation of the installed Python, and quotes what it finds."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from pathlib import Path

from assay.gateway.practice.conversation import Conversation
from assay.gateway.practice.librarian.answer import tell, tell_closed, tell_no_more, tell_nothing
from assay.gateway.practice.librarian.search import Question, Shelf, asks_for_more, read_question

__all__ = ["Librarian", "build_shelf"]

_SHOWN = 4
_MOST_PAGES = 12
_BUILD_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)


class Librarian:
    """Answers with passages. The index is built once, in a process of its own, from when the first question to any contestant comes."""

    name = "librarian"

    def __init__(self) -> None:
        self._building: asyncio.Task[Shelf | None] | None = None

    def prepare(self) -> None:
        """Begin to build the index."""
        if self._building is None:
            self._building = asyncio.create_task(build_shelf(), name="practice index")

    async def answer(self, conversation: Conversation) -> str:
        self.prepare()
        assert self._building is not None
        shelf = await asyncio.shield(self._building)
        if shelf is None:
            return tell_closed(conversation.language)
        return await asyncio.to_thread(look_up, shelf, conversation)

    async def close(self) -> None:
        """Stop building, or put the shelf away."""
        if self._building is None:
            return
        self._building.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            shelf = await self._building
            if shelf is not None:
                shelf.close()


async def build_shelf() -> Shelf | None:
    """The index of the installed documentation, or None where there is none to read."""
    program = Path(__file__).with_name("index.py")
    # -I and -S: no site packages, no user settings; only the standard library is read.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-B", str(program), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_BUILD_TIMEOUT_S):
            database, _ = await process.communicate()
    except TimeoutError:
        _log.warning("the index of the documentation was not ready in time timeout_s=%s", _BUILD_TIMEOUT_S)
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not database:
        _log.warning("the documentation could not be indexed exit_code=%s", process.returncode)
        return None
    return await asyncio.to_thread(Shelf, database)


def look_up(shelf: Shelf, conversation: Conversation) -> str:
    """The answer to ``conversation`` from ``shelf``; ``more`` turns to the next page for the question before."""
    question, skipped = _question(conversation)
    pages = shelf.find(question, _MOST_PAGES)
    if not pages:
        return tell_nothing(conversation.language, question.words)
    if skipped >= len(pages):
        return tell_no_more(conversation.language)
    shown = pages[skipped : skipped + _SHOWN]
    return tell(shown, shelf.example(shown[0]), conversation.language)


def _question(conversation: Conversation) -> tuple[Question, int]:
    """The question that is meant, and how many of its pages were shown already."""
    for skipped, asked in enumerate((conversation.question, *reversed(conversation.asked_before))):
        if not asks_for_more(asked):
            return read_question(asked), skipped
    return read_question(conversation.question), 0
