"""What is not a conversation: embeddings, pictures, speech and transcriptions, in OpenAI's form."""

from __future__ import annotations

import base64
import json
import re
import struct
from functools import cache
from typing import Any

from pydantic_core import SchemaValidator

from tests.upstream.rules.strict import Broken, conform, strict
from tests.upstream.script import Json, Status
from tests.upstream.speech.sse import document

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
SOUND = b"ID3" + bytes(range(256)) * 40


def answer_other(operation: str, content_type: str, body: bytes) -> Status:
    """The answer, or `Broken`. Files come as multipart, all else as JSON."""
    if operation in ("image_edits", "transcription", "translation"):
        return _with_file(operation, read_multipart(content_type, body))
    asked = json.loads(body)
    conform(_type(operation), asked)
    if operation == "speech":
        return Status(200, body=SOUND, headers={"content-type": "audio/mpeg"})
    if operation == "images":
        return _picture(asked.get("n") or 1)
    return _embeddings(asked)


@cache
def _type(operation: str) -> SchemaValidator:
    from openai.types.audio.speech_create_params import SpeechCreateParams
    from openai.types.embedding_create_params import EmbeddingCreateParams
    from openai.types.image_generate_params import ImageGenerateParamsNonStreaming

    kinds: dict[str, Any] = {
        "embeddings": EmbeddingCreateParams,
        "images": ImageGenerateParamsNonStreaming,
        "speech": SpeechCreateParams,
    }
    return strict(kinds[operation])


def _embeddings(asked: Json) -> Status:
    given = asked["input"]
    inputs = [given] if type(given) is str or (given and type(given[0]) is int) else given
    rows = []
    for number, words in enumerate(inputs):
        vector = [float(len(words)), 0.5, -0.25][: asked.get("dimensions") or 3]
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        embedding = packed if asked.get("encoding_format") == "base64" else vector
        rows.append({"object": "embedding", "index": number, "embedding": embedding})
    count = sum(len(words) if type(words) is list else len(words.split()) for words in inputs)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return Status(200, body=document({"object": "list", "data": rows, "model": asked["model"], "usage": usage}))


def _picture(n: int) -> Status:
    one = {"b64_json": base64.b64encode(PICTURE).decode()}
    usage = {
        "input_tokens": 5,
        "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
        "output_tokens": 100,
        "total_tokens": 105,
    }
    return Status(200, body=document({"created": 1763800000, "data": [one] * n, "usage": usage}))


def _with_file(operation: str, fields: dict[str, bytes]) -> Status:
    name = "image" if operation == "image_edits" else "file"
    for wanted in (name, "model"):
        if not fields.get(wanted):
            raise Broken(f"{wanted}: field required", wanted)
    if operation == "image_edits":
        return _picture(1)
    words = f"{len(fields['file'])} bytes of sound"
    if fields.get("response_format") == b"text":
        return Status(200, body=words.encode() + b"\n", headers={"content-type": "text/plain; charset=utf-8"})
    usage = {"type": "duration", "seconds": 3}
    return Status(200, body=document({"text": words, "usage": usage}))


def read_multipart(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields of a form, files among them."""
    boundary = re.fullmatch(r'multipart/form-data; *boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise Broken("the content type is not multipart/form-data with a boundary")
    mark = b"--" + boundary[1].encode()
    pieces = body.split(mark)
    if len(pieces) < 3 or pieces[-1].strip() != b"--":
        raise Broken("the form does not end with its boundary")
    fields = {}
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is None:
            raise Broken("a field of the form has no name")
        fields[name[1].decode().removesuffix("[]")] = content.removesuffix(b"\r\n")
    return fields
