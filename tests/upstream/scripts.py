"""How the scripted upstream answers, by the name of the model asked, in whatever protocol it was asked.

``error-<status>`` models answer that status, ``many-<n>`` models n words. ``think-...`` models sign what they think, and refuse
a conversation in which a call of theirs comes back without its thoughts and signature as the protocol carries them.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.upstream.script import (
    Answer,
    Asked,
    Calls,
    Cited,
    Json,
    Part,
    Refuses,
    Says,
    Script,
    Status,
    Thinks,
    Used,
    refuse,
    says,
)

GREETING = "Hello, 世界! Two lines:\nthe second ends with a full stop."
SEPARATORS = "a\u2028b\u2029c\u0085d"
INJECTION = 'before\n\ndata: [DONE]\n\nevent: message_stop\ndata: {"type":"message_stop"}\r\n\r\nid: 1\nretry: 1\n: after'
CALLS = {"Paris": '{"city":"Paris"}', "Oslo": '{"city":"Oslo"}'}
THOUGHT = "The user wants 天氣. I look it up."
STEPS = 3
ANSWER_429_S = 7
NOTES = "The moon is made of rock."
BUCKETS = Used(input=100, output=30, cache_read=40, cache_write_5m=20, cache_write_1h=10, reasoning=12)


def text(body: Json) -> Answer:
    """A greeting, as often as ``n`` says."""
    return says(GREETING, n=body.get("n"))


def echo(asked: Asked) -> Answer:
    """The last words of the user."""
    return says(asked.words)


def recite(asked: Asked) -> Answer:
    """Everything that was said, the instructions too."""
    return says(asked.text)


def tools(asked: Asked) -> Answer:
    """Two calls of the first tool at once; when their results are there, a sentence made of them."""
    if asked.results:
        return says(" and ".join(asked.results))
    return Answer([_call(asked, place) for place in CALLS], finish="tools")


def text_and_tool(asked: Asked) -> Answer:
    """Some words, then one call; when its result is there, the words of it."""
    if asked.results:
        return says(" and ".join(asked.results))
    return Answer([Says(["I look", " it up."]), _call(asked, "Paris")], finish="tools")


def empty_tool(asked: Asked) -> Answer:
    """A call without any argument."""
    if asked.results:
        return says(" and ".join(asked.results))
    return Answer([Calls(asked.tools[0], [], "nothing")], finish="tools")


def think_tool(asked: Asked) -> Answer:
    """Thoughts and one call; with its result, thoughts and a sentence."""
    if asked.results:
        return Answer([Thinks(["It is", " there."]), Says(asked.results[-1:])])
    return Answer([Thinks(_pieces(THOUGHT)), _call(asked, "Paris", signed=True)], finish="tools")


def think_tools(asked: Asked) -> Answer:
    """Thoughts and two calls at once; with their results, a sentence."""
    if asked.results:
        return Answer([Thinks(["Both are", " there."]), Says([" and ".join(asked.results)])])
    calls: list[Part] = [_call(asked, place, signed=not number) for number, place in enumerate(CALLS)]
    return Answer([Thinks(_pieces(THOUGHT)), *calls], finish="tools")


def think_steps(asked: Asked) -> Answer:
    """One call after the other, with a thought before each, until `STEPS` results are there."""
    done = len(asked.results)
    if done >= STEPS:
        return Answer([Thinks(["Enough."]), Says([" and ".join(asked.results)])])
    return Answer([Thinks([f"Step {done + 1}", f" of {STEPS}."]), _call(asked, f"step{done}", signed=True)], finish="tools")


def thought_of(arguments: str) -> str:
    """The thought that came before a call of a ``think-...`` model, by the arguments of the call."""
    step = re.fullmatch(r"step(\d+)", str(json.loads(arguments).get("city")))
    return f"Step {int(step[1]) + 1} of {STEPS}." if step else THOUGHT


def think_redacted(asked: Asked) -> Answer:
    """As `think_tool`, but the thoughts are not shown."""
    if asked.results:
        return Answer([Says(asked.results[-1:])])
    return Answer([Thinks([THOUGHT], redacted=True), _call(asked, "Paris", signed=True)], finish="tools")


def _call(asked: Asked, place: str, signed: bool = False) -> Calls:
    """A call of the first tool. Its id is another in each turn of the conversation."""
    arguments = CALLS.get(place) or json.dumps({"city": place})
    name = asked.tools[0] if asked.tools else "weather"
    return Calls(name, [arguments[:6], arguments[6:]], f"{place}_{asked.turns}" if asked.turns else place, signed)


def _pieces(words: str) -> list[str]:
    return re.findall(r"\s*\S+", words)


def image(asked: Asked) -> Answer | Status:
    """Which picture came, and how large it is."""
    if not asked.media:
        return refuse(400, "no image came")
    kind, size = asked.media[0]
    return says(f"data:{kind};base64 {size} bytes")


def media(asked: Asked) -> Answer:
    """All the files and pictures that came, with their sizes."""
    return says(", ".join(f"{kind} {size} bytes" for kind, size in asked.media) or "nothing")


def schema(asked: Asked) -> Answer | Status:
    """A value that fits the schema that was sent."""
    return refuse(400, "no schema came") if asked.schema is None else says(json.dumps(_example(asked.schema)))


def _example(shape: Json) -> Any:
    if "enum" in shape:
        return shape["enum"][0]
    match str(shape.get("type")).lower():
        case "object":
            return {name: _example(inner) for name, inner in shape.get("properties", {}).items()}
        case "array":
            return [_example(shape["items"])]
        case "integer" | "number":
            return 3
        case "boolean":
            return True
    return "a word"


def cited(asked: Asked) -> Answer:
    """A sentence that cites the first document."""
    return Answer([Says(["The moon", " is rock"], [Cited("made of rock", NOTES.index("made"))]), Says(["."])])


def reasoning(body: Json) -> Answer:
    """Thoughts, then the answer."""
    return Answer([Thinks(["two and", " two"]), Says(["4"])], usage=Used(reasoning=5))


def able(asked: Asked) -> Answer:
    """A model that can do what it is asked: stops at its limit, calls its tool, fits the shape, follows its instructions."""
    limits = (asked.get("max_tokens"), asked.get("max_completion_tokens"), asked.get("max_output_tokens"))
    limit = next((limit for limit in (*limits, asked.get("generationConfig", {}).get("maxOutputTokens")) if limit), 1000)
    if limit <= 16:
        return says("one two three four", finish="length")
    if asked.results:
        return says(f"It is {asked.results[-1]} warm.")
    if asked.tools:
        return Answer([Calls(asked.tools[0], ['{"room":', '"cellar"}'], "reading")], finish="tools")
    if asked.schema is not None:
        return says('{"answer": 42}')
    return says("heron" if "heron" in asked.text else "ready")


def error(status: int) -> Status:
    """What the provider answers with ``status``."""
    codes = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
    return Status(status, f"scripted {status}", codes.get(status), retry_after_s=ANSWER_429_S if status == 429 else None)


def _faulty(script: Script, **how: Any) -> Script:
    def spoiled(asked: Asked) -> Answer | Status:
        answer = script(asked)
        for name, value in how.items():
            setattr(answer, name, value)
        return answer

    return spoiled


SCRIPTS: dict[str, Script] = {
    "text": text,
    "able": able,
    "echo": echo,
    "recite": recite,
    "paced": lambda asked: says(GREETING, n=asked.get("n"), pace_s=0.02),
    "burst": lambda asked: says(GREETING * 20, pacing="burst"),
    "bytes": lambda asked: says(GREETING, pacing="bytes"),
    "crlf": lambda asked: says(GREETING, eol="\r\n"),
    "heartbeats": lambda asked: says(GREETING, heartbeats=True),
    "separators": lambda asked: says(SEPARATORS),
    "injection": lambda asked: Answer([Says([INJECTION])]),
    "long-line": lambda asked: Answer([Says(["界" * 350_000])]),
    "empty": lambda asked: Answer([]),
    "tools": tools,
    "tools-bytes": _faulty(tools, pacing="bytes"),
    "text-tool": text_and_tool,
    "empty-tool": empty_tool,
    "image": image,
    "media": media,
    "schema": schema,
    "cited": cited,
    "usage": lambda asked: Answer([Thinks(["so"]), Says(["words"])], usage=BUCKETS),
    "reasoning": reasoning,
    "reasoning-field": lambda asked: Answer([Thinks(["two and two"]), Says(["4"])], thoughts_in="reasoning"),
    "think-tool": think_tool,
    "think-tool-bytes": _faulty(think_tool, pacing="bytes"),
    "think-tools": think_tools,
    "think-steps": think_steps,
    "think-redacted": think_redacted,
    "refusal": lambda asked: Answer([Refuses(["I cannot", " do that."])], finish="refusal"),
    "length": lambda asked: says("cut off", finish="length"),
    "filter": lambda asked: says("filtered", finish="filter"),
    "sequence": lambda asked: says("one two", finish="sequence"),
    "mid-stream-error": lambda asked: says(GREETING, fault="error"),
    "mid-stream-event": lambda asked: says(GREETING, fault="error-event"),
    "mid-tool-error": _faulty(tools, fault="error"),
    "cut": lambda asked: says(GREETING, fault="cut"),
    "cut-utf8": lambda asked: says(GREETING, fault="cut-utf8"),
    "cut-tool": _faulty(tools, fault="cut"),
    "cut-thought": _faulty(think_tool, fault="cut"),
    "stall": lambda asked: says(GREETING, fault="stall"),
    "stall-tool": _faulty(tools, fault="stall"),
    "stall-first": lambda asked: says(GREETING, fault="stall", fault_after=0),
    "unfinished": lambda asked: says(GREETING, fault="unfinished"),
    "slow-headers": lambda asked: says(GREETING, headers_after_s=0.5),
    "silent": lambda asked: says(GREETING, headers_after_s=3600),
    "html-502": lambda asked: Status(502, body=b"<html>Bad Gateway</html>", headers={"content-type": "text/html"}),
    "not-json": lambda asked: Status(200, body=b"It works!", headers={"content-type": "text/html"}),
}


def script_of(model: str) -> Script | None:
    """The script of a model, or None for a model that there is not."""
    if match := re.fullmatch(r"error-(\d{3})", model):
        status = int(match[1])
        return lambda asked: error(status)
    if match := re.fullmatch(r"many-(\d+)", model):
        count = int(match[1])
        return lambda asked: Answer([Says([f" w{number}" for number in range(count)])])
    return SCRIPTS.get(model)
