"""Requests and streamed events per CPU second: direct, through nginx, sglang-router and Assay, in one run.

``python -m benchmarks.gateway [--json] [--requests N] [--rounds N]``. Plain answers at one client and at 64; 128 paced
streams of 50 events a second. Assay is the whole product as ``assay up`` starts it, with bodies kept, on SQLite; it checks
1,000 keys in turn. Its CPU is user + system of all its threads from the first request to the last committed row.

The run proves its own work: every answer equals, byte for byte, what the upstream sent; there are as many rows as requests;
every stored request and reply holds the words that went over the wire. nginx checks no key and keeps no record, sglang-router
checks one key; so both do less. Shared machines are noisy: compare within one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from assay import __version__ as assay_version
from assay.store import Vault, keys, migrate, open_database
from benchmarks.gateway_load import Load
from benchmarks.gateway_traffic import EVENTS, MARK, NONCE_DIGITS, TOKENS, reply_text, token

ROOT = Path(__file__).parent.parent
KEYS = 1000
STREAMS = 128
PACE_S = 1 / 50
MODEL = "bench-model"
_TICK = os.sysconf("SC_CLK_TCK")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something that carries requests. ``rows`` counts what it has recorded, where it records."""

    name: str
    version: str
    port: int
    pid: int
    model: str = MODEL
    keys: tuple[str, ...] = ("sk-bench",)
    database: Path | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of load."""

    name: str
    requests: int
    connections: int
    stream: bool

    @property
    def units(self) -> int:
        """Plain answers, or events."""
        return self.requests * (EVENTS if self.stream else 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--requests", type=int, default=20_000, help="plain requests at 64 clients")
    parser.add_argument(
        "--rounds", type=int, default=4, help="streams that each of the 128 connections asks for, one after another"
    )
    parser.add_argument("--only", nargs="*", default=["direct", "nginx", "sglang-router", "assay"], help="who is measured")
    options = parser.parse_args()
    cases = [
        Case(name="plain_c1", requests=max(500, options.requests // 5), connections=1, stream=False),
        Case(name="plain_c64", requests=options.requests, connections=64, stream=False),
        Case(name="paced", requests=STREAMS * options.rounds, connections=STREAMS, stream=True),
    ]
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, upstream() as (port, pid):
        results: dict[str, dict[str, Any]] = {}
        for name in options.only:
            with _TARGETS[name](Path(folder), port, pid) as target:
                results[name] = {"version": target.version, **{case.name: measure(target, case) for case in cases}}
    report = {"machine": machine(), "targets": results, "ratios": ratios(results)}
    print(json.dumps(report, indent=2) if options.json else as_table(report))
    sys.exit(0 if all(result[case.name]["sound"] for result in results.values() for case in cases) else 1)


def measure(target: Target, case: Case) -> dict[str, Any]:
    """Run one case, and count the CPU until its last row is committed."""
    rows_at_rest = rows(target)
    warm_up = max(case.connections, 200)
    send(target, case, warm_up, stream=False)
    rows_before = wait_for_rows(target, rows_at_rest + warm_up)
    cpu_before = cpu_s(target.pid)
    report = send(target, case, case.requests, stream=case.stream)
    recorded = wait_for_rows(target, rows_before + case.requests) - rows_before
    used_s = cpu_s(target.pid) - cpu_before
    sound = report["wrong"] == 0 and report["answers"] == case.requests
    if target.database is not None:
        sound = sound and recorded == case.requests and bodies_agree(target.database, case)
    return {
        "per_cpu_s": round(case.units / used_s) if used_s else None,
        "cpu_s": round(used_s, 2),
        "units": case.units,
        "rows": recorded if target.database is not None else None,
        "sound": sound,
        **report,
    }


def send(target: Target, case: Case, requests: int, *, stream: bool) -> dict[str, Any]:
    """Let the load generator run in a process of its own."""
    global _nonce
    load = Load(
        port=target.port,
        model=target.model,
        requests=requests,
        connections=case.connections,
        stream=stream,
        keys=list(target.keys),
        first_nonce=_nonce,
        spread_s=PACE_S * 10 if stream else 0,
    )
    _nonce += requests
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gateway_load", "-"],
        input=msgspec.json.encode(load),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


_nonce = 1


def rows(target: Target) -> int:
    """How many calls are committed."""
    if target.database is None:
        return 0
    with _reading(target.database) as db:
        return int(db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])


def wait_for_rows(target: Target, expected: int, timeout_s: float = 30) -> int:
    """Wait until so many calls are committed; how many there are then."""
    deadline = time.monotonic() + timeout_s
    while (found := rows(target)) < expected and target.database is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def bodies_agree(database: Path, case: Case) -> bool:
    """Whether the newest rows hold the words that were sent and answered, with their tokens counted."""
    with _reading(database) as db:
        calls = db.execute(
            "SELECT bodies.request, bodies.reply, input_tokens, output_tokens"
            " FROM (SELECT * FROM calls ORDER BY id DESC LIMIT ?) AS newest JOIN call_bodies AS bodies ON bodies.call = newest.id",
            (case.requests,),
        ).fetchall()
    return len(calls) == case.requests and all(
        _agrees(request, reply, came, went, stream=case.stream) for request, reply, came, went in calls
    )


def _agrees(request: bytes, reply: bytes, input_tokens: int, output_tokens: int, *, stream: bool) -> bool:
    at = request.find(MARK) + len(MARK)
    nonce = request[at : at + NONCE_DIGITS]
    words = b"".join(token(nonce, number) for number in range(TOKENS)) if stream else reply_text(nonce)
    return words in reply and (input_tokens, output_tokens) == (90, 100)


@contextmanager
def _reading(database: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        yield db
    finally:
        db.close()


def cpu_s(pid: int) -> float:
    """User and system time of a process, its threads, and its children."""
    total = 0
    for process in [pid, *descendants(pid)]:
        with suppress(FileNotFoundError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / _TICK


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


# What is measured


@contextmanager
def upstream() -> Iterator[tuple[int, int]]:
    """The upstream process: its port and pid."""
    with _process([sys.executable, "-m", "benchmarks.gateway_upstream", str(PACE_S)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid


@contextmanager
def direct(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """Nobody in between; the CPU is the upstream's own."""
    yield Target(name="direct", version="-", port=port, pid=pid)


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
        yield Target(name="nginx", version=told.strip().rpartition("/")[2], port=listen, pid=process.pid)


