"""A task of lm-eval becomes a folder with a ``task.toml``: its templates as options of the kind ``lm-eval``, its data beside it."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.exchange.lm_eval_yaml import LmEval, read_yaml, unknown
from assay.bench.kind import kind_of
from assay.bench.kinds.lm_eval import EVALUATED, FEWSHOT
from assay.bench.library import read_task
from assay.core import AssayError, Conflict, InvalidInput

_FORMATS = ("json", "csv", "parquet")
_ON_HUB = re.compile(r"hf://datasets/([^/@]+/[^/@]+)@([0-9a-f]{40})/(.+)")
_TOKENS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_SAMPLING = frozenset({*_TOKENS, "until", "do_sample", "temperature", "top_p", "top_k", "seed"})


def make_lm_eval_task(path: Path, folder: Path) -> Path:
    """Make the task of the YAML at ``path`` in ``folder``, whose name becomes its id; the path of the ``task.toml``. Data files lie
    where the YAML says, seen from its own folder.

    Raises:
        InvalidInput: ``exchange.construct_unknown``: it needs what is not understood; ``exchange.invalid``, ``task.data_invalid``.
        Conflict: ``task.exists``. Unavailable: ``exchange.extra_missing``.
    """
    if (folder / "task.toml").exists():
        raise Conflict("task.exists", f"{folder} holds a task already.", hint="Take another folder, or change the task.toml there.")
    task = read_yaml(path)
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = _document(task, path, folder)
        made = folder / "task.toml"
        made.write_text("".join(f"{name} = {_toml(value)}\n" for name, value in document.items()), "utf-8")
        _try(folder)
    except AssayError:
        if is_new:
            shutil.rmtree(folder)
        else:
            (folder / "task.toml").unlink(missing_ok=True)
        raise
    return made


def _document(task: LmEval, path: Path, folder: Path) -> dict[str, Any]:
    split = task.test_split or task.validation_split
    if split is None:
        raise InvalidInput("exchange.invalid", f"{path.name} names neither `test_split` nor `validation_split`.")
    shown = task.fewshot_config.split or task.fewshot_split
    if shown is None and task.fewshot_config.samples is None:
        shown = task.training_split or task.validation_split or task.test_split
    data, form = _data(task, path, folder, split, EVALUATED)
    options = _options(task) | {"leave_out": shown == split}
    if task.num_fewshot and shown:
        example, options["fewshot_format"] = _data(task, path, folder, shown, FEWSHOT)
        data = [*data, *example]
        options.pop("examples", None)
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._") or "task"
    return {
        "id": name,
        "version": 1,
        "title": task.task or name,
        "about": f"A task of lm-eval: {path.name}.",
        "kind": "lm-eval",
        "format": form,
        "prompt": task.doc_to_text,
        "licence": "see its source",
        "citation": "see its source",
        "link": "https://github.com/EleutherAI/lm-evaluation-harness",
        "sampling": _sampling(task),
        "options": options,
        "data": data,
    }


def _options(task: LmEval) -> dict[str, Any]:
    options: dict[str, Any] = {
        "doc_to_text": task.doc_to_text,
        "doc_to_target": str(task.doc_to_target),
        "description": task.description,
        "num_fewshot": task.num_fewshot or 0,
        "repeats": task.repeats,
        "filters": task.filter_list,
        "metrics": task.metric_list,
    }
    if task.num_fewshot and task.fewshot_config.samples is not None:
        options["examples"] = task.fewshot_config.samples
    return options


def _until(task: LmEval) -> list[str]:
    given = (task.generation_kwargs or {}).get("until", task.fewshot_delimiter)
    ends = [given] if isinstance(given, str) else given
    if not isinstance(ends, list) or not all(isinstance(end, str) for end in ends):
        raise InvalidInput("exchange.invalid", f"`until` is a list of words, not {given!r}.")
    return ends


def _sampling(task: LmEval) -> dict[str, Any]:
    """As lm-eval asks a chat endpoint: greedily unless a temperature is named, 256 tokens, and the first four ends."""
    given = task.generation_kwargs or {}
    if strange := set(given) - _SAMPLING:
        raise unknown(f"{min(strange)!r} in `generation_kwargs`", f"It knows {', '.join(sorted(_SAMPLING))}.")
    tokens = next((given[name] for name in _TOKENS if name in given), 256)
    ends = [end for end in _until(task) if end][:4]
    more: dict[str, Any] = {name: given[name] for name in ("top_p", "top_k", "seed") if name in given}
    return {"temperature": given.get("temperature", 0.0), "max_tokens": tokens, **({"stop": ends} if ends else {}), **more}


def _data(task: LmEval, path: Path, folder: Path, split: str, name: str) -> tuple[list[dict[str, Any]], str]:
    """The file of ``split``: a pinned one on the hub, or one beside the YAML, which is copied into the folder."""
    files = task.dataset_kwargs.get("data_files")
    file = files.get(split) if isinstance(files, dict) else files if split == "train" else None
    file = file[0] if isinstance(file, list) and len(file) == 1 else file
    if task.dataset_path not in _FORMATS or not isinstance(file, str):
        raise unknown(
            f"the split {split!r} of `dataset_path: {task.dataset_path}`",
            "Name its one file: `dataset_path: json` (or csv, parquet) and `dataset_kwargs: {data_files: {"
            f"{split}: FILE"
            "}}`, where FILE lies beside the YAML or is hf://datasets/OWNER/NAME@REVISION/PATH with the 40 digits of a commit.",
        )
    form = task.dataset_path
    if found := _ON_HUB.fullmatch(file):
        form = "jsonl" if form == "json" and file.endswith(".jsonl") else form
        return [{"name": name, "url": f"hf://{found[1]}/{found[3]}", "revision": found[2], "token": "HF_TOKEN"}], form
    try:
        content = (path.parent / file).read_bytes()
    except (OSError, ValueError) as error:
        raise InvalidInput("exchange.invalid", f"{path.parent / file} cannot be read: {error}.") from error
    if form == "json" and not content.lstrip().startswith(b"["):
        form = "jsonl"
    kept = f"{name}.{form}"
    (folder / kept).write_bytes(content)
    return [{"name": name, "path": kept, "sha256": hashlib.sha256(content).hexdigest()}], form


def _try(folder: Path) -> None:
    """See that its templates can be filled in, where its data are here."""
    task = read_task(folder)
    files = {file.name: folder / file.path for file in task.data if file.path is not None}
    if len(files) == len(task.data):
        kind_of(task).read(task, files)


def _toml(value: Any) -> str:
    """A value in one line of TOML; None is left out of tables."""
    match value:
        case dict():
            inside = (f"{_toml(str(name))} = {_toml(one)}" for name, one in value.items() if one is not None)
            return f"{{{', '.join(inside)}}}"
        case list() | tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
        case _:
            raise InvalidInput("exchange.invalid", f"A task cannot hold {value!r}.")
