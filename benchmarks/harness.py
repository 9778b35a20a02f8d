"""A run of 1,000 samples of 100 ms each, 50 at once: Assay beside Inspect and lm-eval, and a bare client, in one run.

``python -m benchmarks.harness [--json] [--repeat 3] [--inspect PYTHON] [--lm-eval PYTHON]``. The peers live in environments of their
own (``inspect_ai openai`` and ``lm_eval[api]``), whose Pythons are given; those that are not given are left out, aloud.

Everything is measured from outside: each harness is started as a user starts it, as a command, and the model counts what it is asked.
*Start*: from the process's start to its first request, the quickest
of all its runs. *Span*: from the first request to the last answer; the ideal is samples / at
once * latency. *CPU*: user + system of the whole process; a sample's is that of the whole run less that of a run of one sample.
*Memory*: the largest resident set. They take turns, run by run, so that a noisy minute meets all of them; of several runs the
one with the middle span counts. Assay is ``assay bench run`` as installed, with every call and every body on record in SQLite; that
there are as many rows as samples, all scored right, is checked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import msgspec

from assay import __version__ as assay_version

ROOT = Path(__file__).parent.parent
SAMPLES, LATENCY_S, AT_ONCE = 1000, 0.1, 50
IDEAL_S = SAMPLES / AT_ONCE * LATENCY_S
TASK = "numbers"
_PROMPT = "What is the number {}? Answer with number {}."


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One run as it was seen from outside. ``sound``: it did what it was to do."""

    wall_s: float
    start_s: float
    span_s: float
    in_flight: float
    cpu_s: float
    memory_mb: int
    sound: bool


class Harness(Protocol):
    """Something that runs benchmarks."""

    name: str
    version: str
    folder: Path
    """Where it is started."""

    def command(self, samples: int) -> tuple[list[str], dict[str, str]]:
        """What to start, and in which environment."""
        ...

    def is_sound(self, samples: int) -> bool:
        """Whether its own records say what they should of the run that ended just now."""
        ...


class Assay:
    """``assay bench run`` with a fresh database each time."""

    name, version = "assay", assay_version

    def __init__(self, folder: Path, port: int):
        self.folder = ROOT
        self._data = folder / "assay"
        tasks = self._data / "tasks" / TASK
        tasks.mkdir(parents=True, mode=0o700)
        (tasks / "rows.jsonl").write_text("".join(f'{{"number": {n}, "answer": "{n}"}}\n' for n in range(SAMPLES)))
        prompt = _PROMPT.format("{{number}}", "{{number}}")
        (tasks / "task.toml").write_text(
            f'id = "{TASK}"\nversion = 1\ntitle = "Numbers"\nabout = "Says a number."\nkind = "numbers"\nprompt = "{prompt}"\n'
            'licence = "CC0-1.0"\ncitation = "none"\nlink = "none"\n[[data]]\nname = "rows.jsonl"\npath = "rows.jsonl"\n'
            '[fields]\ntarget = "answer"\n'
        )
        self._config = folder / "assay.toml"
        self._config.write_text(
            f'[providers.bench]\ntitle = "Bench"\nbase_url = "http://127.0.0.1:{port}/v1"\nkey_env = ["BENCH_KEY"]\n'
            '[[providers.bench.models]]\nname = "m"\n[providers.bench.models.price]\ninput = 1000000000\noutput = 2000000000\n'
        )

    def command(self, samples: int) -> tuple[list[str], dict[str, str]]:
        for file in self._data.glob("assay.db*"):
            file.unlink()
        flags = ["--model", "bench/m", "--concurrency", str(AT_ONCE), "--limit", str(samples), "--json"]
        environ = {
            "ASSAY_CONFIG": str(self._config),
            "ASSAY_DATA": str(self._data),
            "ASSAY_MASTER_KEY": str(self._data.parent / "secret" / "master.key"),
            "BENCH_KEY": "sk-bench",
        }
        return [sys.executable, "-m", "assay", "bench", "run", TASK, *flags], environ

    def is_sound(self, samples: int) -> bool:
        with sqlite3.connect(f"file:{self._data / 'assay.db'}?mode=ro", uri=True) as db:
            right = db.execute("SELECT COUNT(*) FROM bench_results WHERE state = 'scored' AND outcome = 'right'").fetchone()[0]
            calls = db.execute("SELECT COUNT(*) FROM calls WHERE outcome = 'ok' AND reply IS NOT NULL").fetchone()[0]
        db.close()
        return bool(right == calls == samples)


