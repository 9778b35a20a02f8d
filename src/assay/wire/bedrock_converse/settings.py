"""How a request's settings are said. What a model of one maker takes beyond these goes into ``additionalModelRequestFields``, which a
provider's row may fill in: this protocol serves models of many makers, and nothing here is tied to a model's name.
"""

from __future__ import annotations

from assay.core import OutputFormat, Request, Sampling
from assay.wire.bedrock_converse.fields import NAME, Draft
from assay.wire.document import encode
from assay.wire.effort import effort_of
from assay.wire.fields import Json

_UNKNOWN = ("top_k", "seed", "frequency_penalty", "presence_penalty", "show_thinking")
_MOST_STOPS = 2500


def write_settings(fields: Json, request: Request, draft: Draft) -> None:
    """``inferenceConfig`` and ``outputConfig``."""
    inference = _write_inference(request.sampling, draft)
    if inference:
        fields["inferenceConfig"] = inference
    output: Json = {}
    if request.output is not None and (shape := _write_output(request.output, draft)) is not None:
        output["textFormat"] = shape
    if (effort := _effort(request.sampling, draft)) is not None:
        output["effort"] = effort
    if output:
        fields["outputConfig"] = output
    if request.user is not None:
        draft.losses.drop("user")


def _write_inference(sampling: Sampling, draft: Draft) -> Json:
    written: Json = {}
    if sampling.max_tokens is not None:
        if sampling.max_tokens > 0:
            written["maxTokens"] = sampling.max_tokens
        else:
            draft.losses.drop("max_tokens")
    for name, key in (("temperature", "temperature"), ("top_p", "topP")):
        value: float | None = getattr(sampling, name)
        if value is not None:
            written[key] = min(max(value, 0.0), 1.0)
            if written[key] != value:
                draft.losses.approximate(name, f"{written[key]:g}")
    if sampling.stop:
        stop = [word for word in sampling.stop if word][:_MOST_STOPS]
        if len(stop) < len(sampling.stop):
            draft.losses.drop("stop")
        if stop:
            written["stopSequences"] = stop
    for name in _UNKNOWN:
        if getattr(sampling, name):
            draft.losses.drop(name)
    return written


def _effort(sampling: Sampling, draft: Draft) -> str | None:
    """A word says how much to think; whether to think at all is each model's own setting."""
    if sampling.thinking is False or sampling.effort == "none" or sampling.thinking_budget == 0:
        draft.losses.drop("thinking")
        return None
    if sampling.effort is not None:
        if sampling.thinking_budget is not None:
            draft.losses.drop("thinking_budget")
        return sampling.effort[:16]
    if sampling.thinking_budget is not None:
        word = effort_of(sampling.thinking_budget)
        draft.losses.approximate("thinking_budget", f"effort {word}")
        return word
    if sampling.thinking:
        draft.losses.drop("thinking")
    return None


def _write_output(output: OutputFormat, draft: Draft) -> Json | None:
    draft.losses.foreign(output.extra, NAME, at="output")
    if output.kind == "text":
        return None
    if output.schema is None:
        draft.losses.drop("output")
        return None
    if output.strict is False:
        draft.losses.approximate("output.strict", "true")
    shape: Json = {"schema": encode(output.schema).decode()}
    if output.name is not None:
        shape["name"] = output.name
    if output.description is not None:
        shape["description"] = output.description
    return {"type": "json_schema", "structure": {"jsonSchema": shape}}
