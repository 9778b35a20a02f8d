"""Public vote files as rows of data: where each is, what its bytes must hash to, whose it is and under which licence."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import urllib.request
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from assay.core import NotFound, Unavailable

_TIMEOUT_S = 60


class Dataset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One public vote file. ``bytes`` and ``sha256`` are checked before anything is read from it."""

    title: str
    link: str
    url: str
    file: str
    bytes: int
    sha256: str
    votes: int
    licence: str
    author: str
    facts: str


@cache
def datasets() -> dict[str, Dataset]:
    """The shipped rows, by name."""
    return msgspec.toml.decode(files("assay.board").joinpath("datasets.toml").read_bytes(), type=dict[str, Dataset])


def find_dataset(name: str) -> Dataset:
    """The row of that name.

    Raises:
        NotFound: ``dataset.not_found``.
    """
    found = datasets().get(name)
    if found is None:
        raise NotFound("dataset.not_found", f"There is no data set {name!r}.", hint=f"There are: {', '.join(datasets())}.")
    return found


async def read_dataset(dataset: Dataset, data_dir: Path | None) -> bytes:
    """Its bytes: from ``data_dir`` where it is set, else over the network; checked either way.

    Raises:
        Unavailable: ``dataset.unreachable``, or ``dataset.changed`` when the bytes are not the ones this row is about.
    """
    content = await asyncio.to_thread(_read_file if data_dir else _fetch, dataset, data_dir or Path())
    if len(content) != dataset.bytes or hashlib.sha256(content).hexdigest() != dataset.sha256:
        where = str(data_dir / dataset.file) if data_dir else dataset.url
        raise Unavailable(
            "dataset.changed", f"{where} does not hold the expected bytes (SHA-256 {dataset.sha256}).", hint="Nothing was imported."
        )
    return content


def _read_file(dataset: Dataset, data_dir: Path) -> bytes:
    path = data_dir / dataset.file
    try:
        with path.open("rb") as file:
            return file.read(dataset.bytes + 1)
    except OSError as error:
        raise _unreachable(str(path), error.strerror or str(error)) from error


def _fetch(dataset: Dataset, _: Path) -> bytes:
    """At most one byte more than expected, over HTTPS, through the proxy that the environment names."""
    try:
        with urllib.request.urlopen(dataset.url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - a shipped https address
            content: bytes = answer.read(dataset.bytes + 1)
            return content
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(dataset.url, str(error)) from error


def _unreachable(where: str, why: str) -> Unavailable:
    return Unavailable(
        "dataset.unreachable",
        f"{where} cannot be read: {why}.",
        hint="Download it elsewhere and use `assay arena import FILE`, or point ASSAY_DATA_DIR at a folder that has it.",
    )
