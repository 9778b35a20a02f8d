"""What other programs wrote is read as a run, what we write is read back, and no file whatever is more than refused."""

from __future__ import annotations

import copy
import importlib
import json
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assay.bench.exchange import FORMATS, Sheet, read_sheet
from assay.bench.outcome import Scored
from assay.bench.result import Result
from assay.core import InvalidInput, Money, TooLarge, Transcript, Usage, assistant, user
from tests.bench.exchange.files import (
    INSPECT_SAMPLES,
    LM_EVAL_ROWS,
    STAMP,
    evalplus_document,
    inspect_header,
    inspect_sample,
    lm_eval_document,
    lm_eval_row,
    write_inspect,
    write_lm_eval,
)

parquet: Any = importlib.import_module("pyarrow.parquet")  # it ships no types


def outcomes(sheet: Sheet) -> list[tuple[str, int, str, float | None]]:
    return [(one.sample, one.epoch, one.scored.outcome, one.scored.value) for one in sheet.results if one.scored]


def own_sheet() -> Sheet:
    """A run of ours with every outcome, and ids that are hard to write."""
    kinds = [
        Scored(outcome="right", value=1.0, extracted="2", parts={"base": 1.0, "plus": 1.0}),
        Scored(outcome="wrong", value=0.0, extracted="3", detail="Not 2."),
        Scored(outcome="graded", value=0.25, extracted="half"),
        *(Scored(outcome=name, value=0.0) for name in ("unparsed", "refused", "truncated", "timeout")),
        Scored(outcome="error", value=None, detail="It broke off.", error="bench.failed"),
    ]
    results = [
        Result(
            sample=f"Exam/{'ä' * (number % 4)} {number % 4}",
            epoch=number // 4,
            state="scored",
            category="sums",
            transcript=Transcript((user(f"What is {number}?"),)),
            message=assistant(f"It is {number}.\0\u2028") if scored.outcome != "error" else None,
            stop="length" if scored.outcome == "truncated" else "end",
            usage=Usage(input=20, output=90),
            cost=Money(nano=1_000, currency="USD"),
            latency_us=120_000,
            scored=scored,
        )
        for number, scored in enumerate(kinds)
    ]
    return Sheet(
        task="exam",
        title="Exam",
        model="stage/pupil",
        source="assay",
        at=1_795_369_232_000_000,
        results=tuple(results),
        parts={"recipe": "ab"},
        targets={results[0].sample: "2"},
        sampling={"temperature": 0.0},
    )


def written(name: str, folder: Path, sheet: Sheet) -> Path:
    path = folder / f"results_x{FORMATS[name].suffix}"
    path.write_bytes(FORMATS[name].write(sheet))
    return path


def test_results_of_lm_eval_are_read_with_words_and_targets(tmp_path: Path) -> None:
    other = [lm_eval_row(number, "x", 0.0, filter="another") for number in range(3)]
    sheet = read_sheet(write_lm_eval(tmp_path, rows=[*LM_EVAL_ROWS, *other]))
    assert (sheet.task, sheet.model, sheet.source, sheet.version) == ("sums", "stage/pupil", "lm-eval 0.4.13", "1.0")
    assert outcomes(sheet) == [("0", 0, "right", 1.0), ("1", 0, "wrong", 0.0), ("2", 0, "right", 1.0)]
    first = sheet.results[0]
    assert first.transcript is not None
    assert [(one.role, one.text) for one in first.transcript.messages] == [("system", "Be brief."), ("user", "What is 0 + 1?")]
    assert first.message is not None
    assert first.message.text == "It is 1"
    assert first.scored is not None
    assert (first.scored.extracted, sheet.targets["1"], sheet.at) == ("1", "2", 1_795_369_232_300_000)


def test_a_prompt_that_is_no_conversation_is_what_the_user_said(tmp_path: Path) -> None:
    rows = [lm_eval_row(0, "1", 1.0, arguments={"gen_args_0": {"arg_0": "[not JSON", "arg_1": {}}})]
    [result] = read_sheet(write_lm_eval(tmp_path, rows=rows)).results
    assert result.transcript == Transcript((user("[not JSON"),))


def test_of_several_tasks_and_scores_one_is_named(tmp_path: Path) -> None:
    rows = [lm_eval_row(0, "x", 0.0, f1=0.5)]
    path = write_lm_eval(tmp_path, lm_eval_document("sums", "words"), rows)
    assert outcomes(read_sheet(path, task="sums", metric="f1")) == [("0", 0, "graded", 0.5)]
    for options, code in (
        ({}, "exchange.several_tasks"),
        ({"task": "x"}, "exchange.several_tasks"),
        ({"task": "words"}, "exchange.no_samples"),
    ):
        with pytest.raises(InvalidInput) as refused:
            read_sheet(path, **options)
        assert refused.value.code == code
    with pytest.raises(InvalidInput) as refused:
        read_sheet(path, task="sums", metric="bleu")
    assert refused.value.code == "exchange.value_unknown"


