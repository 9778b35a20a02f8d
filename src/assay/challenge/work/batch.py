"""Batch files of OpenAI's form, and their answers.

Facts: OpenAI's API reference, "The request input object" and "The request output object" of batches (as of 2026-11); Together's
batches leave ``method`` and ``url`` out (docs.together.ai, as of 2026-11). An input line is ``custom_id``, ``method``, ``url`` and
``body``; an output line ``custom_id``, ``response`` with ``status_code`` and ``body``, and ``error``. An output file repeats no
question: its lines count only in one file with their input, where ``custom_id`` joins them. Chat completions and responses are
read; batches of Anthropic's (``custom_id`` and ``params``) too.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from assay.challenge.item import Exchange
from assay.challenge.work import anthropic_shape, responses_shape
from assay.challenge.work.anthropic_shape import Left
from assay.challenge.work.brought import Brought, Gathering, Unreadable
from assay.challenge.work.conversation import cluster_of, plain_item
from assay.challenge.work.prompts import read_body
from assay.challenge.work.records import Json, Records
from assay.core import InvalidInput, Message, Request
from assay.wire.openai_chat.message import read_message

_Answer = tuple[Message | None, str | None]
"""What was answered, and by which model."""


def is_batch(fields: Json) -> bool:
    """Whether this is a line of a batch, or of its answers."""
    return "custom_id" in fields and any(key in fields for key in ("body", "response", "params", "result", "error"))


def read_batch(records: Records, gathering: Gathering) -> Brought:
    """The requests of a batch, each with its answer where that is in the same file."""
    answers = {str(fields["custom_id"]): _answer(fields) for fields in records.objects() if _is_output(fields)}
    left, asked, answered = Left(), 0, 0
    for line, fields, size in records:
        try:
            if isinstance(fields, str):
                raise Unreadable(fields)
            if _is_output(fields):
                answered += 1
                continue
            asked += 1
            request, model = body_request(_body(fields), left, str(fields.get("url") or ""))
            said, author = answers.get(str(fields.get("custom_id")), (None, None))
            item = plain_item(
                request,
                origin=f"{gathering.name}:{line}",
                author=author or model,
                recorded=(Exchange(said=said),) if said is not None else (),
                cluster=cluster_of(request.transcript.messages),
            )
            gathering.add([item], size)
        except Unreadable as error:
            gathering.refuse(line, str(error))
    if answered and not asked:
        raise InvalidInput(
            "work.answers_only",
            f"{gathering.name!r} holds {answered} answers of a batch, and none of its questions.",
            hint="Bring the batch's input file; or both in one file, input first.",
        )
    note_left(gathering, left)
    return gathering.finish("OpenAI batch")


def body_request(body: Json, left: Left, path: str = "") -> tuple[Request, str | None]:
    """A request's body in any of three protocols, told by its fields and the ``path`` it was sent to; and the model it named.

    Raises:
        Unreadable: it is none of them, or asks for no words.
    """
    shape: Callable[[Json, Left], Json] | None = None
    if path.rstrip("/").endswith("/messages") or is_anthropic(body):
        shape = anthropic_shape.chat_body
    elif "input" in body and "messages" not in body and not path.rstrip("/").endswith("/embeddings"):
        shape = responses_shape.chat_body
    elif "messages" not in body:
        raise Unreadable(f"it asks no model to speak: it is a request to {path[:60] or 'something else'} without messages")
    if shape is not None:
        try:
            body = shape(body, left)
        except OverflowError as error:
            raise Unreadable(f"a number in it is too large: {error}") from None
    return read_body(body)


def is_anthropic(body: Json) -> bool:
    """Whether a body with messages is of Anthropic's protocol: OpenAI's has no system prompt and no tools of that form."""
    tools = body.get("tools")
    first = tools[0] if type(tools) is list and tools else None
    return "messages" in body and ("system" in body or (type(first) is dict and "input_schema" in first))


def note_left(gathering: Gathering, left: Left) -> None:
    """Say what could not be taken over."""
    if left:
        named = ", ".join(f"{count} {kind}" for kind, count in left.most_common(10))
        gathering.note(f"Left out, since no other model can be asked it: {named}.")


def _body(fields: Json) -> Json:
    body = fields.get("body", fields.get("params"))
    if type(body) is not dict:
        raise Unreadable("its body is not an object")
    return body


def _is_output(fields: Json) -> bool:
    return "custom_id" in fields and "body" not in fields and "params" not in fields


def _answer(fields: Json) -> _Answer:
    """What an output line holds of an answer; nothing where the request failed or is of another form."""
    response = fields.get("response")
    body = response.get("body") if type(response) is dict else None
    return answer_of(body) if type(body) is dict else (None, None)


def answer_of(body: Json) -> _Answer:
    """The first choice of a chat completion, and the model that it names."""
    choices = body.get("choices")
    first = choices[0] if type(choices) is list and choices else None
    message = first.get("message") if type(first) is dict else None
    if type(message) is not dict:
        return None, None
    try:
        said = read_message({"role": "assistant", **msgspec.json.decode(msgspec.json.encode(message))}, "message")
    except (InvalidInput, OverflowError):
        return None, None
    model = body.get("model")
    return (said if said.role == "assistant" and said.parts else None), model if type(model) is str else None
