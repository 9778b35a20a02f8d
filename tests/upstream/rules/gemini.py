"""What a strict server of Gemini's generateContent accepts: the types of Google's SDK, and the API's rules on top of them.

Protocol buffers take a field in snake_case and in camelCase; unknown ones are refused. The rules are those of Google's pages on
function calling and thought signatures, and those of `wire.md` for the subset of OpenAPI that ``parameters`` is.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ConfigDict, create_model
from pydantic_core import SchemaValidator

from tests.upstream.rules.strict import Broken, check_base64, conform, strict
from tests.upstream.script import plain, signed

SKIP = "skip_thought_signature_validator"
MAX_STOPS = 5
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_DATA = (
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
_OPAQUE = ("args", "response", "parametersJsonSchema", "responseJsonSchema", "labels", "partMetadata")
_SCHEMA_FIELDS = frozenset(
    (
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "pattern",
        "example",
        "default",
        "propertyOrdering",
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "items",
        "minItems",
        "maxItems",
        "anyOf",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
    )
)


def normal(value: Any) -> Any:
    """The same body with all names in camelCase, except inside of values that belong to the user."""
    if type(value) is list:
        return [normal(inner) for inner in value]
    if type(value) is not dict:
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        name = camel(key)
        if name in found:
            raise Broken(f"Invalid value: the field {name!r} is there twice")
        if name == "properties" and type(inner) is dict:
            found[name] = {one: normal(shape) for one, shape in inner.items()}
        else:
            found[name] = inner if name in _OPAQUE and (name != "response" or "name" in value) else normal(inner)
    return found


def camel(name: str) -> str:
    """``name`` in camelCase; names of tests stay."""
    return name if name.startswith("x_") else re.sub(r"(?<=[a-z0-9])_([a-z0-9])", lambda match: match[1].upper(), name)


def check_request(body: Any, headers: Mapping[str, str] | None = None, *, model: str = "", counting: bool = False) -> None:
    """Raise `Broken` unless Google would take ``body``."""
    if type(body) is not dict:
        raise Broken("Invalid JSON payload received: not an object")
    body = normal(body)
    if counting and "generateContentRequest" in body:
        body = {**body.pop("generateContentRequest"), **body}
        model = body.pop("model", model)
    _check_schemas(body)
    conform(_type(), body)
    if not body["contents"]:
        raise Broken("* GenerateContentRequest.contents: contents is not specified")
    _check_settings(body.get("generationConfig") or {})
    _check_tools(body)
    _check_parts(body)
    _check_turns(body["contents"])
    _check_signatures(body["contents"], whole=model.startswith("think-"))


@cache
def _type() -> SchemaValidator:
    from google.genai import types

    fields: dict[str, Any] = {
        "contents": (list[types.Content], ...),
        "systemInstruction": (types.Content, None),
        "tools": (list[types.Tool], None),
        "toolConfig": (types.ToolConfig, None),
        "safetySettings": (list[types.SafetySetting], None),
        "generationConfig": (types.GenerationConfig, None),
        "cachedContent": (str, None),
        "labels": (dict[str, str], None),
        "serviceTier": (str, None),
        "store": (bool, None),
    }
    return strict(create_model("GenerateContentRequest", __config__=ConfigDict(extra="forbid", val_json_bytes="base64"), **fields))


def _check_schemas(body: Any) -> None:
    """``parameters`` and ``responseSchema`` are not JSON Schema."""
    for declaration in _declarations(body):
        for field in ("parameters", "response"):
            if field in declaration and f"{field}JsonSchema" in declaration:
                raise Broken(f"{field} and {field}_json_schema cannot both be set")
            _check_schema(declaration.get(field))
    settings = body.get("generationConfig") or {}
    if "responseSchema" in settings and "responseJsonSchema" in settings:
        raise Broken("response_schema and response_json_schema cannot both be set")
    _check_schema(settings.get("responseSchema"))


def _check_schema(schema: Any) -> None:
    if type(schema) is not dict:
        return
    for key, inner in schema.items():
        if key not in _SCHEMA_FIELDS:
            raise Broken(f'Invalid JSON payload received. Unknown name "{key}" in a schema: Cannot find field.')
        if key == "type" and type(inner) is not str:
            raise Broken("Proto field is not repeating, cannot start list: type")
        if key == "enum" and any(type(one) is not str for one in inner):
            raise Broken("Invalid value at 'enum': only strings")
        nested = inner.values() if key == "properties" else inner if key == "anyOf" else [inner] if key == "items" else ()
        for one in nested:
            _check_schema(one)
    kind = str(schema.get("type", "")).upper()
    if kind == "ARRAY" and "items" not in schema:
        raise Broken("parameters: items: missing field.")
    if left := set(schema.get("required", ())) - set(schema.get("properties", {})):
        raise Broken(f"parameters.required: property is not defined: {sorted(left)}")


def _check_settings(settings: Any) -> None:
    for field, low, high in (("temperature", 0, 2), ("topP", 0, 1), ("candidateCount", 1, 8)):
        if settings.get(field) is not None and not low <= settings[field] <= high:
            raise Broken(f"{field} must be in the range [{low}, {high}]")
    for field in ("maxOutputTokens", "topK"):
        if settings.get(field) is not None and settings[field] < 1:
            raise Broken(f"{field} must be positive")
    if len(settings.get("stopSequences") or ()) > MAX_STOPS:
        raise Broken(f"stop_sequences: the maximum number is {MAX_STOPS}")
    if any(not stop for stop in settings.get("stopSequences") or ()):
        raise Broken("stop_sequences: must not be empty")
    has_schema = "responseSchema" in settings or "responseJsonSchema" in settings
    if has_schema and settings.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise Broken("Function calling config / schema: response_mime_type must be application/json to use a response schema")
    thinking = settings.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        raise Broken("You can only set only one of thinking budget and thinking level.")
    if thinking.get("thinkingBudget", 0) < -1:
        raise Broken("The thinking budget is invalid")
    if settings.get("logprobs") is not None and not settings.get("responseLogprobs"):
        raise Broken("logprobs needs response_logprobs")


def _check_tools(body: Any) -> None:
    names = [declaration.get("name") for declaration in _declarations(body)]
    for name in names:
        if not name or not _NAME.fullmatch(name):
            raise Broken(
                "Invalid function name. Must start with a letter or an underscore and hold a-z, A-Z, 0-9, _ . : - only, 64 at most."
            )
    if len(set(names)) != len(names):
        raise Broken("Duplicate function declaration found")
    for declaration in _declarations(body):
        shape = declaration.get("parametersJsonSchema", declaration.get("parameters"))
        if shape is not None and str(shape.get("type", "")).upper() != "OBJECT":
            raise Broken(f"{declaration['name']}: parameters must be of the type OBJECT")
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = config.get("allowedFunctionNames")
    if allowed and config.get("mode") not in ("ANY", "VALIDATED"):
        raise Broken("allowed_function_names should be set only when function calling mode is ANY or VALIDATED.")
    if config.get("mode") == "ANY" and not names:
        raise Broken("Function calling config is set without function_declarations.")
    if left := set(allowed or ()) - set(names):
        raise Broken(f"allowed_function_names: {sorted(left)} is not declared")


def _declarations(body: Any) -> Iterator[Any]:
    for tool in body.get("tools") or ():
        if type(tool) is dict:
            yield from tool.get("functionDeclarations") or ()


def _check_parts(body: Any) -> None:
    instruction = body.get("systemInstruction")
    if instruction is not None:
        if not instruction.get("parts"):
            raise Broken("system_instruction.parts: must not be empty")
        if any("text" not in part for part in instruction["parts"]):
            raise Broken("system_instruction: only text is allowed")
    everywhere = [*body["contents"], *([instruction] if instruction else [])]
    for number, content in enumerate(everywhere):
        if content is not instruction and content.get("role", "user") not in ("user", "model"):
            raise Broken("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise Broken(f"* GenerateContentRequest.contents[{number}].parts: contents.parts must not be empty.")
        for part in content["parts"]:
            _check_part(part, f"contents[{number}].parts")


def _check_part(part: Any, where: str) -> None:
    held = [name for name in _DATA if part.get(name) is not None]
    if len(held) != 1:
        raise Broken(f"{where}: required oneof field 'data' must have one initialized field, and has {held}")
    if part.get("text") == "" and not part.get("thoughtSignature"):
        raise Broken(f"{where}: must include at least one parts field: the text is empty")
    if "inlineData" in part:
        if not part["inlineData"].get("mimeType"):
            raise Broken(f"{where}: inline_data.mime_type is missing")
        check_base64(part["inlineData"].get("data") or "", f"{where}: inline_data.data", either=True)


def _check_turns(contents: list[Any]) -> None:
    """Calls come behind a user's turn or results; the next turn holds as many results, by the same names."""
    waiting: list[str] = []
    before = ""
    for content in contents:
        role = content.get("role", "user")
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        results = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if role == "user" and calls:
            raise Broken("function calls belong to the role model")
        if role == "model" and results:
            raise Broken("function responses belong to the role user")
        if len(results) != len(waiting):
            raise Broken(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
            )
        if sorted(one.get("name", "") for one in results) != sorted(waiting):
            raise Broken("the names of function responses are not those of the calls")
        if any("response" not in one for one in results):
            raise Broken("function_response.response is missing")
        if calls and before != "user":
            raise Broken(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
            )
        for call in calls:
            if not _NAME.fullmatch(call.get("name", "")):
                raise Broken("Invalid function name")
        waiting = [call["name"] for call in calls]
        before = role
    if waiting:
        raise Broken("Please ensure that function response turn comes immediately after a function call turn.")