def test_verdicts_of_evalplus_are_right_where_base_and_plus_pass(tmp_path: Path) -> None:
    path = tmp_path / "s_eval_results.json"
    path.write_text(json.dumps(evalplus_document()))
    sheet = read_sheet(path, model="stage/pupil")
    assert (sheet.task, sheet.model) == ("humanevalplus", "stage/pupil")
    assert [outcome for _, _, outcome, _ in outcomes(sheet)] == ["right", "wrong", "timeout"]
    assert sheet.results[1].scored is not None
    assert sheet.results[1].scored.parts == {"base": 1.0, "plus": 0.0}
    with pytest.raises(InvalidInput) as refused:
        read_sheet(path)
    assert refused.value.code == "exchange.no_model"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, 93], ids=["deflate", "zstd"])
def test_a_log_of_inspect_is_read_with_epochs_errors_and_scores(tmp_path: Path, method: int) -> None:
    path = tmp_path / "tiny.eval"
    write_inspect(path) if method != 93 else write_zstd(path)
    sheet = read_sheet(path)
    assert (sheet.task, sheet.title, sheet.model, sheet.source) == (
        "tiny",
        "Tiny",
        "openai-api/assay/stage/pupil",
        "inspect 0.3.285",
    )
    assert outcomes(sheet) == [("q1", 0, "right", 1.0), ("q2", 0, "graded", 0.5), ("q3", 0, "error", None), ("q1", 1, "wrong", 0.0)]
    first = sheet.results[0]
    assert first.message is not None
    assert (first.message.text, first.latency_us, first.usage) == ("2", 640_000, Usage(input=6, output=13))
    assert sheet.targets["q1"] == "2\ntwo"
    assert {value for _, _, _, value in outcomes(read_sheet(path, metric="other"))} == {0.25, None}
    assert read_sheet(path, model="stage/pupil", task="mine").task == "mine"


def write_zstd(path: Path) -> None:
    with_zstd: Any = importlib.import_module("zipfile" if sys.version_info >= (3, 14) else "backports.zstd.zipfile")

    plain = write_inspect(path.with_suffix(".plain"))
    with zipfile.ZipFile(plain) as source, with_zstd.ZipFile(path, "w", with_zstd.ZIP_ZSTANDARD) as log:
        for name in source.namelist():
            log.writestr(name, source.read(name))


def test_a_log_that_we_write_is_read_back_with_every_outcome(tmp_path: Path) -> None:
    sheet = own_sheet()
    back = read_sheet(written("inspect", tmp_path, sheet))
    assert sorted(outcomes(back)) == sorted(outcomes(sheet))
    by_name = {(one.sample, one.epoch): one for one in back.results}
    for one in sheet.results:
        again = by_name[one.sample, one.epoch]
        assert (again.transcript, again.usage, again.latency_us) == (one.transcript, one.usage, one.latency_us)
        assert one.scored is not None
        assert again.scored is not None
        assert (again.scored.parts if one.scored.outcome != "error" else {}) == one.scored.parts
        assert (again.message and again.message.text) or (one.message.text if one.message else "") == ""
    assert back.targets[sheet.results[0].sample] == "2"


def test_the_score_of_a_log_that_we_write_is_the_run_s(tmp_path: Path) -> None:
    sheet = own_sheet()
    with zipfile.ZipFile(written("inspect", tmp_path, msgspec.structs.replace(sheet, results=sheet.results[:7]))) as log:
        [score] = json.loads(log.read("header.json"))["results"]["scores"]
    assert score["metrics"]["accuracy"]["value"] == pytest.approx(1.25 / 7)


def test_two_ids_that_are_nearly_alike_are_two_samples_of_a_log(tmp_path: Path) -> None:
    with zipfile.ZipFile(written("inspect", tmp_path, own_sheet())) as log:
        names = [name for name in log.namelist() if name.startswith("samples/")]
    assert len(set(names)) == len(names) == 8
    assert "samples/Exam/ 0_epoch_1.json" in names, "Inspect finds a sample by this name"


def test_results_that_we_write_for_lm_eval_are_read_back(tmp_path: Path) -> None:
    sheet = own_sheet()
    back = read_sheet(written("lm-eval", tmp_path, sheet))
    assert (back.task, back.model, back.at) == (sheet.task, sheet.model, sheet.at)
    assert [(*one[:2], one[3]) for one in outcomes(back)] == [(*one[:2], one[3]) for one in outcomes(sheet)]
    assert back.results[-1].message is None


def test_samples_for_evalplus_are_what_was_extracted_or_said(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in written("humaneval", tmp_path, own_sheet()).read_text("utf-8").split("\n")[:-1]]
    assert [row["solution"] for row in rows[:4]] == ["2", "3", "half", "It is 3.\0\u2028"]
    assert len(rows) == 7


