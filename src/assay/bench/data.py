"""The data of a task: found or fetched, and checked, before a question is put.

Looked for in this order: below ``ASSAY_DATA_DIR``, beside the ``task.toml``, in the cache folder, and at last over the network, into
the cache. A fetch that breaks off goes on where it was. What does not hash to what the task says is never used, and a fetched file
without a hash is pinned by the revision in its address.

Addresses are ``https://...`` or ``hf://OWNER/NAME/PATH`` (a file of a data set on the hub at ``revision``).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from assay.bench.download import Get, Reply, over_http
from assay.bench.task import DataFile, Task
from assay.core import AssayError, InvalidInput, Unauthorized, Unavailable

HUB_TOKEN = "HF_TOKEN"  # noqa: S105  # its name
HUB = "https://huggingface.co"
_ON_HUB = re.compile(r"hf://([^/]+/[^/]+)/(.+)")
_DENIED = frozenset({401, 403})

Progress = Callable[[str, int, int | None], None]
"""Told of a fetch: the file's name, how many bytes are here, and how many there are in all, where that is known."""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Where data may come from: ``data_dir`` (the setting), ``cache`` (a folder that is made), and the ``hub``'s address. ``tokens``
    are the user's own, by the name that a task gives them; for files on the hub the environment is looked into, too, and for no other
    address: a task from somewhere must not be able to name a secret and a place to send it."""

    cache: Path
    data_dir: Path | None = None
    tokens: Mapping[str, str] = {}
    hub: str = msgspec.field(default_factory=lambda: os.environ.get("HF_ENDPOINT", HUB))


async def fetch(task: Task, sources: Sources, get: Get = over_http, progress: Progress | None = None) -> dict[str, Path]:
    """The files of ``task`` by name, each on this machine and checked.

    Raises:
        Unavailable: ``task.data_unreachable``, or ``task.data_changed`` where the bytes are not those the task is about.
        Unauthorized: ``task.data_denied``: the place asks for the user's own token, or its terms have not been accepted.
        InvalidInput: ``task.data_missing``: the file has no address, and lies nowhere.
    """
    return {file.name: await _find(task, file, sources, get, progress) for file in task.data}


async def hash_files(files: Mapping[str, Path]) -> dict[str, str]:
    """SHA-256 in hex of each file."""
    return {name: await asyncio.to_thread(_hash, path) for name, path in files.items()}


def places(task: Task, file: DataFile, sources: Sources) -> list[Path]:
    """Where ``file`` may lie already, the first that counts first. A path that leads out of its folder is none."""
    folders = [folder for folder in (sources.data_dir, Path(task.folder) if task.folder else None) if folder]
    found = [folder / file.path for folder in folders if file.path and _is_inside(folder / file.path, folder)]
    return [*found, _cached(task, file, sources)]


async def _find(task: Task, file: DataFile, sources: Sources, get: Get, progress: Progress | None) -> Path:
    for path in places(task, file, sources):
        if await asyncio.to_thread(path.is_file):
            await asyncio.to_thread(_check, task, file, path)
            return path
    if file.url is None:
        where = " or ".join(str(path.parent) for path in places(task, file, sources)[:-1]) or "ASSAY_DATA_DIR"
        raise InvalidInput("task.data_missing", f"{file.path or file.name!r} of task {task.id!r} is not in {where}.")
    return await _download(task, file, sources, get, progress or _silent)


async def _download(task: Task, file: DataFile, sources: Sources, get: Get, progress: Progress) -> Path:
    goal = _cached(task, file, sources)
    part = goal.with_name(f"{goal.name}.part")
    await asyncio.to_thread(goal.parent.mkdir, parents=True, exist_ok=True)
    have = await asyncio.to_thread(lambda: part.stat().st_size if part.is_file() else 0)
    headers = {"Range": f"bytes={have}-"} if have else {}
    if token := _token(file, sources):
        headers["Authorization"] = f"Bearer {token}"
    url = address(file, sources.hub)
    try:
        async with get(url, headers) as reply:
            if reply.status == 416:  # the part is as long as the whole, or longer: its hash will tell
                pass
            elif reply.status not in {200, 206}:
                raise (
                    _denied(task, file, reply) if reply.status in _DENIED else _unreachable(task, file, url, f"HTTP {reply.status}")
                )
            else:
                await _keep(reply, part, have if reply.status == 206 else 0, file, progress)
    except OSError as error:
        raise _unreachable(task, file, url, str(error)) from error
    try:
        await asyncio.to_thread(_check, task, file, part)
    except Unavailable:
        await asyncio.to_thread(part.unlink)
        raise
    await asyncio.to_thread(part.replace, goal)
    return goal


async def _keep(reply: Reply, part: Path, have: int, file: DataFile, progress: Progress) -> None:
    coming = None if reply.length is None else have + reply.length
    total = file.bytes or coming
    with await asyncio.to_thread(part.open, "ab" if have else "wb") as out:
        async for piece in reply.pieces:
            await asyncio.to_thread(out.write, piece)
            have += len(piece)
            progress(file.name, have, total)
    if coming is not None and have < coming:
        raise ConnectionError(f"it broke off after {have:,} of {coming:,} bytes; the next try goes on from there")


def address(file: DataFile, hub: str = HUB) -> str:
    """Where ``file`` is fetched."""
    url = file.url or ""
    if found := _ON_HUB.fullmatch(url):
        return f"{hub.rstrip('/')}/datasets/{found[1]}/resolve/{file.revision or 'main'}/{found[2]}"
    return url


def _token(file: DataFile, sources: Sources) -> str | None:
    if file.token is None:
        return None
    is_on_hub = _ON_HUB.fullmatch(file.url or "") is not None
    return sources.tokens.get(file.token) or (os.environ.get(file.token) if is_on_hub and file.token == HUB_TOKEN else None)


def _cached(task: Task, file: DataFile, sources: Sources) -> Path:
    pin = file.sha256 or hashlib.sha256(address(file).encode()).hexdigest()
    return sources.cache / task.id / f"{pin[:16]}-{re.sub(r'[^A-Za-z0-9._-]', '_', file.name)}"


def _check(task: Task, file: DataFile, path: Path) -> None:
    if file.sha256 is not None and (found := _hash(path)) != file.sha256:
        raise Unavailable(
            "task.data_changed",
            f"{path} hashes to {found}, not to the {file.sha256} that task {task.id!r} is about.",
            hint="Remove it to have it fetched again; if its source has changed, so would the number.",
        )


def _hash(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _is_inside(path: Path, folder: Path) -> bool:
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))


def _denied(task: Task, file: DataFile, reply: Reply) -> AssayError:
    name = file.token
    hint = (
        f"Accept the terms at {task.link}, make a token there, and put it into {name}."
        if name
        else f"Fetch it yourself from {task.link} and put it below ASSAY_DATA_DIR as {file.path or file.name}."
    )
    return Unauthorized("task.data_denied", f"{address(file)} answered HTTP {reply.status}.", hint=hint)


def _unreachable(task: Task, file: DataFile, url: str, why: str) -> Unavailable:
    where = f" as {file.path}" if file.path else ""
    hint = f"Try again, or fetch it elsewhere and put it below ASSAY_DATA_DIR{where}."
    return Unavailable("task.data_unreachable", f"{url}, data of task {task.id!r}, cannot be read: {why}.", hint=hint)


def _silent(name: str, have: int, total: int | None) -> None:
    """Nobody wants to know."""