class Inspect:
    """``inspect eval`` with the quietest display and log that it has."""

    name = "inspect"

    def __init__(self, folder: Path, port: int, python: str):
        self.folder, self._port, self._python = folder, port, python
        self.version = _version(python, "inspect_ai")
        (folder / "numbers.py").write_text(
            "from inspect_ai import Task, task\nfrom inspect_ai.dataset import Sample\n"
            "from inspect_ai.scorer import match\nfrom inspect_ai.solver import generate\n\n\n@task\ndef numbers() -> Task:\n"
            f"    samples = [Sample(input={_PROMPT!r}.format(n, n), target=str(n)) for n in range({SAMPLES})]\n"
            "    return Task(dataset=samples, solver=generate(), scorer=match(numeric=True))\n"
        )

    def command(self, samples: int) -> tuple[list[str], dict[str, str]]:
        flags = ["--model", "openai/m", "--max-connections", str(AT_ONCE), "--limit", str(samples), "--display", "none"]
        flags += ["--no-log-realtime", "--log-dir", str(self.folder / "inspect-logs"), "-M", "responses_api=false"]
        environ = {"OPENAI_BASE_URL": f"http://127.0.0.1:{self._port}/v1", "OPENAI_API_KEY": "sk-bench"}
        return [str(Path(self._python).parent / "inspect"), "eval", "numbers.py", *flags], environ

    def is_sound(self, samples: int) -> bool:
        return True  # the model's own count decides


class LmEval:
    """``lm_eval run`` with its model for chat completions."""

    name = "lm-eval"

    def __init__(self, folder: Path, port: int, python: str):
        self.folder, self._port, self._python = folder / "lm-eval", port, python
        self.version = _version(python, "lm_eval")
        self.folder.mkdir()
        rows = [{"question": _PROMPT.format(n, n), "answer": str(n)} for n in range(SAMPLES)]
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (self.folder / "numbers.yaml").write_text(
            "task: numbers\ndataset_path: json\ndataset_kwargs:\n  data_files:\n"
            f"    test: {self.folder / 'rows.jsonl'}\ntest_split: test\noutput_type: generate_until\n"
            'doc_to_text: "{{question}}"\ndoc_to_target: "{{answer}}"\ngeneration_kwargs:\n  until: []\n  max_gen_toks: 64\n'
            "filter_list:\n  - name: number\n    filter:\n"
            '      - function: regex\n        regex_pattern: "#### (\\\\d+)"\n      - function: take_first\n'
            "metric_list:\n  - metric: exact_match\n"
        )

    def command(self, samples: int) -> tuple[list[str], dict[str, str]]:
        address = f"base_url=http://127.0.0.1:{self._port}/v1/chat/completions"
        about = f"model=m,{address},num_concurrent={AT_ONCE},max_retries=3,tokenized_requests=False,tokenizer_backend=None"
        flags = ["--model", "local-chat-completions", "--model_args", about, "--tasks", "numbers", "--apply_chat_template"]
        flags += ["--include_path", str(self.folder), "--limit", str(samples), "--log_samples"]
        flags += ["--output_path", str(self.folder / "out")]
        environ = {"OPENAI_API_KEY": "sk-bench", "HF_HUB_OFFLINE": "1", "HF_HOME": str(self.folder / "hf")}
        return [self._python, "-m", "lm_eval", "run", *flags], environ

    def is_sound(self, samples: int) -> bool:
        return True


class Bare:
    """As little as a client can do: this machine's own limit."""

    name, version = "bare client", sys.version.split()[0]

    def __init__(self, port: int):
        self.folder = ROOT
        self._port = port

    def command(self, samples: int) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-m", "benchmarks.harness", "--bare", str(self._port), str(samples)], {}

    def is_sound(self, samples: int) -> bool:
        return True


def main() -> None:
    options = _options()
    if options.bare:
        asyncio.run(_ask_barely(*options.bare))
        return
    with tempfile.TemporaryDirectory(prefix="assay-harness-") as name, _upstream() as port:
        harnesses = _harnesses(options, Path(name), port)
        alone = {one.name: measure(one, 1, port) for one in harnesses}
        runs: dict[str, list[Ran]] = {one.name: [] for one in harnesses}
        for _ in range(options.repeat):
            for one in harnesses:
                runs[one.name].append(measure(one, SAMPLES, port))
    report = {one.name: _told(one, alone[one.name], runs[one.name]) for one in harnesses}
    print(json.dumps(report, indent=2) if options.json else _table(report))
    sys.exit(0 if all(one["sound"] for one in report.values()) else 1)


