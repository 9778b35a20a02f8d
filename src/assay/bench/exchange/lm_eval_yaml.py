"""The part of lm-eval's YAML that is data: ``generate_until`` with templates, examples, filters and exact matches. What is code, or asks
for what an endpoint does not tell, is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from assay.bench.extract.filters import check_filters
from assay.core import InvalidInput

_MATCH = frozenset(
    {"metric", "aggregation", "higher_is_better", "ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"}
)
_DEEPEST = 8
_LARGEST = 4 * 1024 * 1024


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``fewshot_config``."""

    sampler: str = "default"
    split: str | None = None
    samples: list[dict[str, Any]] | None = None


class LmEval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is understood of a task. Fields have lm-eval's names and defaults; what says nothing about the number is read over."""

    doc_to_text: str
    doc_to_target: str | int
    dataset_path: str
    task: str | None = None
    dataset_kwargs: dict[str, Any] = {}
    dataset_name: str | None = None
    output_type: str = "generate_until"
    test_split: str | None = None
    validation_split: str | None = None
    training_split: str | None = None
    fewshot_split: str | None = None
    fewshot_config: Examples = Examples()
    num_fewshot: int | None = 0
    description: str = ""
    fewshot_delimiter: str = "\n\n"
    target_delimiter: str = " "
    generation_kwargs: dict[str, Any] | None = None
    repeats: int = 1
    filter_list: list[dict[str, Any]] = msgspec.field(
        default_factory=lambda: [{"name": "none", "filter": [{"function": "take_first"}]}]
    )
    metric_list: list[dict[str, Any]] = msgspec.field(default_factory=lambda: [{"metric": "exact_match"}])
    metadata: dict[str, Any] = {}
    tag: str | list[str] | None = None
    group: str | list[str] | None = None
    task_alias: str | None = None
    should_decontaminate: bool = False
    doc_to_decontamination_query: str | None = None


def read_yaml(path: Path) -> LmEval:
    """A task, with what it includes.

    Raises:
        InvalidInput: ``exchange.construct_unknown``, with the name of what is not understood; ``exchange.invalid``.
    """
    said = _load(path, 0)
    kind = said.get("output_type", "generate_until")
    if kind != "generate_until":
        raise unknown(f"`output_type: {kind}`", "An endpoint answers in words; only `generate_until` can be measured over it.")
    known = LmEval.__struct_encode_fields__
    for name in said:
        if name not in known:
            raise unknown(f"`{name}`", "Write such a task anew with a task.py; docs/guides/own-task.md shows how.")
    try:
        task = msgspec.convert(said, LmEval)
    except msgspec.ValidationError as error:
        raise InvalidInput("exchange.invalid", f"{path.name} is no task of lm-eval: {error}.") from error
    _check(task)
    return task


def unknown(what: str, hint: str) -> InvalidInput:
    """What is to be said of a construct of lm-eval's that is not understood."""
    return InvalidInput("exchange.construct_unknown", f"Assay does not know {what} of lm-eval.", hint=hint)


class _Loader(yaml.SafeLoader):
    """YAML that is only data."""


def _function(loader: _Loader, node: yaml.Node) -> Any:
    raise unknown(
        f"`!function {node.value}`", "That is code; write the task anew with a task.py, as docs/guides/own-task.md shows."
    )


_Loader.add_constructor("!function", _function)


def _load(path: Path, depth: int) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInput("exchange.invalid", f"{path.name} is larger than {_LARGEST:,} bytes.")
        said = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  # a SafeLoader that also refuses functions
    except (OSError, UnicodeDecodeError, RecursionError, ValueError, yaml.YAMLError) as error:
        raise InvalidInput("exchange.invalid", f"{path} is no YAML that can be read: {error}.") from error
    if not isinstance(said, dict) or not all(isinstance(name, str) for name in said):
        raise InvalidInput("exchange.invalid", f"{path.name} holds no task of lm-eval.")
    included = said.pop("include", None)
    if included is None:
        return said
    if not isinstance(included, str) or Path(included).name != included or depth == _DEEPEST:
        raise unknown(f"`include: {included}`", "What is included lies beside the file, and includes no more than a few others.")
    return {**_load(path.with_name(included), depth + 1), **said}


def _check(task: LmEval) -> None:
    if task.num_fewshot and task.fewshot_config.sampler != "first_n":
        raise unknown(
            f"`num_fewshot: {task.num_fewshot}` with the sampler {task.fewshot_config.sampler!r}",
            "It draws other examples for each question; write `fewshot_config: {sampler: first_n}`.",
        )
    if task.repeats < 1 or task.repeats > 1_000 or (task.num_fewshot or 0) < 0:
        raise InvalidInput("exchange.invalid", "`repeats` is from 1 to 1,000, and `num_fewshot` not negative.")
    if not task.filter_list or not task.metric_list:
        raise InvalidInput("exchange.invalid", "`filter_list` and `metric_list` hold at least one, where they are there.")
    for pipeline in task.filter_list:
        if not isinstance(pipeline.get("name"), str) or not isinstance(pipeline.get("filter"), list):
            raise InvalidInput("exchange.invalid", "Each of `filter_list` has a `name` and a list `filter`.")
        check_filters(pipeline["filter"])
    for metric in task.metric_list:
        if metric.get("metric") != "exact_match":
            raise unknown(f"the metric {metric.get('metric')!r}", "It knows exact_match.")
        if metric.get("aggregation", "mean") != "mean" or metric.get("higher_is_better", True) is not True:
            raise unknown("an exact_match that is not averaged, or better when lower", "Leave these two out.")
        if strange := set(metric) - _MATCH:
            raise unknown(f"{min(strange)!r} of exact_match", f"It knows {', '.join(sorted(_MATCH))}.")
