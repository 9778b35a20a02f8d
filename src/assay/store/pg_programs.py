"""PostgreSQL's own programs, ``pg_dump`` and its like, run on the database that a URL names."""

from __future__ import annotations

import asyncio
import os
import shutil
from urllib.parse import unquote, urlsplit, urlunsplit

from assay.core.errors import Unavailable

_MOST_SAID = 500


class ProgramFailed(Exception):
    """A program ended with an error; its words are the message."""


async def run_program(name: str, url: str | None, *flags: str) -> bytes:
    """What the program prints. ``url`` is the database that it works on, if it needs one.

    Raises:
        ProgramFailed: it ended with an error.
        Unavailable: ``store.no_pg_program``: it is not installed.
    """
    program = shutil.which(name)
    if program is None:
        raise Unavailable(
            "store.no_pg_program",
            f"A PostgreSQL database is copied by {name}, which is not installed here.",
            hint=f"Install PostgreSQL's client programs, or run {name} on the server.",
        )
    environment = dict(os.environ)
    if url is not None:
        bare, password = _without_password(url)
        flags = (*flags, f"--dbname={bare}", "--no-password")
        # The password goes by the environment: a command line can be read by every user of the machine.
        environment |= {"PGPASSWORD": password} if password else {}
    process = await asyncio.create_subprocess_exec(
        program,
        *flags,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    if process.returncode:
        raise ProgramFailed(f"{name}: {said.decode(errors='replace').strip()[-_MOST_SAID:]}")
    return printed


def _without_password(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host)), unquote(password)
