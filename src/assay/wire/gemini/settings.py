"""``generationConfig``, in both directions: how tokens are drawn, how much is thought, and the form of the answer.

A field of it that core has no word for stays in the request's ``extra`` as ``generationConfig.<field>``, so that its loss can
be named.
"""

from __future__ import annotations

from assay.core import OutputFormat, Sampling
from assay.wire.fields import Json, take_bool, take_count, take_number, take_str, wrong
from assay.wire.gemini.fields import take_object
from assay.wire.gemini.schema import to_json_schema
from assay.wire.losses import Losses

AT = "generationConfig"
_NUMBERS = {
    "temperature": "temperature",
    "topP": "top_p",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_COUNTS = {"topK": "top_k", "maxOutputTokens": "max_tokens", "seed": "seed"}
_MOST_STOPS = 5
_LEVELS = frozenset(("minimal", "low", "medium", "high", "xhigh"))
_DYNAMIC = -1
"""The ``thinkingBudget`` that leaves the amount to the model."""


def read_sampling(config: Json) -> Sampling:
    """Take what core knows out of ``config``."""
    given: Json = {}
    for key, name in _NUMBERS.items():
        if key in config and (number := take_number(config, key, AT)) is not None:
            given[name] = number
    for key, name in _COUNTS.items():
        count = take_count(config, key, AT) if key in config else None
        if count is not None and (count > 0 or key != "topK"):
            given[name] = count
    if "stopSequences" in config and (stop := _take_stop(config)) is not None:
        given["stop"] = stop
    if "thinkingConfig" in config:
        given.update(_take_thinking(config))
    return Sampling(**given)


def _take_stop(config: Json) -> tuple[str, ...] | None:
    value = config.pop("stopSequences")
    if type(value) is str:
        return (value,)
    if type(value) is list and all(type(word) is str for word in value):
        return tuple(value) or None
    if value is None:
        return None
    raise wrong(f"{AT}.stopSequences", "a list of strings", value)


def _take_thinking(config: Json) -> Json:
    thinking = take_object(config, "thinkingConfig", AT)
    if thinking is None:
        return {}
    at = f"{AT}.thinkingConfig"
    given: Json = {}
    if (shown := take_bool(thinking, "includeThoughts", at)) is not None:
        given["show_thinking"] = shown
    budget = take_count(thinking, "thinkingBudget", at)
    if budget is not None and budget > 0:
        given["thinking_budget"] = budget
    elif budget is not None:
        given["thinking"] = budget < 0
    level = take_str(thinking, "thinkingLevel", at)
    if level and level != "THINKING_LEVEL_UNSPECIFIED":
        given["effort"] = level.lower()
    if thinking:
        config["thinkingConfig"] = thinking
    return given


def read_output(config: Json) -> OutputFormat | None:
    """Take the form of the answer out of ``config``. A form that core has no word for, such as one of an enum, stays."""
    media_type = config.get("responseMimeType")
    if media_type not in (None, "", "application/json", "text/plain"):
        return None
    for key in ("responseJsonSchema", "_responseJsonSchema", "responseSchema"):
        schema = take_object(config, key, AT)
        if schema is not None:
            config.pop("responseMimeType", None)
            return OutputFormat(kind="json_schema", schema=to_json_schema(schema) if key == "responseSchema" else schema)
    if "responseMimeType" not in config:
        return None
    del config["responseMimeType"]
    if not media_type:
        return None
    return OutputFormat(kind="json" if media_type == "application/json" else "text")


def write_sampling(config: Json, sampling: Sampling, losses: Losses) -> None:
    """Add to ``config`` how tokens are drawn and how much is thought."""
    for key, name in (*_NUMBERS.items(), *_COUNTS.items()):
        if (value := getattr(sampling, name)) is not None:
            config[key] = value
    if sampling.top_k is not None and sampling.top_k < 1:
        del config["topK"]  # 0 and -1 say "all" elsewhere, which is what leaving it out says here
    if sampling.seed is not None and not -(1 << 31) <= sampling.seed < 1 << 31:
        config["seed"] = sampling.seed % (1 << 31)
        losses.approximate("seed", "its last 31 bits")
    if sampling.stop:
        stop = [word for word in sampling.stop if word]
        if len(stop) > _MOST_STOPS:
            losses.approximate("stop", f"the first {_MOST_STOPS}")
        if stop:
            config["stopSequences"] = stop[:_MOST_STOPS]
    thinking = {**config.get("thinkingConfig", {}), **_thinking(sampling, losses)}
    if thinking:
        config["thinkingConfig"] = thinking


def _thinking(sampling: Sampling, losses: Losses) -> Json:
    """A level and a budget may not stand together: the budget, being exact, wins."""
    fields: Json = {}
    if sampling.show_thinking is not None:
        fields["includeThoughts"] = sampling.show_thinking
    if sampling.thinking is False:
        fields["thinkingBudget"] = 0
    elif sampling.thinking_budget is not None:
        fields["thinkingBudget"] = sampling.thinking_budget
    elif sampling.effort is not None:
        fields.update(_level(sampling.effort, losses))
        return fields
    elif sampling.thinking:
        fields["thinkingBudget"] = _DYNAMIC
    if sampling.effort is not None:
        losses.drop("effort")
    return fields


def _level(effort: str, losses: Losses) -> Json:
    word = effort.lower()
    if word == "none":
        return {"thinkingBudget": 0}
    if word not in _LEVELS:
        losses.approximate("effort", f"{word if word == 'max' else 'a word that is not known'}>high")
        word = "high"
    return {"thinkingLevel": word.upper()}


def write_output(config: Json, output: OutputFormat, losses: Losses) -> None:
    """Add to ``config`` the form of the answer. A schema has no name here, and always holds."""
    if output.name is not None:
        losses.drop("output.name")
    if output.description is not None:
        losses.drop("output.description")
    if output.kind == "text":
        config["responseMimeType"] = "text/plain"
        return
    config["responseMimeType"] = "application/json"
    if output.kind == "json_schema" and output.schema is not None:
        config["responseJsonSchema"] = output.schema
