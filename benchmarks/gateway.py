"""Requests and streamed events per CPU second: direct, through nginx, sglang-router, LiteLLM, Portkey and Assay, in one run.

``python -m benchmarks.gateway [--json] [--only NAME ...]``. Passed through: plain answers at one client and at 64, and 128 paced
streams of 50 events a second. Translated: plain answers at 64 clients and paced streams, for every pair of protocols that a
target translates. All run side by side and are measured in turn, case by case, so that a noisy minute meets all of them.

Assay is the whole product as ``assay up`` starts it, with bodies kept, on SQLite; it checks 1,000 keys in turn. Its CPU is user +
system of all its threads from the first request to the last committed row. The run proves its own work: what is passed through
equals, byte for byte, what the upstream sent; what is translated has every word, the end and the tokens; there are as many rows
as requests, and each holds the words that went over the wire. Shared machines are noisy: compare within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from benchmarks.gateway_load import Load
from benchmarks.gateway_targets import CHAT, ROOT, TARGETS, Target, upstream
from benchmarks.gateway_traffic import EVENTS, INPUT_TOKENS, OUTPUT_TOKENS, PROTOCOLS, nonce_in, words

STREAMS = 128
PACE_S = 1 / 50
SHORT = {CHAT: "chat", "openai_responses": "responses", "anthropic": "anthropic", "gemini": "gemini"}
_TICK = os.sysconf("SC_CLK_TCK")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of load, measured ``repeat`` times: clients of one protocol, an upstream of another."""

    name: str
    requests: int
    connections: int
    stream: bool
    client: str = CHAT
    provider: str = CHAT
    repeat: int = 1

    @property
    def exact(self) -> bool:
        """Whether answers are the upstream's own bytes."""
        return self.client == self.provider

    def units(self, requests: int) -> int:
        """Plain answers, or events."""
        return requests * (EVENTS if self.stream else 1)


