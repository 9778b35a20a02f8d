"""Where the items of a challenge come from: the gateway's traffic, work brought in before, a file sent along, or an example."""

from __future__ import annotations

import asyncio
from importlib import resources

from assay.challenge.plan import Gathered
from assay.challenge.spec import Content, Example, Source, Traffic, Work
from assay.challenge.work import read_work, sample_traffic
from assay.challenge.work_queries import load_work
from assay.core import NotFound
from assay.store import Database

_EXAMPLES = resources.files("assay.challenge") / "examples"


async def gather(db: Database, source: Source, limit: int, seed: int) -> Gathered:
    """All items that ``source`` holds; of traffic, a sample of ``limit``.

    Raises:
        NotFound, InvalidInput, TooLarge: there is no such source, or nothing can be read of it.
    """
    match source:
        case Traffic():
            sampled = await sample_traffic(db, source, limit, seed)
            return Gathered(items=sampled.items, notes=sampled.notes)
        case Work(name=name):
            return Gathered(items=await load_work(db, name))
        case Content(name=name, text=text):
            return await _read(text.encode("utf-8", "replace"), name)
        case Example(name=name):
            return await _read(await asyncio.to_thread(_example, name), f"{name}.jsonl")


def list_examples() -> list[str]:
    """The names of the files of prompts that are shipped."""
    return sorted(file.name.removesuffix(".jsonl") for file in _EXAMPLES.iterdir() if file.name.endswith(".jsonl"))


async def _read(content: bytes, name: str) -> Gathered:
    brought = await asyncio.to_thread(read_work, content, name)
    return Gathered(items=brought.items, bad=brought.bad, notes=brought.notes)


def _example(name: str) -> bytes:
    if name not in (known := list_examples()):
        raise NotFound(
            "challenge.no_example", f"There is no example {name[:64]!r}.", hint=f"There are: {', '.join(known)}.", param="source"
        )
    return (_EXAMPLES / f"{name}.jsonl").read_bytes()
