"""Google's generateContent and streamGenerateContent."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.upstream.rules.gemini import normal, signature_of_call
from tests.upstream.script import Answer, Asked, Calls, Event, Json, Part, Says, Status, Thinks, Used, signature
from tests.upstream.speech.sse import data, document

_FINISH = {"length": "MAX_TOKENS", "refusal": "SAFETY", "filter": "PROHIBITED_CONTENT"}
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def read(body: Json, model: str = "", stream: bool = False) -> Asked:
    """What a request asks of ``model``, which its path names."""
    plain = normal(body)
    plain = plain.get("generateContentRequest", plain)
    asked = Asked(body, "gemini", model, stream)
    settings = plain.get("generationConfig") or {}
    asked.thoughts = bool((settings.get("thinkingConfig") or {}).get("includeThoughts"))
    asked.n = settings.get("candidateCount") or 1
    asked.schema = settings.get("responseJsonSchema", settings.get("responseSchema"))
    declarations = [one for tool in plain.get("tools") or () for one in tool.get("functionDeclarations") or ()]
    asked.tools = [one["name"] for one in declarations]
    asked.heard(_words(asked, plain.get("systemInstruction") or {}))
    for content in plain["contents"]:
        asked.words = _words(asked, content)
        asked.heard(asked.words)
        asked.turns += any("functionCall" in part for part in content["parts"])
    return asked


def _words(asked: Asked, content: Json) -> str:
    words = ""
    for part in content.get("parts") or ():
        words += part.get("text", "")
        held: list[Any] = [part]
        if response := part.get("functionResponse"):
            asked.results.append(_result(response["response"]))
            words += asked.results[-1]
            held += response.get("parts") or ()
        for one in held:
            if blob := one.get("inlineData"):
                asked.media.append((blob["mimeType"], len(base64.b64decode(blob["data"], altchars=_either(blob["data"])))))
    return words


def _either(data: str) -> bytes | None:
    """The alphabet that ``data`` is written in: Google's SDK writes base64 for URLs."""
    return b"-_" if "-" in data or "_" in data else None


def _result(response: Json) -> str:
    """The words of a result, under whatever name the client put them."""
    values = [response[key] for key in ("output", "result", "content", "error") if key in response]
    return values[0] if values and type(values[0]) is str else json.dumps(values[0] if values else response, ensure_ascii=False)


def whole(asked: Asked, answer: Answer) -> Json:
    """The answer in one piece."""
    parts = [one for part in answer.parts for one in _parts(asked, answer, part, whole=True)]
    return _document(asked, answer, _closed(answer, parts), finished=answer.fault != "unfinished")


def _closed(answer: Answer, parts: list[Json]) -> list[Json]:
    """Behind thoughts, the last words carry a signature; it may be thrown away without an error."""
    if any(isinstance(part, Thinks) for part in answer.parts) and isinstance(answer.parts[-1], Says):
        parts[-1] = {**parts[-1], "thoughtSignature": signature(answer.text)}
    return parts


def _parts(asked: Asked, answer: Answer, part: Part, *, whole: bool) -> list[Json]:
    match part:
        case Thinks(redacted=redacted):
            if redacted or not asked.thoughts:
                return []
            return [{"text": piece, "thought": True} for piece in ([part.text] if whole else part.pieces)]
        case Calls():
            call = {"name": part.name, "args": json.loads(part.arguments or "{}")}
            signs = part.signed or part is _first_call(answer)
            return [{"functionCall": call} | ({"thoughtSignature": signature(signature_of_call(call))} if signs else {})]
    return [{"text": piece} for piece in ([part.text] if whole else part.pieces)]


def _first_call(answer: Answer) -> Calls | None:
    return next((part for part in answer.parts if isinstance(part, Calls)), None)


def stream(asked: Asked, answer: Answer) -> list[Event]:
    """The answer in chunks; only the last has a finish reason and the usage. The signature of words comes with an empty text."""
    parts = [one for part in answer.parts for one in _parts(asked, answer, part, whole=False)]
    events = [_event(asked, _document(asked, answer, [part], finished=False), answer, piece=True) for part in parts]
    if answer.fault == "unfinished":
        return events
    last = _closed(answer, [{"text": ""}])
    return [*events, _event(asked, _document(asked, answer, last, finished=True), answer)]


def _event(asked: Asked, value: Json, answer: Answer, *, piece: bool = False) -> Event:
    return data(value, "\r\n", piece=piece)


def _document(asked: Asked, answer: Answer, parts: list[Json], *, finished: bool) -> Json:
    usage = used(answer.usage) if finished else {"promptTokenCount": answer.usage.input, "totalTokenCount": answer.usage.input}
    candidates = []
    for number in range(asked.n):
        candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": number}
        if finished:
            candidate["finishReason"] = _FINISH.get(answer.finish, "STOP")
            cited = [one for part in answer.parts if isinstance(part, Says) for one in part.cited]
            if cited:
                sources = [
                    {"startIndex": 0, "endIndex": len(answer.text.encode()), "uri": one.url, "title": one.title} for one in cited
                ]
                candidate["citationMetadata"] = {"citationSources": sources}
        candidates.append(candidate)
    return {"candidates": candidates, "usageMetadata": usage, "modelVersion": asked.model, "responseId": "scripted"}


def used(usage: Used) -> Json:
    """Tokens: the prompt's include the cached ones, the candidates' do not include the thoughts'."""
    found = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
    }
    if usage.cache_read:
        found["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        found["thoughtsTokenCount"] = usage.reasoning
    return found


def failure(asked: Asked, answer: Answer) -> Event:
    """What a stream breaks off with."""
    return data({"error": {"code": 503, "message": "scripted overload", "status": "UNAVAILABLE"}}, "\r\n")


def error(status: Status) -> tuple[bytes, dict[str, str]]:
    """An error's body and headers; when to come again stands in the details, not in a header."""
    said: Json = {"code": status.status, "message": status.message, "status": _STATUS.get(status.status, "UNKNOWN")}
    if status.retry_after_s is not None:
        kind = "type.googleapis.com/google.rpc.RetryInfo"
        said["details"] = [{"@type": kind, "retryDelay": f"{status.retry_after_s}s"}]
    return document({"error": said}), {}


def listed(names: list[str]) -> Json:
    """The list of models."""
    return {"models": [one(name) for name in names]}


def one(name: str) -> Json:
    """One model of the list."""
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    about = {"name": f"models/{name}", "version": "1", "displayName": name.title(), "supportedGenerationMethods": methods}
    return {**about, "inputTokenLimit": 1_000_000, "outputTokenLimit": 64_000}
