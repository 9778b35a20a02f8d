"""What a contestant is told of a recording, and where its trial ends."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.challenge.item import Exchange, Item
from assay.challenge.replay import MOST_STEPS, replay, same_calls
from assay.challenge.rerun import run_again
from assay.challenge.trial import Trial
from assay.core import (
    CallFailed,
    Message,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transcript,
    Unavailable,
    UpstreamBroken,
    assistant,
    user,
)
from assay.core.patience import Patient
from tests.challenge.scripted import COST, NEW, USAGE, ScriptedCaller, call_of, refusal

pytestmark = pytest.mark.anyio

ASKED = Request(model="", transcript=Transcript((user("What is the weather in Graz and in Linz?"),)))


def calls(*made: tuple[str, str], prefix: str = "call") -> Message:
    """A message that calls tools, each with its arguments as written."""
    parts = tuple(ToolCall(id=f"{prefix}{n}", name=name, arguments=text) for n, (name, text) in enumerate(made))
    return Message(role="assistant", parts=parts)


def gave(*results: str, prefix: str = "call") -> tuple[Message, ...]:
    """What tools gave back, in the order of the calls."""
    return tuple(
        Message(role="tool", parts=(ToolResult(id=f"{prefix}{n}", parts=(Text(text=text),)),)) for n, text in enumerate(results)
    )


GRAZ, LINZ = ("weather", '{"city": "Graz", "days": 1}'), ("weather", '{"city": "Linz", "days": 1}')
RECORDED = Item(
    request=ASKED,
    recorded=(
        Exchange(said=calls(GRAZ, LINZ), results=gave("sunny", "rain")),
        Exchange(said=assistant("Sun in Graz, rain in Linz.")),
    ),
)


class Turns:
    """Says one thing after the other."""

    def __init__(self, *said: Message | CallFailed):
        self._said: Iterator[Message | CallFailed] = iter(said)

    def __call__(self, deployment: str, request: Request) -> Message | CallFailed:
        return next(self._said)


async def try_out(
    item: Item, *said: Message | CallFailed, rerun: dict[str, tuple[str, ...]] | None = None
) -> tuple[Trial, ScriptedCaller]:
    """How a contestant fares that says this; and what it was asked."""
    caller = ScriptedCaller(Turns(*said))
    patient = Patient(caller, (0.0, 0.0))
    return await replay(patient, item, NEW.id, "challenger", rerun or {}, "the-request"), caller


def results_shown(caller: ScriptedCaller) -> dict[str, str]:
    """What tools gave back, by the ids of calls, as the last request shows it."""
    messages = caller.asked[-1][1].transcript.messages
    found = [part for message in messages for part in message.parts if isinstance(part, ToolResult)]
    return {part.id: "".join(inner.text for inner in part.parts if isinstance(inner, Text)) for part in found}


async def test_an_answer_in_words_ends_the_trial_and_keeps_what_it_took() -> None:
    trial, caller = await try_out(RECORDED, assistant("I do not know."))
    assert (trial.ending, trial.answer.text, trial.stop) == ("answered", "I do not know.", "end")
    assert (trial.usage, trial.cost, trial.ttft_us, trial.duration_us) == (USAGE, COST, 20_000, 120_000)
    assert trial.requests == ("the-request",)
    deployment, request, filed = caller.asked[0]
    assert (deployment, request.model, filed) == (NEW.id, NEW.id, "the-request")
    assert request.transcript == ASKED.transcript


async def test_calls_equal_to_the_recorded_ones_get_the_recorded_results_under_their_own_ids() -> None:
    """Neither the order of calls, nor that of keys, white space or the way of writing a number makes a difference."""
    other_words = calls(("weather", '{"days":1.0,"city":"Linz"}'), ("weather", ' {"city":"Gr\\u0061z","days":1}'), prefix="mine")
    trial, caller = await try_out(RECORDED, other_words, assistant("Sun and rain."))
    assert trial.ending == "answered"
    assert results_shown(caller) == {"mine0": "rain", "mine1": "sunny"}
    assert [message.role for message in trial.turns] == ["assistant", "tool", "tool", "assistant"]
    assert trial.usage == msgspec.structs.replace(USAGE, input=2 * USAGE.input, output=2 * USAGE.output)
    assert len(trial.calls) == 2
    assert trial.duration_us == 240_000


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(calls(GRAZ, ("weather", '{"city": "Wels"}')), id="other arguments"),
        pytest.param(calls(GRAZ, ("forecast", LINZ[1])), id="another tool"),
        pytest.param(calls(GRAZ), id="fewer calls"),
        pytest.param(calls(GRAZ, LINZ, GRAZ), id="a call twice"),
        pytest.param(calls(GRAZ, ("weather", '{"city": ')), id="no JSON"),
    ],
)
async def test_other_calls_end_the_trial_as_diverged_and_no_result_is_invented(made: Message) -> None:
    trial, caller = await try_out(RECORDED, made)
    assert trial.ending == "diverged"
    assert trial.detail is not None
    assert 'Recorded: weather({"city": "Graz"' in trial.detail
    assert len(caller.asked) == 1
    assert trial.turns == (made,)


async def test_a_tool_call_where_the_recording_answered_in_words_has_diverged() -> None:
    trial, _ = await try_out(RECORDED, calls(GRAZ, LINZ), calls(GRAZ))
    assert trial.ending == "diverged"
    assert trial.detail is not None
    assert "Recorded: an answer without tools." in trial.detail


async def test_calls_are_the_answer_where_nothing_was_recorded_after_the_question() -> None:
    trial, _ = await try_out(Item(request=ASKED), calls(GRAZ))
    assert (trial.ending, trial.answer) == ("answered", calls(GRAZ))


async def test_calls_are_the_answer_where_the_recording_ended_before_their_results() -> None:
    cut_off = Item(request=ASKED, recorded=(Exchange(said=calls(GRAZ, LINZ), results=gave("sunny")),))
    trial, _ = await try_out(cut_off, calls(LINZ, GRAZ))
    assert (trial.ending, trial.answer) == ("answered", calls(LINZ, GRAZ))


async def test_equal_calls_get_their_own_results_each() -> None:
    twice = Item(request=ASKED, recorded=(Exchange(said=calls(GRAZ, GRAZ), results=gave("first", "second")),))
    _, caller = await try_out(twice, calls(GRAZ, GRAZ, prefix="mine"), assistant("So."))
    assert results_shown(caller) == {"mine0": "first", "mine1": "second"}


def command(tmp_path: Path, program: str) -> dict[str, tuple[str, ...]]:
    """The tool ``weather``, run again by a program of that text."""
    file = tmp_path / "weather.py"
    file.write_text(program)
    return {"weather": (sys.executable, str(file))}


async def test_a_tool_that_may_be_run_again_is_and_the_trial_goes_on(tmp_path: Path) -> None:
    rerun = command(tmp_path, "import json, sys; print('fog in', json.load(sys.stdin)['city'])")
    wels = calls(GRAZ, ("weather", '{"city": "Wels"}'), prefix="mine")
    trial, caller = await try_out(RECORDED, wels, assistant("Fog."), rerun=rerun)
    assert trial.ending == "answered"
    assert results_shown(caller) == {"mine0": "fog in Graz\n", "mine1": "fog in Wels\n"}


async def test_a_tool_is_not_run_again_for_the_call_that_was_recorded(tmp_path: Path) -> None:
    _, caller = await try_out(RECORDED, calls(GRAZ, LINZ), assistant("So."), rerun=command(tmp_path, "raise SystemExit(1)"))
    assert results_shown(caller) == {"call0": "sunny", "call1": "rain"}


async def test_a_tool_that_fails_when_run_again_gives_an_error_as_its_result(tmp_path: Path) -> None:
    rerun = command(tmp_path, "import sys; sys.exit('no such city')")
    trial, caller = await try_out(RECORDED, calls(("weather", "{}")), assistant("I cannot tell."), rerun=rerun)
    assert trial.ending == "answered"
    result = caller.asked[-1][1].transcript.messages[-1].parts[0]
    assert isinstance(result, ToolResult)
    assert result.is_error
    assert results_shown(caller) == {"call0": "no such city\n"}


async def test_a_command_sees_no_more_of_the_environment_than_a_program_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    rerun = command(tmp_path, "import os; print(sorted(os.environ))")
    _, caller = await try_out(RECORDED, calls(("weather", "{}")), assistant("So."), rerun=rerun)
    assert "PATH" in results_shown(caller)["call0"]
    assert "OPENAI" not in results_shown(caller)["call0"]


async def test_a_command_that_prints_without_end_is_cut_off(tmp_path: Path) -> None:
    rerun = command(tmp_path, "import sys\nwhile True: sys.stdout.write('x' * 65536)")
    trial, caller = await try_out(RECORDED, calls(("weather", "{}")), assistant("Much."), rerun=rerun)
    assert trial.ending == "answered"
    assert len(results_shown(caller)["call0"]) == 256 * 1024


async def test_a_command_that_cannot_run_fails_the_trial_and_nothing_is_invented() -> None:
    trial, caller = await try_out(RECORDED, calls(("weather", "{}")), rerun={"weather": ("/nowhere/weather",)})
    assert (trial.ending, trial.error) == ("failed", "challenge.rerun_failed")
    assert len(caller.asked) == 1


async def test_tools_that_go_round_in_circles_end_as_failed(tmp_path: Path) -> None:
    again = [calls(("weather", "{}"))] * MOST_STEPS
    trial, caller = await try_out(RECORDED, *again, rerun={"weather": ("true",)})
    assert (trial.ending, trial.error) == ("failed", "challenge.too_many_steps")
    assert len(caller.asked) == MOST_STEPS


@pytest.mark.parametrize("status", [408, 429, 500, 503, 529])
async def test_a_busy_upstream_is_asked_again_twice(status: int) -> None:
    trial, caller = await try_out(RECORDED, refusal(NEW.id, status), refusal(NEW.id, status), assistant("Here I am."))
    assert (trial.ending, len(caller.asked)) == ("answered", 3)


async def test_an_answer_that_broke_off_is_asked_for_again() -> None:
    broken = UpstreamBroken("upstream.broken", "It broke off.", call=call_of(NEW.id, outcome="error"))
    trial, _ = await try_out(RECORDED, broken, assistant("Whole."))
    assert (trial.ending, trial.answer.text) == ("answered", "Whole.")


async def test_a_failure_is_no_answer_and_says_what_failed() -> None:
    trial, caller = await try_out(RECORDED, *(refusal(NEW.id) for _ in range(3)))
    assert (trial.ending, trial.error, trial.turns) == ("failed", "upstream.failed", ())
    assert trial.detail == "Stage answered HTTP 500."
    assert len(caller.asked) == 3


async def test_a_wrong_request_is_not_asked_again() -> None:
    trial, caller = await try_out(RECORDED, refusal(NEW.id, 400))
    assert (trial.ending, len(caller.asked)) == ("failed", 1)


async def test_an_upstream_that_is_away_for_long_has_failed() -> None:
    trial, caller = await try_out(RECORDED, refusal(NEW.id, 429, retry_after_s=3600))
    assert (trial.ending, trial.error, len(caller.asked)) == ("failed", "upstream.rate_limited", 1)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(made=st.lists(st.tuples(st.sampled_from("abc"), _JSON), max_size=4), data=st.data())
def test_calls_are_the_same_in_any_order_and_spacing(made: list[tuple[str, object]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(made))
    tight = calls(*((name, msgspec.json.encode(value).decode()) for name, value in made))
    loose = calls(*((name, msgspec.json.format(msgspec.json.encode(value), indent=3).decode()) for name, value in shuffled))
    assert same_calls(tight, loose)
    assert not same_calls(tight, calls(*((name, msgspec.json.encode([value]).decode()) for name, value in made), ("a", "1")))


async def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    call = ToolCall(id="call0", name="weather", arguments="{}")
    with pytest.raises(Unavailable) as raised:
        await run_again({"weather": ("sh", "-c", f"sleep 1000 & echo $! > {mark}; wait")}, call, timeout_s=2.0)
    assert raised.value.code == "challenge.rerun_failed"
    assert ends(int(mark.read_text()))


def ends(pid: int) -> bool:
    """Whether a process is gone, or goes within seconds."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10)[0])
    finally:
        os.close(watched)