def main() -> None:
    options = _options()
    cases = list(_cases(options.requests, options.rounds, options.repeat, options.pairs))
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, upstream(PACE_S) as (port, pid), ExitStack() as running:
        targets = [running.enter_context(TARGETS[name](Path(folder), port, pid)) for name in options.only]
        for target in targets:
            wait_for_answer(target)
        results: dict[str, dict[str, Any]] = {target.name: {"version": target.version} for target in targets}
        for case in cases:
            carriers = [target for target in targets if (case.client, case.provider) in target.doors]
            runs = [[measure(target, case) for target in carriers] for _ in range(case.repeat)]
            for target, measured in zip(carriers, zip(*runs, strict=True), strict=True):
                results[target.name][case.name] = middle(measured)
    report = {"machine": machine(), "targets": results, "ratios": ratios(results)}
    print(json.dumps(report, indent=2) if options.json else as_table(report, [case.name for case in cases]))
    sys.exit(0 if all(result["sound"] for name in ("direct", "assay") for result in _measured(results.get(name, {}))) else 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--requests", type=int, default=10_000, help="plain requests at 64 clients; a fifth of them elsewhere")
    parser.add_argument("--rounds", type=int, default=2, help="streams that each of the 128 connections asks for in turn")
    parser.add_argument("--repeat", type=int, default=3, help="how often what is passed through is measured; the median counts")
    parser.add_argument("--only", nargs="*", default=list(TARGETS), choices=list(TARGETS), help="who is measured")
    parser.add_argument("--pairs", nargs="*", help="which are translated, such as chat>gemini; default all twelve")
    return parser.parse_args()


def _cases(requests: int, rounds: int, repeat: int, pairs: list[str] | None) -> Iterator[Case]:
    fifth, streams = max(500, requests // 5), STREAMS * rounds
    yield Case(name="plain_c1", requests=fifth, connections=1, stream=False, repeat=repeat)
    yield Case(name="plain_c64", requests=requests, connections=64, stream=False, repeat=repeat)
    yield Case(name="paced", requests=streams, connections=STREAMS, stream=True, repeat=repeat)
    for client in PROTOCOLS:
        for provider in PROTOCOLS:
            pair = f"{SHORT[client]}>{SHORT[provider]}"
            if client == provider or (pairs is not None and pair not in pairs):
                continue
            yield Case(name=f"{pair} plain", requests=fifth, connections=64, stream=False, client=client, provider=provider)
            yield Case(name=f"{pair} paced", requests=streams, connections=STREAMS, stream=True, client=client, provider=provider)


def measure(target: Target, case: Case) -> dict[str, Any]:
    """Run one case, and count the CPU until its last row is committed."""
    requests = min(case.requests, target.most or case.requests)
    rows_at_rest = rows(target)
    warm_up = min(case.connections, requests)
    send(target, case, warm_up, stream=False)
    rows_before = wait_for_rows(target, rows_at_rest + warm_up)
    cpu_before = cpu_s(target.pid)
    report = send(target, case, requests, stream=case.stream)
    recorded = wait_for_rows(target, rows_before + requests) - rows_before
    used_s = cpu_s(target.pid) - cpu_before
    sound = report["wrong"] == 0 and report["answers"] == requests
    if target.database is not None:
        sound = sound and recorded == requests and bodies_agree(target.database, requests, stream=case.stream)
    units = case.units(requests)
    return {
        "per_cpu_s": round(units / used_s) if used_s else None,
        "cpu_s": round(used_s, 2),
        "units": units,
        "rows": recorded if target.database is not None else None,
        "sound": sound,
        **report,
    }


def middle(measured: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of several measurements the one in the middle, with all of their figures; sound only if each was."""
    ordered = sorted(measured, key=lambda one: one["per_cpu_s"] or 0)
    chosen = ordered[len(ordered) // 2]
    return chosen | {
        "sound": all(one["sound"] for one in measured),
        "examples": [example for one in measured for example in one["examples"]][:3],
        "per_cpu_s_of_each": [one["per_cpu_s"] for one in measured],
    }


def send(target: Target, case: Case, requests: int, *, stream: bool) -> dict[str, Any]:
    """Let the load generator run in a process of its own."""
    global _nonce
    door = target.doors[case.client, case.provider]
    load = Load(
        port=target.port,
        protocol=case.client,
        exact=case.exact and target.name not in REWRITE,
        model=door.model,
        headers=door.headers,
        requests=requests,
        connections=min(case.connections, requests),
        stream=stream,
        keys=list(target.keys),
        first_nonce=_nonce,
        spread_s=PACE_S * 10 if stream else 0,
    )
    _nonce += requests
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gateway_load"],
        input=msgspec.json.encode(load),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


_nonce = 1

REWRITE = ("litellm", "portkey")
"""They decode and write again even what stays in its protocol; so they are held to its words, not to its bytes."""


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


def bodies_agree(database: Path, requests: int, *, stream: bool) -> bool:
    """Whether the newest rows hold the words that were sent and answered, with their tokens counted."""
    with _reading(database) as db:
        calls = db.execute(
            "SELECT bodies.request, bodies.reply, input_tokens, output_tokens"
            " FROM (SELECT * FROM calls ORDER BY id DESC LIMIT ?) AS newest JOIN call_bodies AS bodies ON bodies.call = newest.id",
            (requests,),
        ).fetchall()
    return len(calls) == requests and all(
        words(nonce_in(request), stream=stream).encode() in reply and (came, went) == (INPUT_TOKENS, OUTPUT_TOKENS)
        for request, reply, came, went in calls
    )


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
    """The ids of all processes that a process began."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def wait_for_answer(target: Target, timeout_s: float = 60) -> None:
    """Wait until an answer comes through whole: a router learns of its upstream only after a while."""
    once = Case(name="probe", requests=1, connections=1, stream=False)
    deadline = time.monotonic() + timeout_s
    while (report := send(target, once, 1, stream=False))["wrong"] or not report["answers"]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{target.name} does not answer: {report['examples']}")
        time.sleep(0.5)


# What is printed


def machine() -> dict[str, Any]:
    """Where this ran, and on what."""
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ""
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "uvloop": version("uvloop"),
        "httptools": version("httptools"),
        "sqlite": sqlite3.sqlite_version,
    }


def _measured(result: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return [case for case in result.values() if isinstance(case, dict)]


def ratios(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Assay's figures over those of each peer, what it adds to the wait, and what it does of translated work.

    What Assay translates is compared with what a peer passes through where that is all that it does.
    """
    if "assay" not in results:
        return {}
    ours = results["assay"]
    found: dict[str, Any] = {}
    for name, theirs in results.items():
        if name in ("assay", "direct"):
            continue
        translates = any(">" in case for case in theirs)
        over = found[f"over_{name}"] = {}
        for case, mine in ours.items():
            other = theirs.get(case if translates or ">" not in case else "paced" if case.endswith("paced") else "plain_c64")
            if case != "version" and other and mine["per_cpu_s"] and other["per_cpu_s"] and other["sound"]:
                over[case] = round(mine["per_cpu_s"] / other["per_cpu_s"], 2)
    for kind in ("plain", "paced"):
        figures = [result["per_cpu_s"] for case, result in ours.items() if case.endswith(f" {kind}")]
        if figures:
            found[f"translated_{kind}_per_cpu_s"] = {
                "lowest": min(figures),
                "median": round(median(figures)),
                "highest": max(figures),
            }
    if "direct" in results:
        base = results["direct"]
        found["added_p50_ms_c1"] = round((ours["plain_c1"]["p50_us"] - base["plain_c1"]["p50_us"]) / 1000, 3)
        found["added_ttft_p50_ms"] = {
            case: round((result["ttft_p50_us"] - base["paced"]["ttft_p50_us"]) / 1000, 2)
            for case, result in ours.items()
            if case.endswith("paced")
        }
    return found


def as_table(report: dict[str, Any], cases: list[str]) -> str:
    """The report for people: every case with all who were measured in it."""
    lines = [" ".join(f"{name}={value}" for name, value in report["machine"].items())]
    lines += [" ".join(f"{name}={result['version']}" for name, result in report["targets"].items()), ""]
    lines.append(f"{'':<26} {'':<14} {'per CPU s':>10} {'CPU s':>7} {'p50 ms':>9} {'p99 ms':>9} {'TTFT ms':>9}  sound")
    for case in cases:
        for name, result in report["targets"].items():
            row = result.get(case)
            if row is not None:
                lines.append(
                    f"{case:<26} {name:<14} {row['per_cpu_s'] or 0:>10,} {row['cpu_s']:>7} {row['p50_us'] / 1000:>9.2f} "
                    f"{row['p99_us'] / 1000:>9.2f} {row['ttft_p50_us'] / 1000:>9.2f}  {row['sound']}"
                )
                lines += [f"    {example}" for example in row["examples"][:1]]
    lines += ["", json.dumps(report["ratios"], indent=1)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
