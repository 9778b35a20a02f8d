"""Requests: what a client sends, and what an upstream is sent (Gemini API ``v1beta``, ``generateContent``, 2026-11).

The model and whether to stream are in the address, not in the body.
"""

from __future__ import annotations

from assay.core import InvalidInput, Request, TooLarge, Transcript
from assay.wire.document import decode, encode
from assay.wire.fields import Json, missing, take_str, wrong
from assay.wire.gemini.content import read_contents, read_system
from assay.wire.gemini.fields import NAME, left_over, normalised, take_list, take_object
from assay.wire.gemini.history import write_transcript
from assay.wire.gemini.settings import read_output, read_sampling, write_output, write_sampling
from assay.wire.gemini.tools import read_tool_choice, read_tools, write_tool_choice, write_tools
from assay.wire.losses import Losses, Written
from assay.wire.sse import escape_separators

MAX_BODY_BYTES = 64 * 1024 * 1024
_NESTED = ("generationConfig", "toolConfig")


def read_request(body: bytes, *, model: str | None = None, stream: bool | None = None) -> Request:
    """The request that a client sent to the address of ``model``. Fields that Assay does not know stay in ``extra["gemini"]``.

    Raises:
        InvalidInput: ``wire.not_json``, ``wire.not_utf8``, ``wire.too_deep``, ``wire.wrong_type`` or ``wire.missing_field``;
            ``param`` is the JSON path of the value at fault.
        TooLarge: ``wire.too_large``.
    """
    return _read(_decode(body), model, stream=bool(stream))


def _decode(body: bytes) -> Json:
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("wire.too_large", f"The body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read.")
    fields = decode(body)
    if type(fields) is not dict:
        raise wrong("body", "an object", fields)
    found: Json = normalised(fields)
    return found


def _read(fields: Json, model: str | None, *, stream: bool) -> Request:
    named = take_str(fields, "model")
    model = model or (named or "").removeprefix("models/")
    if not model:
        raise missing("model")
    values = fields.pop("contents", None)
    if not values or type(values) not in (list, dict, str):
        raise missing("contents") if values is None or values == [] else wrong("contents", "a list", values)
    system = read_system(fields.pop("systemInstruction", None))
    contents = read_contents(values if type(values) is list else [values])
    config = take_object(fields, "generationConfig") or {}
    tool_config = take_object(fields, "toolConfig") or {}
    tools = read_tools(take_list(fields, "tools"))
    if config.get("candidateCount") == 1:
        del config["candidateCount"]
    output, sampling, choice = read_output(config), read_sampling(config), read_tool_choice(tool_config)
    for at, rest in zip(_NESTED, (config, tool_config), strict=True):
        fields.update({f"{at}.{key}": value for key, value in rest.items() if value is not None})
    return Request(
        model=model,
        transcript=Transcript(system + contents),
        tools=tools,
        tool_choice=choice,
        output=output,
        sampling=sampling,
        stream=stream,
        extra=left_over(fields),
    )


def write_request(request: Request) -> Written:
    """The body for an upstream, which is told the model and whether to stream in its address."""
    losses = Losses()
    return Written(escape_separators(encode(_write(request, losses))), losses.listed)


def _write(request: Request, losses: Losses) -> Json:
    losses.foreign(request.extra, NAME)
    extra = {key: value for key, value in request.extra.get(NAME, {}).items() if key != "alt"}
    nested: dict[str, Json] = {at: {} for at in _NESTED}
    for key in [key for key in extra if key.partition(".")[0] in _NESTED and "." in key]:
        at, _, field = key.partition(".")
        nested[at][field] = extra.pop(key)
    system, contents = write_transcript(request.transcript, losses)
    if not contents and system is not None:
        contents, system = [{"role": "user", **system}], None
        losses.approximate("messages[].role", "user")
    fields: Json = {"contents": contents}
    if system is not None:
        fields["systemInstruction"] = system
    tools = write_tools(request.tools, losses)
    if tools:
        fields["tools"] = tools
    write_tool_choice(nested["toolConfig"], request, losses)
    config = nested["generationConfig"]
    write_sampling(config, request.sampling, losses)
    if request.output is not None:
        losses.foreign(request.output.extra, NAME, "output")
        write_output(config, request.output, losses)
    if request.user is not None:
        losses.drop("user")
    fields.update({at: inner for at, inner in nested.items() if inner})
    return {**fields, **extra}


def read_count_request(body: bytes, *, model: str | None = None) -> Request:
    """What a client asks to be counted: ``contents`` alone, or a whole ``generateContentRequest``. Raises as `read_request` does."""
    fields = _decode(body)
    whole = take_object(fields, "generateContentRequest")
    if whole is not None and fields.get("contents"):
        raise InvalidInput("wire.wrong_type", "contents and generateContentRequest cannot both be given.", param="contents")
    return _read(whole if whole is not None else fields, model, stream=False)


def write_count_request(request: Request) -> Written:
    """The body of ``countTokens``: contents alone where that is all, since not every server takes more."""
    losses = Losses()
    fields = _write(request, losses)
    if set(fields) != {"contents"}:
        fields = {"generateContentRequest": {"model": f"models/{request.model.removeprefix('models/')}", **fields}}
    return Written(escape_separators(encode(fields)), losses.listed)
