"""The metrics are for this machine, and for whoever brings their token."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.server import RunningAssay, running, until
from tests.web.conftest import raw


def test_this_machine_reads_the_metrics_without_signing_in(assay: RunningAssay) -> None:
    asked = assay.ask(
        "POST",
        "/v1/chat/completions",
        {"model": "practice/reckoner", "messages": [{"role": "user", "content": "What is 2 + 2?"}]},
        headers={"authorization": f"Bearer {assay.gateway_key}", "cookie": ""},
    )
    assert asked.status == 200, asked
    assay.ask("GET", "/v1/models", headers={"authorization": "Bearer ask-wrong"})

    def calls() -> dict[str, float]:
        reply = assay.ask("GET", "/metrics", headers={"cookie": ""})
        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
        assert families["process_resident_memory_bytes"].samples[0].value > 1e7
        assert {sample.labels["code"] for sample in families["assay_refused"].samples} >= {"key.invalid"}
        return {sample.labels["model"]: sample.value for sample in families["assay_calls"].samples}

    # The call is counted when it is recorded, a moment after its answer.
    until(lambda: calls().get("reckoner", 0) >= 1)


def test_what_came_through_a_proxy_is_not_from_this_machine(assay: RunningAssay) -> None:
    refused = assay.ask("GET", "/metrics", headers={"x-forwarded-for": "203.0.113.9", "cookie": ""})
    assert (refused.status, refused.json["code"]) == (401, "metrics.token")


def test_a_name_that_others_led_here_is_not_this_machine(assay: RunningAssay) -> None:
    """Else a page anywhere could read them in a browser on this machine, once its own name leads to 127.0.0.1."""
    for host in (b"evil.example:8470", b"localhost.evil.example", b"[::1].evil.example", b"203.0.113.9", b"", b":"):
        assert b"HTTP/1.1 401 " in raw(assay, b"GET /metrics HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host), host
    for host in (b"LOCALHOST", b"127.0.0.1:1", b"[::1]:8470"):
        assert b"HTTP/1.1 200 " in raw(assay, b"GET /metrics HTTP/1.1\r\nhost: %b\r\nconnection: close\r\n\r\n" % host), host


def test_where_there_is_a_token_it_is_needed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0123456789abcdef0123\n")
    with running(tmp_path, environ={"ASSAY_METRICS_TOKEN_FILE": str(token)}) as server:
        assert server.ask("GET", "/metrics").status == 401
        assert server.ask("GET", "/metrics", headers={"authorization": "Bearer 0123456789abcdef0124"}).status == 401
        assert server.ask("GET", "/metrics", headers={"authorization": "Bearer 0123456789abcdef0123"}).status == 200
