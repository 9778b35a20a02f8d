"""From a request to what is sent: the key, the rules of the protocol, the script of the model, the protocol's way of saying it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from tests.upstream.others import answer_other
from tests.upstream.places import Place
from tests.upstream.rules import anthropic as anthropic_rules
from tests.upstream.rules import chat as chat_rules
from tests.upstream.rules import gemini as gemini_rules
from tests.upstream.rules import responses as responses_rules
from tests.upstream.rules.http import check_http, key_of
from tests.upstream.rules.strict import Broken
from tests.upstream.script import Answer, Asked, Event, Json, Script, Status, refuse
from tests.upstream.scripts import SCRIPTS, script_of
from tests.upstream.speech import anthropic, chat, gemini, responses
from tests.upstream.speech.sse import document

_SPEECH: dict[str, ModuleType] = {"openai_chat": chat, "openai_responses": responses, "anthropic": anthropic, "gemini": gemini}


@dataclass
class Said:
    """An answer as it is sent: a document, or events and what to break off with."""

    answer: Answer
    sent: Json | list[Event]
    failure: bytes
    headers: dict[str, str]


class Provider:
    """The provider behind the server; ``complaints`` is the list it adds to."""

    def __init__(self, scripts: dict[str, Script], complaints: list[str]):
        self.scripts = scripts
        self.complaints = complaints
        self.kept: dict[str, list[Any]] = {}
        self.served = 0

    def answer(
        self, place: Place | None, method: str, path: str, headers: list[tuple[str, str]], body: bytes, key: str | None
    ) -> Said | Status:
        """What to send for a request. `Status` has its body."""
        speech = _SPEECH[_spoken(place, headers)]
        said = self._decide(place, method, path, headers, body, key)
        if isinstance(said, Status) and said.body is None:
            content, more = speech.error(said)
            return replace(said, body=content, headers={**more, **said.headers})
        return said

    def _decide(
        self, place: Place | None, method: str, path: str, headers: list[tuple[str, str]], body: bytes, key: str | None
    ) -> Said | Status:
        if place is None or method != ("GET" if place.operation == "models" else "POST"):
            return refuse(404, f"{method} {path} is not served here")
        protocol = _spoken(place, headers)
        if key is not None and key_of(protocol, headers, place.query) != key:
            return refuse(401, "Incorrect API key provided.", "invalid_api_key")
        if place.operation == "models":
            return self._listed(protocol, place.model)
        try:
            check_http(protocol, headers, body)
            if place.operation not in ("generate", "stream", "count"):
                return answer_other(place.operation, dict(headers)["content-type"], body)
            return self._generate(place, dict(headers), json.loads(body, parse_constant=_no_constant))
        except (Broken, ValueError) as error:
            self.complaints.append(str(error))
            broken = error if isinstance(error, Broken) else Broken(str(error))
            return refuse(broken.status, str(error), broken.code)

    def _generate(self, place: Place, headers: dict[str, str], body: Any) -> Said | Status:
        counting = place.operation == "count"
        asked = self._checked(place, headers, body, counting)
        script = self.scripts.get(asked.model) or script_of(asked.model)
        if script is None:
            return refuse(404, f"There is no model {asked.model!r}.", "model_not_found")
        if counting:
            return Status(200, body=document(_counted(asked)))
        answer = script(asked)
        if isinstance(answer, Status):
            return answer
        speech = _SPEECH[place.protocol]
        self._keep(asked, speech.whole(asked, answer))
        if not asked.stream:
            return Said(answer, speech.whole(asked, answer), b"", {"content-type": "application/json"})
        events, failure = speech.stream(asked, answer), speech.failure(asked, answer).data
        if place.protocol == "gemini" and place.query.get("alt") != "sse":
            return Said(answer, _as_array(events), b",\r\n" + _bare(failure) + b"\n]", {"content-type": "application/json"})
        return Said(answer, events, failure, {"content-type": "text/event-stream; charset=utf-8"})

    def _checked(self, place: Place, headers: dict[str, str], body: Any, counting: bool) -> Asked:
        """The request, when it keeps the rules."""
        match place.protocol:
            case "openai_chat":
                chat_rules.check_request(body)
                return chat.read(body)
            case "anthropic":
                anthropic_rules.check_request(body, headers, counting=counting)
                return anthropic.read(body)
            case "gemini":
                gemini_rules.check_request(body, model=place.model, counting=counting)
                return gemini.read(body, place.model, place.operation == "stream")
        kept = self._earlier(body)
        responses_rules.check_request(body, kept=kept, counting=counting)
        asked = responses.read(body, kept=kept)
        asked.serial = self.served = self.served + 1
        return asked

    def _earlier(self, body: Any) -> list[Any]:
        id = body.get("previous_response_id") if type(body) is dict else None
        if id is None:
            return []
        if id not in self.kept:
            raise Broken(f"Previous response with id '{id}' not found.", "previous_response_id", "previous_response_not_found")
        return self.kept[id]

    def _keep(self, asked: Asked, whole: Json) -> None:
        if asked.protocol == "openai_responses" and asked.get("store") is not False:
            given = asked.get("input") or []
            items = [{"role": "user", "content": given}] if type(given) is str else given
            self.kept[whole["id"]] = [*self._earlier(asked), *items, *whole["output"]]

    def _listed(self, protocol: str, model: str) -> Status:
        names = [*{**SCRIPTS, **self.scripts}]
        speech = _SPEECH[protocol]
        if not model:
            return Status(200, body=document(speech.listed(names)))
        return Status(200, body=document(speech.one(model))) if model in names else refuse(404, f"There is no model {model!r}.")


def _spoken(place: Place | None, headers: list[tuple[str, str]]) -> str:
    """The protocol of a request. Three have their list of models at one path; the clients differ in their headers."""
    if place is None:
        return "openai_chat"
    names = {name for name, _ in headers}
    if place.operation == "models" and place.protocol == "openai_chat":
        return "anthropic" if "anthropic-version" in names else "gemini" if "x-goog-api-key" in names else "openai_chat"
    return place.protocol


def _counted(asked: Asked) -> Json:
    """So many tokens as there are words."""
    count = len(asked.text.split())
    if asked.protocol == "gemini":
        return {"totalTokens": count}
    return {"input_tokens": count} | ({"object": "response.input_tokens"} if asked.protocol == "openai_responses" else {})


def _as_array(events: list[Event]) -> list[Event]:
    """Gemini's other framing: one array, an element an event."""
    framed = [Event((b",\r\n" if number else b"[") + _bare(event.data), event.piece) for number, event in enumerate(events)]
    return [*framed, Event(b"\n]")]


def _bare(event: bytes) -> bytes:
    return event.removeprefix(b"data: ").rstrip(b"\r\n")


def _no_constant(name: str) -> Any:
    raise Broken(f"{name} is not JSON")
