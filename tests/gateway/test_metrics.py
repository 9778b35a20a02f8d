"""What Prometheus reads is what happened, whoever of several processes saw it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assay.core import Call, Deployment, Money, Provider, Usage, new_id
from assay.gateway.attempt import Attempt
from assay.gateway.metrics import Gauge, Metrics, load_counts, write_text
from assay.gateway.recorder import Settled
from assay.gateway.snapshot import Route
from assay.gateway.upstream import Upstream

ROUTE = Route(
    Deployment(id="up/m", provider="up", model="m", upstream_model="m"),
    Upstream(Provider(name="up", title="Up", base_url="http://up/v1"), None),
)
CALL = Call(
    id="c",
    request_id="r",
    at=1,
    purpose="traffic",
    outcome="ok",
    asked="m",
    deployment="up/m",
    provider="up",
    model="m",
    protocol="openai_chat",
    stream=True,
    duration_us=300_000,
    ttft_us=40_000,
    usage=Usage(input=7, cache_read=3, output=5),
    cost=Money.of("0.25"),
)


def settled(**changes: object) -> Settled:
    call = msgspec.structs.replace(CALL, id=new_id(), **changes)
    return Settled(Attempt(ROUTE, asked="m", purpose="traffic", stream=True, request_id=call.id), call)


def read(text: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample by its name and label values, as Prometheus' own parser reads it."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_calls_tokens_cost_and_times_are_counted() -> None:
    metrics = Metrics()
    metrics.committed(
        [settled(), settled(), settled(outcome="error", error="upstream.failed", usage=None, cost=None, ttft_us=None)]
    )
    metrics.refuse("key.invalid")
    found = read(write_text(metrics.counts))
    assert found["assay_calls_total", ("up", "m", "ok", "")] == 2
    assert found["assay_calls_total", ("up", "m", "error", "upstream.failed")] == 1
    assert found["assay_tokens_total", ("up", "m", "cache_read")] == 6
    assert found["assay_cost_total", ("up", "m", "USD")] == 0.5
    assert found["assay_refused_total", ("key.invalid",)] == 1
    assert found["assay_call_duration_seconds_bucket", ("up", "m", "0.25")] == 0
    assert found["assay_call_duration_seconds_bucket", ("up", "m", "0.5")] == 3
    assert found["assay_call_duration_seconds_count", ("up", "m")] == 3
    assert found["assay_first_content_seconds_bucket", ("up", "m", "0.05")] == 2
    assert found["assay_call_duration_seconds_sum", ("up", "m")] == pytest.approx(0.9)


def test_what_processes_saved_is_added_up_and_a_broken_file_is_left_out(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.committed([settled()])
    metrics.save(tmp_path)
    (tmp_path / "1.json").write_bytes((tmp_path / f"{os.getpid()}.json").read_bytes())
    (tmp_path / "2.json").write_text('{"values": 3}')
    found = read(write_text(load_counts(sorted(tmp_path.glob("*.json")))))
    assert found["assay_calls_total", ("up", "m", "ok", "")] == 2
    assert found["assay_call_duration_seconds_count", ("up", "m")] == 2


def test_names_from_outside_cannot_break_a_line(tmp_path: Path) -> None:
    metrics = Metrics()
    hostile = 'a"b\\c\nassay_calls_total{provider="x"} 9'
    metrics.committed([settled(model=hostile)])
    assert read(write_text(metrics.counts))["assay_calls_total", ("up", hostile, "ok", "")] == 1


def test_series_are_bounded_though_clients_name_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.gateway.metrics._MOST_SERIES", 10)
    metrics = Metrics()
    metrics.committed([settled(model=f"m{number}") for number in range(100)])
    found = read(write_text(metrics.counts))
    calls = {labels: value for (name, labels), value in found.items() if name == "assay_calls_total"}
    assert sum(calls.values()) == 100
    assert len(calls) < 15
    assert ("other", "other", "other", "other") in calls


def test_gauges_stand_beside_the_counts() -> None:
    text = write_text(Metrics().counts, [Gauge("assay_calls_waiting", "Calls that wait.", (), [((), 3)])])
    assert read(text)["assay_calls_waiting", ()] == 3


def test_log_lines_can_be_objects() -> None:
    code = "import logging; from assay.core.logs import start_logging; start_logging('INFO', 'json'); logging.getLogger('assay.x').info('a %s', 'b\\x1b\\n')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    (line,) = run.stderr.splitlines()
    assert json.loads(line) | {"at": "", "process": 0} == {
        "at": "",
        "level": "INFO",
        "logger": "assay.x",
        "message": "a b\x1b\n",
        "process": 0,
    }
