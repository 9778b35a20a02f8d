"""Tasks of Inspect, run by Inspect: as a program of its own that asks Assay's gateway, so its calls are on record and within budgets."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import sys
from pathlib import Path

from assay.core import InvalidInput, Unavailable, Unprocessable

_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TZ",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "HF_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""What Inspect sees of the environment: where things are, and no key but the gateway's."""

_GRACE_S = 5.0
_SAID = 2_000


async def run_inspect(
    target: str,
    *,
    model: str,
    gateway_url: str,
    key: str,
    log_dir: Path,
    inspect: Path | None = None,
    limit: int | None = None,
    epochs: int | None = None,
) -> Path:
    """Run ``target`` (``file.py@task``, or a task of an installed package) on ``model`` of the gateway; the log, for `read_log`.

    ``gateway_url`` is without ``/v1``. ``inspect`` is the program, or a Python that has inspect_ai; None: whichever is installed.

    Raises:
        Unavailable: ``exchange.extra_missing``: there is no Inspect. Unprocessable: ``exchange.inspect_failed``, with its last words.
        InvalidInput: ``exchange.several_tasks``: the target is more than one task.
    """
    before = await asyncio.to_thread(_logs, log_dir)
    options = {"--limit": limit, "--epochs": epochs}
    command = [
        *_program(inspect),
        *("eval", "--model", f"openai-api/assay/{model}", "--log-dir", str(log_dir), "--log-format", "eval", "--display", "none"),
        *(word for name, value in options.items() if value is not None for word in (name, str(value))),
        *("--", _near(target)),
    ]
    code, said = await _run(command, _environment(gateway_url, key))
    logs = sorted(await asyncio.to_thread(_logs, log_dir) - before)
    if code != 0 or not logs:
        words = said.decode("utf-8", "replace").replace(key, "[key]").strip()[-_SAID:]
        raise Unprocessable("exchange.inspect_failed", f"Inspect ended with {code} and {len(logs)} logs. Its last words: {words}")
    if len(logs) > 1:
        raise InvalidInput("exchange.several_tasks", f"{target!r} is {len(logs)} tasks.", hint="Name one, as in `file.py@task`.")
    return logs[0]


def _near(target: str) -> str:
    """Inspect finds files only by a path from where it is started."""
    return os.path.relpath(target) if os.path.isabs(target) else target


def _logs(folder: Path) -> set[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    return set(folder.glob("*.eval"))


def _program(inspect: Path | None) -> list[str]:
    """How Inspect is started."""
    if inspect is not None:
        found = shutil.which(inspect)
        if found is None:
            raise _missing(f"{inspect} is no program.")
        return [found, "-m", "inspect_ai"] if inspect.name.startswith("python") else [found]
    if importlib.util.find_spec("inspect_ai") is not None:
        return [sys.executable, "-m", "inspect_ai"]
    if (found := shutil.which("inspect")) is not None:
        return [found]
    raise _missing("Inspect is not installed.")


def _environment(gateway_url: str, key: str) -> dict[str, str]:
    """Inspect's ``openai-api/assay/...`` looks for these two names."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "ASSAY_BASE_URL": f"{gateway_url.rstrip('/')}/v1", "ASSAY_API_KEY": key}


async def _run(command: list[str], environment: dict[str, str]) -> tuple[int, bytes]:
    """Its exit status and all it said. It never outlives the one who waits for it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            await _end(process)
    return process.returncode or 0, said


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _GRACE_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _missing(why: str) -> Unavailable:
    return Unavailable(
        "exchange.extra_missing", why, hint="Install it, perhaps in an environment of its own: `uv tool install inspect-ai`."
    )