def _check_signatures(contents: list[Any], *, whole: bool) -> None:
    """Gemini 3: the first call of each step of the current turn carries its signature, unchanged.

    With ``whole`` this holds for all of the conversation, and nothing but the true signature will do.
    """
    last = max((number for number, content in enumerate(contents) if _is_question(content)), default=-1)
    for number, content in enumerate(contents):
        for part in content["parts"]:
            if "thoughtSignature" in part:
                _check_signature(part, whole=whole)
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and (whole or number > last) and "thoughtSignature" not in first:
            raise Broken(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. "
                f"Additional data, function call `{first['functionCall']['name']}`, position {number + 1}."
            )


def _is_question(content: Any) -> bool:
    return content.get("role", "user") == "user" and any("functionResponse" not in part for part in content["parts"])


def _check_signature(part: Any, *, whole: bool) -> None:
    token = part["thoughtSignature"]
    if token == SKIP and "functionCall" in part and not whole:
        return
    held = signed(base64.b64encode(check_base64(token, "thought_signature", either=True)).decode())
    if held is None:
        raise Broken("Thought signature is not valid.")
    if "functionCall" in part and held != signature_of_call(part["functionCall"]):
        raise Broken("Thought signature is not valid: it belongs to another function call.")


def signature_of_call(call: Any) -> str:
    """What the signature of a call stands for."""
    return f"{call['name']}({plain(json.dumps(call.get('args') or {}))})"
