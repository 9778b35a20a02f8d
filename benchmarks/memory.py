"""What Assay takes: from the command to the first answer, at rest, and after so many requests.

``python -m benchmarks.memory [--json] [--requests N]``. At rest: proportional memory (PSS: what processes share is divided among
them) of every process, five seconds after the first answer, with no workers and with four. Growth: resident memory of a single
process after every tenth of the requests, each recorded with its bodies before it is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from assay import __version__
from benchmarks.gateway import Case, descendants, machine, send, wait_for_rows
from benchmarks.gateway_targets import CHAT, MODEL, Door, Target, upstream
from benchmarks.gateway_traffic import request
from tests.workers.measure import MB, held_by

REST_S = 5
STEPS = 10


@contextmanager
def started(folder: Path, port: int, workers: int) -> Iterator[tuple[Target, float]]:
    """`assay up --demo` before the upstream, and the seconds until its first answer."""
    folder.mkdir()
    (folder / "assay.toml").write_text(
        f'[providers.bench]\ntitle = "Bench"\nbase_url = "http://127.0.0.1:{port}/v1"\nkey_env = ["BENCH_KEY"]\n'
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")} | {
        "ASSAY_MASTER_KEY": str(folder / "secret" / "master.key"),
        "HOME": str(folder),
        "BENCH_KEY": "sk-bench",
    }
    data = folder / "data"
    command = [
        sys.executable,
        "-m",
        "assay",
        "up",
        "--demo",
        "--json",
        "--port",
        "0",
        "--data",
        str(data),
        "--workers",
        str(workers),
    ]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, cwd=folder) as process:
        assert process.stdout is not None
        printed = b""
        while not printed.endswith(b"}\n"):
            printed += process.stdout.readline()
        announced = json.loads(printed)
        target = Target(
            name="assay",
            version=__version__,
            port=int(announced["url"].rpartition(":")[2]),
            pid=process.pid,
            doors={(CHAT, CHAT): Door(f"bench/{MODEL}")},
            keys=(announced["key"],),
            database=data / "assay.db",
        )
        try:
            ask_once(target)
            yield target, time.monotonic() - began
        finally:
            process.terminate()


def ask_once(target: Target) -> None:
    """One request, whose answer must be whole."""
    connection = http.client.HTTPConnection("127.0.0.1", target.port)
    asked = request(CHAT, f"bench/{MODEL}", target.keys[0], 0, stream=False)
    connection.request("POST", asked.path, asked.body, asked.headers)
    with connection.getresponse() as response:
        assert response.status == 200
        response.read()
    connection.close()


def at_rest(folder: Path, port: int, workers: int) -> dict[str, Any]:
    """Memory of every process in MB, and the seconds of its start."""
    with started(folder, port, workers) as (target, start_s):
        time.sleep(REST_S)
        control, *others = (held_by(pid).proportional / MB for pid in [target.pid, *descendants(target.pid)])
        return {
            "workers": workers,
            "start_s": round(start_s, 2),
            "control_mb": round(control, 1),
            "worker_mb": [round(one, 1) for one in others],
            "whole_mb": round(control + sum(others), 1),
        }


def growth(folder: Path, port: int, requests: int) -> dict[str, Any]:
    """Resident memory in MB after each step of the requests."""
    step = requests // STEPS
    case = Case(name="growth", requests=step, connections=16, stream=False)
    with started(folder, port, 0) as (target, _):
        time.sleep(REST_S)
        recorded = wait_for_rows(target, 1)
        resident = [held_by(target.pid).resident / MB]
        for _ in range(STEPS):
            report = send(target, case, step, stream=False)
            assert report["wrong"] == 0
            assert report["answers"] == step
            recorded = wait_for_rows(target, recorded + step)
            time.sleep(1)
            resident.append(held_by(target.pid).resident / MB)
    return {
        "requests": step * STEPS,
        "resident_mb": [round(one, 1) for one in resident],
        "grown_mb": round(resident[-1] - resident[0], 1),
        "grown_after_a_fifth_mb": round(resident[-1] - median(resident[2:4]), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--requests", type=int, default=50_000, help="over how many memory is watched")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="assay-memory-") as folder, upstream(0) as (port, _):
        rest = [at_rest(Path(folder) / f"rest-{workers}", port, workers) for workers in (0, 4)]
        report = {"machine": machine(), "at_rest": rest, "growth": growth(Path(folder) / "growth", port, options.requests)}
    if options.json:
        print(json.dumps(report, indent=2))
        return
    for one in rest:
        print(f"workers {one['workers']}: first answer after {one['start_s']} s; {one['whole_mb']} MB at rest: {one}")
    print(f"growth: {report['growth']}")


if __name__ == "__main__":
    main()