def test_columns_hold_every_sample_and_the_facts_of_the_run(tmp_path: Path) -> None:
    table = parquet.read_table(BytesIO(FORMATS["parquet"].write(own_sheet())))
    assert table.num_rows == 8
    assert table.schema.metadata[b"model"] == b"stage/pupil"
    row = table.to_pylist()[0]
    assert (row["outcome"], row["value"], row["cost_nano"], dict(row["parts"])) == ("right", 1.0, 1_000, {"base": 1.0, "plus": 1.0})
    assert (row["asked"], row["target"]) == ("user: What is 0?", "2")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "exchange.unknown"),
        (b"{", "exchange.unknown"),
        (b"[1]", "exchange.unknown"),
        (b"\xff\xfe", "exchange.unknown"),
        (b"[" * 100_000, "exchange.unknown"),
        (b'{"eval": {"a": 3}}', "exchange.invalid"),
        (b'{"eval": {}}', "exchange.empty"),
        (b'{"eval": {"a\\u0000": [{"task_id": "a"}]}}', "exchange.invalid"),
        (b'{"results": 1, "configs": 3}', "exchange.invalid"),
        (b'{"results": {}, "configs": {}}', "exchange.several_tasks"),
        (b'{"results": {}, "configs": {"../x": {}}}', "exchange.invalid"),
        (b'{"results": {}, "configs": {"t": {}}, "samples": {"t": []}}', "exchange.empty"),
        (b"PK", "exchange.invalid"),
        (b"PK\x03\x04" + bytes(400), "exchange.invalid"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read_sheet(path, model="m")
    assert refused.value.code == code


def test_a_file_that_is_not_there_or_far_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_sheet(tmp_path / "none.json")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(300 * 1024 * 1024)
    with pytest.raises(TooLarge):
        read_sheet(tmp_path / "huge")


def test_a_log_that_says_it_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = write_inspect(tmp_path / "bomb.eval")
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (0xF0000000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(TooLarge) as refused:
        read_sheet(path)
    assert refused.value.code == "exchange.too_large"


@pytest.mark.parametrize(
    "sample",
    [
        inspect_sample("q\0", "x", "C"),
        inspect_sample("", "x", "C"),
        inspect_sample("q" * 5_000, "x", "C"),
        inspect_sample("q", "x", "C", epoch=0),
        inspect_sample("q", "x", "C", epoch=10**30),
        inspect_sample("q", "x", 7),
        inspect_sample("q", "x", "Z"),
        inspect_sample("q", "x", "C", output={"choices": [], "usage": {"input_tokens": -1, "output_tokens": 10**40}}),
        inspect_sample("q", "x", "C", output={"time": 1e300}),
        inspect_sample("q", "x", "C", output={"choices": ["x"]}),
        inspect_sample("q", "x", "C", input={"role": "user"}),
    ],
)
def test_a_sample_that_cannot_be_is_refused(tmp_path: Path, sample: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_sheet(write_inspect(tmp_path / "x.eval", samples={"one": sample}))
    assert refused.value.code in {"exchange.invalid", "exchange.value_unknown"}


def test_the_same_sample_twice_is_refused(tmp_path: Path) -> None:
    one = inspect_sample("q", "x", "C")
    with pytest.raises(InvalidInput) as refused:
        read_sheet(write_inspect(tmp_path / "x.eval", samples={"one": one, "two": one}))
    assert refused.value.code == "exchange.twice"


STRANGE: list[Any] = [None, True, -1, 10**40, 1e308, "\0", "x", [], {}, [[]], {"x": []}, "gone"]


def changed(document: Any) -> Iterator[Any]:
    """``document`` with each of its places taken by four strange things in turn, or left out."""
    for number, path in enumerate(places(document)):
        for strange in STRANGE[number % 3 :: 3]:
            other = copy.deepcopy(document)
            at = other
            for step in path[:-1]:
                at = at[step]
            if strange == "gone":
                del at[path[-1]]
            else:
                at[path[-1]] = strange
            yield other


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield (*at, name)
        yield from places(one, (*at, name))


def attempt(path: Path) -> None:
    """Read it, and write what was read in every way, or be refused."""
    try:
        sheet = read_sheet(path, model="m")
    except InvalidInput:
        return
    for form in FORMATS.values():
        form.write(sheet)


def test_no_strange_place_in_any_file_is_a_defect(tmp_path: Path) -> None:
    for header in changed(inspect_header()):
        attempt(write_inspect(tmp_path / "a.eval", header, INSPECT_SAMPLES[:1]))
    for sample in changed(INSPECT_SAMPLES[0]):
        attempt(write_inspect(tmp_path / "a.eval", None, {"one": sample}))
    for row in changed(LM_EVAL_ROWS[0]):
        attempt(write_lm_eval(tmp_path, None, [row]))
    for document in changed(lm_eval_document("sums")):
        attempt(write_lm_eval(tmp_path, document, LM_EVAL_ROWS[:1]))
    for number, document in enumerate(changed(evalplus_document())):
        path = tmp_path / f"e{number}.json"
        path.write_text(json.dumps(document))
        attempt(path)
    assert (tmp_path / f"samples_sums_{STAMP}.jsonl").is_file()
