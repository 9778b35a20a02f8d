"""A model behind HTTP that counts, question by question, how often it is asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class CountingModel:
    """Says the number that it is asked for, if it is even, after ``seconds``. ``asked`` counts by number; ``port`` is where it is."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.port = 0
        self.asked: Counter[int] = Counter()
        self.stirred = asyncio.Condition()

    async def until(self, asked: int) -> None:
        """Wait until it has been asked so often in all."""
        async with asyncio.timeout(60), self.stirred:
            await self.stirred.wait_for(lambda: self.asked.total() >= asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = json.loads(await reader.readexactly(int(found[1]) if found else 0))
                number = int(body["messages"][-1]["content"])
                self.asked[number] += 1
                async with self.stirred:
                    self.stirred.notify_all()
                await asyncio.sleep(self.seconds)
                said = _events(str(number) if number % 2 == 0 else "?")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(said) + said)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked was killed, or is done
        finally:
            writer.close()


@asynccontextmanager
async def counting_model(seconds: float) -> AsyncIterator[CountingModel]:
    """The model, listening for as long as the ``with`` lasts."""
    model = CountingModel(seconds)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0)
    model.port = server.sockets[0].getsockname()[1]
    try:
        yield model
    finally:
        server.close()


def _events(text: str) -> bytes:
    about = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "pupil"}
    usage = {"prompt_tokens": 20, "completion_tokens": 90, "total_tokens": 110}
    chunks: list[dict[str, object]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    return "".join(f"data: {json.dumps(about | chunk)}\n\n" for chunk in chunks).encode() + b"data: [DONE]\n\n"
