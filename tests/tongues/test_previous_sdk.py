"""The previous major of Anthropic's SDK, in an environment of its own, over every upstream.

It speaks API version 2023-06-01 and sends its key as ``x-api-key``, where the current one sends neither.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.tongues.rig import PROTOCOLS, Tongues, deployment
from tests.upstream.scripts import ANSWER_429_S, CALLS, GREETING, STEPS, THOUGHT

PYTHON = Path(__file__).parents[2] / ".venv" / "previous" / "bin" / "python"
SCRIPT = Path(__file__).with_name("previous_sdk.py")
FAILURES = {
    "error-400": ("BadRequestError", 400),
    "error-401": ("AuthenticationError", 401),
    "error-403": ("PermissionDeniedError", 403),
    "error-404": ("NotFoundError", 404),
    "error-429": ("RateLimitError", 429),
    "error-500": ("InternalServerError", 500),
    "error-503": ("InternalServerError", 503),
    "error-529": ("OverloadedError", 529),
    "no-such-model": ("NotFoundError", 404),
}


@pytest.fixture(scope="module")
def seen(tongues: Tongues) -> Any:
    """All that it saw, in one run."""
    assert PYTHON.exists(), "make .venv/previous.stamp"
    prefixes = [deployment(upstream, "") for upstream in PROTOCOLS]
    ran = subprocess.run([PYTHON, SCRIPT, tongues.url, tongues.key, *prefixes], capture_output=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return json.loads(ran.stdout)


@pytest.fixture(params=PROTOCOLS)
def over(request: pytest.FixtureRequest, seen: Any) -> Any:
    """What it saw over one upstream."""
    return seen[deployment(request.param, "")]


@pytest.fixture(params=["whole", "stream"])
def way(request: pytest.FixtureRequest, over: Any) -> Any:
    """What it saw of whole answers, and of streams."""
    return over[request.param]


def test_it_is_the_previous_major_and_says_so_in_its_headers(seen: Any, tongues: Tongues) -> None:
    import anthropic

    assert int(seen["version"].split(".")[0]) == int(anthropic.__version__.split(".")[0]) - 1
    asked = [one for one in tongues.upstream.requests if one.protocol == "anthropic" and one.method == "POST"]
    assert {one.header("anthropic-version") for one in asked} == {"2023-06-01"}


def test_words_and_instructions_arrive(way: Any) -> None:
    assert way["text"]["text"] == GREETING
    assert (way["text"]["stop"], way["text"]["usage"]) == ("end_turn", [11, 7])
    for told in ("Be brief.", "One.", "Two.", "Three."):
        assert told in way["text"]["told"]


def test_a_stream_has_its_order(over: Any) -> None:
    kinds = over["pieces"]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 1
    assert kinds.count("content_block_delta") > 3
    assert kinds.count("message_delta") == 1


def test_tools_are_called_and_answered(way: Any) -> None:
    first, last = way["tools"]
    assert first["inputs"] == [json.loads(said) for said in CALLS.values()]
    assert first["stop"] == "tool_use"
    assert (last["text"], last["stop"]) == ("fine 1 and fine 1", "end_turn")


def test_signatures_survive_loops_of_tools(way: Any) -> None:
    first, last = way["think-tool"]
    assert (first["thoughts"], last["text"]) == (THOUGHT, "fine 1")
    assert len(way["think-steps"]) == STEPS + 1
    assert way["think-steps"][-1]["text"] == " and ".join(f"fine {turn}" for turn in range(1, STEPS + 1))


def test_an_answer_fits_its_schema(way: Any) -> None:
    assert set(json.loads(way["schema"])) == {"city"}


@pytest.mark.parametrize("model", list(FAILURES))
def test_each_status_raises_its_exception(way: Any, model: str) -> None:
    failure = way["failures"][model]
    assert (failure["kind"], failure["status"]) == FAILURES[model]
    assert failure["request_id"]
    assert failure["retry_after"] == (str(ANSWER_429_S) if model == "error-429" else None)


@pytest.mark.parametrize("model", ["html-502", "not-json"])
def test_an_answer_that_is_none_is_a_bad_gateway(over: Any, model: str) -> None:
    failure = over["whole"]["failures"][model]
    assert (failure["kind"], failure["status"]) == ("InternalServerError", 502)


@pytest.mark.parametrize("model", ["mid-stream-error", "cut"])
def test_a_stream_that_breaks_is_an_exception_after_the_words_that_came(over: Any, model: str) -> None:
    failure = over["stream"]["failures"][model]
    assert failure["kind"] is not None
    assert failure["text"]
    assert GREETING.startswith(failure["text"])
    assert ("scripted overload" if model == "mid-stream-error" else "in the middle of its answer") in failure["message"]


def test_tokens_are_counted(over: Any, seen: Any) -> None:
    """Those that count do; OpenAI's chat has no such thing, and the answer says that it is an estimate."""
    if over is seen[deployment("openai_chat", "")]:
        assert over["count"]["losses"] == "approximated:token_count=an estimate"
        assert 1 < over["count"]["tokens"] < 20
    else:
        assert over["count"] == {"tokens": 4, "losses": None}


def test_models_are_listed_in_anthropics_shape(over: Any, seen: Any) -> None:
    prefix = next(name for name, value in seen.items() if value is over)
    assert over["one"] == {"id": f"{prefix}text", "type": "model"}
    assert isinstance(seen["listed"], list)


def test_nothing_broke_a_rule(seen: Any, tongues: Tongues) -> None:
    assert tongues.upstream.complaints == []