def measure(harness: Harness, samples: int, port: int) -> Ran:
    """Start it, wait for its end, and see what it took and what the model was asked."""
    command, environ = harness.command(samples)
    told(port)
    began = time.time()
    process = subprocess.Popen(
        command,
        env=os.environ | environ,
        cwd=harness.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s, asked = time.time() - began, told(port)
    sound = process.returncode == 0 and asked["requests"] == samples and harness.is_sound(samples)
    if not sound:
        sys.stderr.write(f"{harness.name}: exit {process.returncode}, asked {asked['requests']}\n{said.decode()[-2000:]}\n")
    return Ran(
        wall_s=wall_s,
        start_s=asked["first_at"] - began,
        span_s=asked["last_at"] - asked["first_at"],
        in_flight=asked["in_flight"],
        cpu_s=used.ru_utime + used.ru_stime,
        memory_mb=used.ru_maxrss // 1024,
        sound=sound,
    )


def told(port: int) -> dict[str, Any]:
    """What the model was asked since this was called last."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/told") as response:
        answer: dict[str, Any] = json.load(response)
    return answer


def _told(harness: Harness, alone: Ran, runs: list[Ran]) -> dict[str, Any]:
    ran = sorted(runs, key=lambda one: one.span_s)[len(runs) // 2]
    return {
        "version": harness.version,
        "span_to_ideal": round(ran.span_s / IDEAL_S, 3),
        "spans_s": [round(one.span_s, 2) for one in runs],
        "in_flight": ran.in_flight,
        "start_s": round(min(one.start_s for one in (*runs, alone)), 2),
        "starts_s": [round(one.start_s, 2) for one in runs],
        "cpu_ms_a_sample": round((ran.cpu_s - alone.cpu_s) / (SAMPLES - 1) * 1000, 2),
        "cpu_s": round(ran.cpu_s, 2),
        "wall_s": round(ran.wall_s, 2),
        "memory_mb": max(one.memory_mb for one in runs),
        "sound": all(one.sound for one in (*runs, alone)),
    }


def _table(report: dict[str, dict[str, Any]]) -> str:
    columns = ("span_to_ideal", "in_flight", "start_s", "cpu_ms_a_sample", "cpu_s", "wall_s", "memory_mb", "sound")
    head = f"{'':24}" + "".join(f"{column:>17}" for column in columns)
    rows = [
        f"{name + ' ' + row['version']:24}" + "".join(f"{row[column]!s:>17}" for column in columns) for name, row in report.items()
    ]
    spans = [f"{name}: spans {row['spans_s']}, starts {row['starts_s']}" for name, row in report.items()]
    return "\n".join([f"{SAMPLES:,} samples of {LATENCY_S * 1000:.0f} ms, {AT_ONCE} at once", head, *rows, *spans])


def _harnesses(options: argparse.Namespace, folder: Path, port: int) -> list[Harness]:
    harnesses: list[Harness] = [Bare(port), Assay(folder, port)]
    for name, kind, python in (("--inspect", Inspect, options.inspect), ("--lm-eval", LmEval, options.lm_eval)):
        if python:
            harnesses.append(kind(folder, port, python))
        else:
            sys.stderr.write(f"left out, since {name} is not given\n")
    return harnesses


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--repeat", type=int, default=3, help="how often each is measured")
    parser.add_argument("--inspect", metavar="PYTHON", help="the Python of an environment with inspect_ai and openai")
    parser.add_argument("--lm-eval", metavar="PYTHON", help="the Python of an environment with lm_eval[api]")
    parser.add_argument("--bare", nargs=2, type=int, metavar=("PORT", "SAMPLES"), help=argparse.SUPPRESS)
    return parser.parse_args()


def _version(python: str, package: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def _upstream() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.harness_upstream", str(LATENCY_S)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


async def _ask_barely(port: int, samples: int) -> None:
    left = iter(range(samples))

    async def ask_on() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            message = {"role": "user", "content": _PROMPT.format(number, number)}
            body = json.dumps({"model": "m", "messages": [message]}).encode()
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
        writer.close()

    await asyncio.gather(*(ask_on() for _ in range(min(AT_ONCE, samples))))


if __name__ == "__main__":
    main()
