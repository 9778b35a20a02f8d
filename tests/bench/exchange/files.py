"""Files in the shape in which evalplus 0.3.1, lm-eval 0.4.13 and Inspect 0.3.285 write them, about questions of our own."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STAMP = "2026-03-01T10-00-00.000000"
Json = dict[str, Any]


def lm_eval_row(number: int, said: str, score: float, **more: Any) -> Json:
    """A line of ``samples_*.jsonl``."""
    asked = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"What is {number} + 1?"}])
    return {
        "doc_id": number,
        "doc": {"question": f"What is {number} + 1?", "answer": str(number + 1)},
        "target": str(number + 1),
        "arguments": {"gen_args_0": {"arg_0": [asked], "arg_1": {"until": ["\n\n"], "do_sample": False}}},
        "resps": [[said]],
        "filtered_resps": [said.split()[-1]],
        "filter": "last-word",
        "metrics": ["exact_match"],
        "doc_hash": "d",
        "exact_match": score,
        **more,
    }


LM_EVAL_ROWS = [lm_eval_row(0, "It is 1", 1.0), lm_eval_row(1, "It is 3", 0.0), lm_eval_row(2, "It is 3", 1.0)]


def lm_eval_document(*tasks: str) -> Json:
    """``results_*.json``."""
    return {
        "results": {task: {"alias": task, "exact_match,last-word": 2 / 3} for task in tasks},
        "configs": {task: {"task": task, "output_type": "generate_until", "num_fewshot": 0} for task in tasks},
        "versions": dict.fromkeys(tasks, 1.0),
        "config": {"model": "local-chat-completions", "model_args": {"model": "stage/pupil"}},
        "date": 1795369232.3,
        "lm_eval_version": "0.4.13",
        "task_hashes": dict.fromkeys(tasks, "e2d4"),
        "model_name": "stage/pupil",
    }


def write_lm_eval(folder: Path, document: Any = None, rows: list[Any] | None = None, task: str = "sums") -> Path:
    """The two files of one task; the path of the results."""
    lines = LM_EVAL_ROWS if rows is None else rows
    (folder / f"samples_{task}_{STAMP}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in lines))
    path = folder / f"results_{STAMP}.json"
    path.write_text(json.dumps(document or lm_eval_document(task)))
    return path


def evalplus_document() -> Json:
    """``*_eval_results.json``: one passes, one only the base tests, one runs out of time."""
    verdicts = {"HumanEval/0": ("pass", "pass"), "HumanEval/1": ("pass", "fail"), "HumanEval/2": ("timeout", "timeout")}
    return {
        "date": "2026-03-01 10:00",
        "hash": "fe585eb4df8c88d844eeb463ea4d0302",
        "eval": {
            id: [
                {
                    "task_id": id,
                    "solution": f"def f{id[-1]}(): ...",
                    "base_status": base,
                    "plus_status": plus,
                    "base_fail_tests": [],
                }
            ]
            for id, (base, plus) in verdicts.items()
        },
    }


def inspect_header() -> Json:
    """``header.json`` of a log."""
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "eval_id": "hattCXVqvpnib2PHTNSDj3",
            "created": "2026-03-01T10:00:00+00:00",
            "task": "tiny",
            "task_id": "ZMo2QtXTypNwHGMD2kGUFZ",
            "task_version": 0,
            "task_display_name": "Tiny",
            "task_args": {"level": 2},
            "dataset": {"samples": 2, "sample_ids": ["q1", "q2"], "shuffled": False},
            "model": "openai-api/assay/stage/pupil",
            "config": {"epochs": 2},
            "packages": {"inspect_ai": "0.3.285"},
            "scorers": [{"name": "includes", "options": {}}],
        },
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}},
        "results": {"total_samples": 2, "completed_samples": 2, "scores": []},
    }


def inspect_sample(id: str | int, said: str, score: Any, epoch: int = 1, **more: Any) -> Json:
    """``samples/ID_epoch_N.json``."""
    message = {"id": "m", "content": [{"type": "text", "text": said}], "source": "generate", "role": "assistant"}
    return {
        "id": id,
        "epoch": epoch,
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"What is {id}?"}],
        "target": ["2", "two"],
        "messages": [],
        "output": {
            "model": "pupil",
            "choices": [{"message": message, "stop_reason": "stop"}],
            "usage": {"input_tokens": 6, "output_tokens": 13, "total_tokens": 19},
            "time": 0.64,
        },
        "scores": {
            "includes": {"value": score, "answer": said, "explanation": f"It said {said}."},
            "other": {"value": 0.25, "answer": None},
        },
        "metadata": {},
        "events": [{"event": "model", "call": {}}],
        **more,
    }


INSPECT_SAMPLES = [
    inspect_sample("q1", "2", "C"),
    inspect_sample("q1", "3", "I", epoch=2),
    inspect_sample("q2", "two", {"first": "P", "second": "I"}),
    inspect_sample("q3", "", "I", error={"message": "It broke off.", "traceback": "", "traceback_ansi": ""}),
]


def write_inspect(path: Path, header: Any = None, samples: Mapping[str, Any] | list[Json] | None = None, method: int = 8) -> Path:
    """A log; samples by the name of their file, or in order."""
    given = INSPECT_SAMPLES if samples is None else samples
    named = given if isinstance(given, Mapping) else {f"{one['id']}_epoch_{one['epoch']}": one for one in given}
    with zipfile.ZipFile(path, "w", method) as log:
        log.writestr("_journal/start.json", "{}")
        for name, sample in named.items():
            log.writestr(f"samples/{name}.json", json.dumps(sample))
        log.writestr("header.json", json.dumps(header if header is not None else inspect_header()))
    return path
