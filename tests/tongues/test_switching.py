"""Conversations whose model changes between turns: every turn may go to another upstream protocol, in the middle of tools too.

The upstreams are strict, so that whatever one model left behind (thoughts, signatures, ids, refusals) must have become what the
next one's protocol takes; and when a conversation comes back to a protocol, what was signed there is there again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.tongues.rig import PROTOCOLS, Tongues, deployment, running_tongues
from tests.tongues.speakers import Heard, Talk, talk
from tests.upstream import ScriptedUpstream
from tests.upstream.rules.gemini import SKIP
from tests.upstream.script import Answer, Asked, Calls, Json, Part, Refuses, Says, Script, Thinks, Used

STEPS = 9


def _script(*shape: str) -> Script:
    """An answer of the parts that ``shape`` names; which turn it is makes its words and its ids."""

    def answer(asked: Asked) -> Answer:
        turn = asked.turns
        parts: list[Part] = []
        if (
            asked.protocol == "anthropic"
            and asked.get("thinking", {}).get("type") == "enabled"
            and shape[0] not in ("think", "hide")
        ):
            parts.append(Thinks([f"Thought {turn}", " at first."]))  # as its models always do then
        for number, kind in enumerate(shape):
            match kind:
                case "think":
                    parts.append(Thinks([f"Thought {turn}", " of mine."]))
                case "hide":
                    parts.append(Thinks([f"Secret {turn}."], redacted=True))
                case "call":
                    arguments = json.dumps({"city": f"c{turn}"})
                    parts.append(Calls("weather", [arguments[:5], arguments[5:]], f"t{turn}n{number}", signed=True))
                case "bare":
                    parts.append(Calls("weather", [], f"t{turn}n{number}"))
                case "refuse":
                    parts.append(Refuses(["I will", " not."]))
                case _:
                    parts.append(Says([f"Words {turn}", "."]))
        called = "call" in shape or "bare" in shape
        return Answer(parts, finish="tools" if called else "refusal" if "refuse" in shape else "stop", usage=Used(reasoning=2))

    return answer


SHAPES: dict[str, tuple[str, ...]] = {
    "w-say": ("say",),
    "w-think-say": ("think", "say"),
    "w-think-call": ("think", "call"),
    "w-think-calls": ("think", "call", "call"),
    "w-hide-call": ("hide", "call"),
    "w-say-call": ("say", "call"),
    "w-think-say-calls": ("think", "say", "call", "bare"),
    "w-bare": ("bare",),
    "w-refuse": ("refuse",),
}


@pytest.fixture(scope="module")
def wandering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tongues]:
    scripts = {name: _script(*shape) for name, shape in SHAPES.items()}
    with ScriptedUpstream(scripts=scripts) as upstream, start_blocking_portal() as portal:
        folder = tmp_path_factory.mktemp("wandering")
        with portal.wrap_async_context_manager(running_tongues(folder, upstream)) as running:
            yield running


def _signed(protocol: str, body: Json) -> int:
    """How many turns of ``body`` still have what a server of ``protocol`` signed. The server itself checks every one."""
    match protocol:
        case "anthropic":
            turns = [one["content"] for one in body["messages"] if one["role"] == "assistant" and isinstance(one["content"], list)]
            return sum(any(block["type"] in ("thinking", "redacted_thinking") for block in turn) for turn in turns)
        case "openai_responses":
            return sum(item.get("type") == "reasoning" for item in body["input"])
        case "gemini":
            parts = [[part for part in one["parts"] if "functionCall" in part] for one in body["contents"]]
            return sum(any(part.get("thoughtSignature", SKIP) != SKIP for part in turn) for turn in parts)
    return 0


def _thinks(body: Json) -> bool:
    return body.get("thinking", {}).get("type") in ("enabled", "adaptive")


def _must_return(path: list[str], protocol: str) -> int:
    """How many turns were signed by ``protocol`` and called tools: those that come back over every client."""
    shapes = [SHAPES[step.partition("/")[2]] for step in path if step.startswith(f"{protocol}/")]
    if protocol == "gemini":
        return sum("call" in shape or "bare" in shape for shape in shapes)
    return sum(("think" in shape or "hide" in shape) and "call" in shape for shape in shapes)


def _check_heard(path: list[str], protocol: str, asked: str, body: Json) -> None:
    """Whatever was said and found before is in what the model is sent now."""
    turns = 0
    for number, step in enumerate(path[:-1]):
        shape = SHAPES[step.partition("/")[2]]
        if "say" in shape:
            assert f"Words {turns}" in asked, f"what was said in step {number} is lost"
        if "call" in shape:
            assert asked.count(f"c{turns}") >= shape.count("call"), f"a call of step {number} is lost"
        turns += "call" in shape or "bare" in shape
    if protocol in ("openai_responses", "gemini") or (protocol == "anthropic" and _thinks(body)):
        assert _signed(protocol, body) >= _must_return(path[:-1], protocol), "a signature is lost"


def _answer_all(heard: Heard) -> dict[str, str]:
    return {call.id: f"result of {call.id}" for call in heard.calls}


def walk(tongues: Tongues, client: str, seed: int, *, stream: bool, steps: int = STEPS) -> None:
    """One conversation of ``steps`` requests, each to an upstream and a model drawn by ``seed``."""
    chance = random.Random(f"{client} {seed} {stream}")
    conversation: Talk = talk(
        tongues, client, deployment("openai_chat", "w-say"), tools=True, thinking=True, stream=stream, system="Go."
    )
    tongues.upstream.complaints.clear()
    path: list[str] = []
    heard: Heard | None = None
    try:
        for step in range(steps):
            protocol, model = chance.choice(PROTOCOLS), chance.choice(list(SHAPES))
            path.append(f"{protocol}/{model}")
            conversation.model = deployment(protocol, model)
            heard = (
                conversation.give(_answer_all(heard)) if heard is not None and heard.calls else conversation.ask(f"Step {step}.")
            )
            sent: Json = tongues.upstream.last.json
            asked = json.dumps(sent)
            _check_heard(path, protocol, asked, sent)
            if protocol == "anthropic" and not _thinks(sent):
                path[-1] = f"unthinking {path[-1]}"  # in a turn that another model began without thoughts
            calls = SHAPES[model].count("call") + SHAPES[model].count("bare")
            assert len(heard.calls) == calls, path
            assert tongues.upstream.complaints == [], path
    except Exception as error:
        error.add_note(f"{client} stream={stream} seed={seed}: {' > '.join(path)}\n{json.dumps(tongues.upstream.last.json)[:6000]}")
        raise
    finally:
        conversation.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", PROTOCOLS)
def test_a_conversation_wanders_between_protocols(wandering: Tongues, client: str, stream: bool) -> None:
    for seed in range(6):
        walk(wandering, client, seed, stream=stream)


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("client", PROTOCOLS)
def test_many_conversations_wander(wandering: Tongues, client: str, stream: bool) -> None:
    for seed in range(100, 160):
        walk(wandering, client, seed, stream=stream, steps=14)