@contextmanager
def sglang_router(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """A router in Rust, from PyPI, in an environment of its own. It checks one key and keeps no record."""
    python = peers()
    listen = free_port()
    told = subprocess.run(
        [python, "-c", "import importlib.metadata as m; print(m.version('sglang-router'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    command = [
        str(python), "-m", "sglang_router.launch_router", "--worker-urls", f"http://127.0.0.1:{port}", "--host", "127.0.0.1",
        "--port", str(listen), "--prometheus-port", str(free_port()), "--policy", "round_robin", "--api-key", "sk-bench",
        "--log-level", "error", "--max-concurrent-requests", "4096", "--queue-size", "4096",
    ]  # fmt: skip
    with _process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_for(listen)
        target = Target(name="sglang-router", version=told.strip(), port=listen, pid=process.pid)
        wait_for_answer(target)
        yield target


@contextmanager
def assay(folder: Path, port: int, pid: int) -> Iterator[Target]:
    """The whole product, as ``assay up`` starts it."""
    home = folder / "assay"
    data, master = home / "data", home / "secret" / "master.key"
    data.mkdir(parents=True, mode=0o700)
    (home / "assay.toml").write_text(
        f'[providers.bench]\ntitle = "Bench"\nbase_url = "http://127.0.0.1:{port}/v1"\nkey_env = ["BENCH_KEY"]\n'
    )
    made = asyncio.run(make_keys(data / "assay.db", master))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    environ = inherited | {
        "ASSAY_CONFIG": str(home / "assay.toml"),
        "ASSAY_MASTER_KEY": str(master),
        "HOME": str(home),
        "BENCH_KEY": "sk-bench",
    }
    command = [sys.executable, "-m", "assay", "up", "--json", "--port", "0", "--data", str(data)]
    with _process(command, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        printed = b""
        while not printed.endswith(b"}\n"):
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"assay did not start: {printed!r}")
            printed += line
        listen = int(json.loads(printed)["url"].rpartition(":")[2])
        yield Target(
            name="assay",
            version=assay_version,
            port=listen,
            pid=process.pid,
            model=f"bench/{MODEL}",
            keys=tuple(made),
            database=data / "assay.db",
        )


async def make_keys(database: Path, master: Path) -> list[str]:
    """A thousand gateway keys, in the database that the server will open."""
    db = await open_database(f"sqlite:///{database}")
    await migrate(db, "assay.store", "assay.arena")
    vault = Vault.open(master)
    made = await asyncio.gather(*(keys.create_key(db, vault, f"bench {number}") for number in range(KEYS)))
    await db.close()
    return [key for _, key in made]


_TARGETS = {"direct": direct, "nginx": nginx, "sglang-router": sglang_router, "assay": assay}


def peers() -> Path:
    """The Python of the environment that holds the peers; made under ``build/`` where ``make`` has not made one."""
    made = ROOT / ".venv" / "bench" / "bin" / "python"
    if made.exists():
        return made
    folder = ROOT / "build" / "bench"
    if not (folder / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(folder / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(ROOT / "requirements" / "bench.txt")],
            check=True,
        )
    return folder / "bin" / "python"


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


def wait_for_answer(target: Target, timeout_s: float = 60) -> None:
    """Wait until an answer comes through whole: a router learns of its upstream only after a while."""
    once = Case(name="probe", requests=1, connections=1, stream=False)
    deadline = time.monotonic() + timeout_s
    while (report := send(target, once, 1, stream=False))["wrong"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{target.name} does not answer: {report['examples']}")
        time.sleep(0.5)


# What is printed


def machine() -> dict[str, Any]:
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "uvicorn": version("uvicorn"),
        "uvloop": version("uvloop"),
        "httptools": version("httptools"),
        "sqlite": sqlite3.sqlite_version,
    }


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Assay's figures over those of each peer, and the latency it adds at one client."""
    if "assay" not in results:
        return {}
    ours = results["assay"]
    found: dict[str, Any] = {}
    for name, theirs in results.items():
        if name not in ("assay", "direct"):
            found[f"over_{name}"] = {
                case: round(ours[case]["per_cpu_s"] / theirs[case]["per_cpu_s"], 2)
                for case in ("plain_c1", "plain_c64", "paced")
                if theirs[case]["per_cpu_s"] and ours[case]["per_cpu_s"]
            }
    if "direct" in results:
        found["added_p50_ms_c1"] = round((ours["plain_c1"]["p50_us"] - results["direct"]["plain_c1"]["p50_us"]) / 1000, 3)
        found["added_ttft_p50_ms_paced"] = round(
            (ours["paced"]["ttft_p50_us"] - results["direct"]["paced"]["ttft_p50_us"]) / 1000, 2
        )
    return found


def as_table(report: dict[str, Any]) -> str:
    lines = [" ".join(f"{name}={value}" for name, value in report["machine"].items()), ""]
    lines.append(
        f"{'':<14} {'version':<10} {'case':<10} {'per CPU s':>10} {'CPU s':>7} {'p50 ms':>8} {'p99 ms':>8} {'TTFT ms':>8}  sound"
    )
    for name, result in report["targets"].items():
        for case in ("plain_c1", "plain_c64", "paced"):
            row = result[case]
            lines.append(
                f"{name:<14} {result['version']:<10} {case:<10} {row['per_cpu_s'] or 0:>10,} {row['cpu_s']:>7} {row['p50_us'] / 1000:>8.2f} "
                f"{row['p99_us'] / 1000:>8.2f} {row['ttft_p50_us'] / 1000:>8.2f}  {row['sound']}"
            )
            lines += [f"    {example}" for example in row["examples"]]
    lines += ["", json.dumps(report["ratios"])]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
