"""Tasks written for lm-eval are put and scored as lm-eval does; what they may not hold is refused by name.

The verdicts in `VERDICTS` are those of lm-eval 0.4.13's own filters and metric on these very tasks and answers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.bench.data import Sources, fetch
from assay.bench.exchange.lm_eval_task import make_lm_eval_task
from assay.bench.kind import kind_of
from assay.bench.library import read_task
from assay.bench.task import Context, Sample, Task
from assay.core import Answer, AssayError, Conflict, InvalidInput, Message, Request, Sampling, Text, assistant
from tests.bench.tasks.answers import said

pytestmark = pytest.mark.anyio

CITIES = ("Paris", "PARIS", "5", "A")
ROWS = [
    {"question": f"What is {n} times 2?", "answer": str(2 * n), "city": CITIES[n % 4], "alts": json.dumps(["5", "Paris", str(n)])}
    for n in range(6)
]
BASE = r"""
dataset_path: json
dataset_kwargs: {data_files: {test: q.jsonl, train: q.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\n\n", "stop"], do_sample: false, max_gen_toks: 64}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0}
"""
NUMBERS = r"""
include: base.yaml
filter_list:
  - name: last
    filter: [{function: regex, group_select: -1, regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"}, {function: take_first}]
metric_list: [{metric: exact_match, ignore_case: true, regexes_to_ignore: [",", "\\$", "\\.$"]}]
"""
CITY = r"""
include: base.yaml
description: "Answer {{city|lower}} questions, please."
doc_to_text: question
doc_to_target: city
num_fewshot: 2
fewshot_config:
  sampler: first_n
  samples: [{question: "Where?", city: Rome}, {question: "Number?\n", city: "5"}, {question: "Un?", city: "b"}]
filter_list: [{name: trimmed, filter: [{function: remove_whitespace}, {function: lowercase}, {function: take_first}]}]
metric_list: [{metric: exact_match, ignore_case: true, ignore_punctuation: true}]
"""
VOTE = r"""
include: base.yaml
doc_to_target: "{{alts}}"
repeats: 5
generation_kwargs: {temperature: 0.7, do_sample: true, top_p: 0.9, until: "\n\n"}
filter_list:
  - {name: maj, filter: [{function: regex, regex_pattern: "([0-9]|[Pp]aris)"}, {function: majority_vote}, {function: take_first}]}
  - {name: first, filter: [{function: regex, regex_pattern: "([0-9])", fallback: "5"}, {function: take_first}]}
"""
VERDICTS: list[tuple[str, int, list[str], str, float]] = [
    (NUMBERS, 0, ["no idea"], "[invalid]", 0.0),
    (NUMBERS, 4, ["<b>7</b>"], "7", 0.0),
    (NUMBERS, 4, ["answer: b; then 5 stop 8"], "8", 1.0),
    (NUMBERS, 3, ["#### 1,600\n\nmore"], "1,600", 0.0),
    (NUMBERS, 3, ["(8) or [6]"], "6", 1.0),
    (CITY, 0, ["  Paris! "], "paris!", 1.0),
    (CITY, 1, ["<b>5</b>"], "<b>5</b>", 0.0),
    (CITY, 0, ["PARIS"], "paris", 1.0),
    (VOTE, 0, ["PARIS", "then 5 stop 6", "then 5 stop 6", "<b>8</b>", "<b>8</b>"], "5", 1.0),
    (VOTE, 1, ["no idea", "  Paris! ", "  Paris! ", "PARIS", "PARIS"], "[invalid]", 0.0),
    (VOTE, 2, ["", "(8) or [7]", "(8) or [7]", "The answer is 5.", "x"], "[invalid]", 0.0),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the YAML that others include, and its questions."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "q.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return tmp_path


def make(place: Path, words: str, name: str = "mine") -> Task:
    (place / f"{name}.yaml").write_text(words)
    return read_task(make_lm_eval_task(place / f"{name}.yaml", place / "tasks" / name).parent)


async def questions(task: Task, place: Path) -> list[Sample]:
    files = await fetch(task, Sources(cache=place / "cache", tokens={}))
    return list(kind_of(task).read(task, files))


def conversation(sample: Sample) -> list[tuple[str, str]]:
    return [(message["role"], message["parts"][0]["text"]) for message in sample.fields["asked"]]


async def test_a_task_is_asked_as_lm_eval_asks_a_chat_model(place: Path) -> None:
    samples = await questions(make(place, CITY), place)
    assert [sample.id for sample in samples] == ["0", "1", "2", "3", "4", "5"]
    assert conversation(samples[1]) == [
        ("system", "Answer paris questions, please."),
        ("user", "Where?"),
        ("assistant", "Rome"),
        ("user", "Number?\n"),
        ("assistant", "5"),
        ("user", "What is 1 times 2?"),
    ]
    assert samples[1].target == "PARIS"


async def test_examples_are_the_first_rows_of_a_split_without_the_question_itself(place: Path) -> None:
    words = "include: base.yaml\nnum_fewshot: 2\nfewshot_split: test\nfewshot_config: {sampler: first_n}\n"
    samples = await questions(make(place, words), place)
    assert [text for role, text in conversation(samples[0]) if role == "assistant"] == ["2", "4"]
    assert [text for role, text in conversation(samples[5]) if role == "assistant"] == ["0", "2"]
    other = await questions(make(place, words.replace("fewshot_split: test", "training_split: train"), "other"), place)
    assert [text for role, text in conversation(other[0]) if role == "assistant"] == ["0", "2"]


@pytest.mark.parametrize(("words", "number", "answers", "found", "value"), VERDICTS)
async def test_verdicts_are_those_of_lm_eval(
    place: Path, words: str, number: int, answers: list[str], found: str, value: float
) -> None:
    task = make(place, words)
    sample = (await questions(task, place))[number]
    parts = tuple(Text(text=text) for text in answers)
    message = Message(role="assistant", parts=parts) if len(parts) > 1 else assistant(answers[0])
    async with kind_of(task).scorer(task, {}, Context(folder=place)) as scorer:
        scored = await scorer.score(sample, Answer(messages=(message,), stop="end", usage=None, started=None))
    assert scored.value == value
    assert (scored.outcome, scored.extracted) == (("unparsed", None) if found == "[invalid]" else (scored.outcome, found))


async def test_it_is_asked_as_often_as_its_repeats_and_sampled_as_it_says(place: Path) -> None:
    task = make(place, VOTE)
    requests: list[Request] = []

    async def ask(request: Request) -> Answer:
        requests.append(request)
        return said(f"It is {len(requests)}.")

    answer = await kind_of(task).solve(task, (await questions(task, place))[0], ask, "m", Sampling())
    assert [part.text for part in answer.message.parts if isinstance(part, Text)] == [f"It is {n}." for n in range(1, 6)]
    assert requests[0].sampling == Sampling(temperature=0.7, max_tokens=256, top_p=0.9, stop=("\n\n",))
    plain = make(place, NUMBERS, "plain")
    assert plain.sampling == Sampling(temperature=0.0, max_tokens=64, stop=("\n\n", "stop"))


async def test_a_pinned_file_on_the_hub_is_fetched_when_the_task_runs(place: Path) -> None:
    commit = "a" * 40
    words = f"include: base.yaml\ndataset_kwargs: {{data_files: {{test: 'hf://datasets/someone/sums@{commit}/data/q.jsonl'}}}}\n"
    [file] = make(place, words).data
    assert (file.url, file.revision, file.token) == ("hf://someone/sums/data/q.jsonl", commit, "HF_TOKEN")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("include: base.yaml\ndoc_to_text: !function utils.text\n", "!function utils.text"),
        ("include: base.yaml\noutput_type: multiple_choice\n", "multiple_choice"),
        ("include: base.yaml\noutput_type: loglikelihood\n", "loglikelihood"),
        ("include: base.yaml\ndoc_to_choice: [a, b]\n", "doc_to_choice"),
        ("include: base.yaml\nprocess_docs: x\n", "process_docs"),
        ("include: base.yaml\nmetric_list: [{metric: f1}]\n", "'f1'"),
        ("include: base.yaml\nmetric_list: [{metric: exact_match, aggregation: median}]\n", "averaged"),
        ("include: base.yaml\nmetric_list: [{metric: exact_match, ignore_accents: true}]\n", "ignore_accents"),
        ("include: base.yaml\nfilter_list: [{name: a, filter: [{function: format_span}]}]\n", "format_span"),
        ("include: base.yaml\nfilter_list: [{name: a, filter: [{function: regex, regex_pattern: '('}]}]\n", "pattern"),
        ("include: base.yaml\ngeneration_kwargs: {num_beams: 4}\n", "num_beams"),
        ("include: base.yaml\nnum_fewshot: 3\ntraining_split: train\n", "sampler 'default'"),
        ("include: base.yaml\ndataset_path: someone/sums\n", "someone/sums"),
        ("include: base.yaml\ntest_split: other\n", "'other'"),
        ("include: ../base.yaml\n", "../base.yaml"),
        ("include: mine.yaml\n", "mine.yaml"),
    ],
)
def test_what_is_not_understood_is_named(place: Path, words: str, named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make(place, words)
    assert refused.value.code == "exchange.construct_unknown"
    assert named in str(refused.value)
    assert not (place / "tasks" / "mine").exists()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "[1, 2]",
        "a: [",
        "1: 2",
        "&a [*a]",
        "include: none.yaml",
        "task: x",
        "include: base.yaml\nrepeats: 0",
        "include: base.yaml\nrepeats: many",
        "include: base.yaml\nfilter_list: []",
        "include: base.yaml\nfilter_list: [{name: 1}]",
        "include: base.yaml\ngeneration_kwargs: {until: [1]}",
        "include: base.yaml\ngeneration_kwargs: {temperature: hot}",
        "include: base.yaml\ngeneration_kwargs: {temperature: .nan, max_gen_toks: 2020-01-01}",
        "include: base.yaml\ndoc_to_text: '{{nothing}}'",
        "include: base.yaml\ndoc_to_text: '{% for'",
        "include: base.yaml\ndoc_to_text: '{{question.__class__.__mro__}}'",
        "include: base.yaml\ndoc_to_text: '{{1 // 0}}'",
        "include: base.yaml\nnum_fewshot: 9\nfewshot_config: {sampler: first_n, samples: []}",
        "include: base.yaml\ntest_split: null",
        "include: base.yaml\ndataset_kwargs: {data_files: {test: gone.jsonl}}",
        "include: base.yaml\ndataset_kwargs: {data_files: {test: base.yaml}}",
        "include: base.yaml\ndataset_path: parquet",
    ],
)
def test_what_is_broken_is_refused_and_leaves_nothing(place: Path, words: str) -> None:
    with pytest.raises(AssayError):
        make(place, words)
    assert not (place / "tasks" / "mine").exists()


def test_a_task_that_is_there_is_left_alone(place: Path) -> None:
    make(place, NUMBERS)
    with pytest.raises(Conflict) as refused:
        make(place, NUMBERS)
    assert refused.value.code == "task.exists"


async def test_words_that_are_hard_to_write_come_through(place: Path) -> None:
    words: dict[str, Any] = {
        "include": "base.yaml",
        "description": "Say \"ä\\n\x7f\u2028\" and '''",
        "task": "a\nb",
        "fewshot_config": {"samples": [{"question": None, "n": 1.5}]},
    }
    [first, *_] = await questions(make(place, json.dumps(words)), place)
    assert conversation(first)[0] == ("system", words["description"])
