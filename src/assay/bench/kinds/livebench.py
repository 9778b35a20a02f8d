"""Those tasks of LiveBench whose answers are checked against a known one by rules, each by rules of our own after the suite's.

Covered: language (``connections``, ``typos``, ``plot_unscrambling``), reasoning (``web_of_lies_v2``, ``zebra_puzzle``, ``spatial``) and
competition mathematics (``amc``, ``smc``, ``aime``, ``imo``, ``usamo``). Left out: coding and agentic coding, data analysis, instruction
following, ``AMPS_Hard`` and ``integrals_with_game``, and reasoning tasks newer than these; so the score is of a part of the suite and not
comparable with the leaderboard's total. Rules were read in the repository LiveBench/LiveBench, ``livebench/process_results``, in 2026.

A question's rule goes by its task, and by its date where the suite changed a rule on 2024-11-25. Questions that the suite has taken
out again are left out.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from difflib import get_close_matches
from pathlib import Path

import msgspec

from assay.bench.extract import boxed
from assay.bench.judgement import final_words, no_answer
from assay.bench.kind import rows_of, samples_of
from assay.bench.outcome import Scored, right, wrong
from assay.bench.task import Context, Sample, Scorer, Task
from assay.bench.template import as_words
from assay.core import Answer

VERSIONS = {"livebench": 1, "extract.boxed": boxed.VERSION}
_ITEMS = 500
_CHANGED = "2024-11-25"
_SOLUTION = re.compile(r"</?solution>(.*?)</solution>", re.DOTALL)
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_DRESS = re.compile(r"\\(?:text|textbf|mathbf)\s*\{|[{}\\]")
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
            "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")  # fmt: skip


def read(task: Task, files: Mapping[str, Path]) -> list[Sample]:
    """The questions of the tasks that can be checked."""
    rows = [
        {**row, "rule": str(row.get("subtask") or row["task"]), "question": row["turns"][0]}
        for file in task.data
        for row in rows_of(task, files[file.name])
        if not row.get("livebench_removal_date")
    ]
    kept = [row for row in rows if _rule(row["rule"]) is not None]
    return [
        msgspec.structs.replace(
            sample,
            fields={
                "question": row["question"],
                "rule": row["rule"],
                "released": str(row["livebench_release_date"])[:10],
            },
        )
        for sample, row in zip(samples_of(task, kept), kept, strict=True)
    ]


class _LiveBench:
    async def score(self, sample: Sample, answer: Answer) -> Scored:
        text = final_words(answer)
        if isinstance(text, Scored):
            return text
        rule = _rule(sample.fields["rule"])
        value = rule(as_words(sample.target), text, sample.fields["released"] < _CHANGED) if rule and text.strip() else None
        if value is None:
            return no_answer(answer)
        if value in (0.0, 1.0):
            return right() if value else wrong()
        return Scored(outcome="graded", value=value)


Rule = Callable[[str, str, bool], float | None]
"""What an answer is worth, given the known answer, the words, and whether the question is from before the change; None: no answer."""


def _rule(name: str) -> Rule | None:
    parts = name.lower().split("_")
    if parts[0] in {"amc", "smc"} or parts[1:2] == ["amc"]:
        return _contest
    return _RULES.get(name.lower()) or _RULES.get(parts[0])


def connections(known: str, text: str, is_old: bool) -> float | None:
    """The share of groups of four words that are right."""
    wanted = _fours(known.split(","))
    flat = text.replace("\n", "")
    if is_old:
        tries = [_fours(bold.split(",")) for bold in _BOLD.findall(flat)]
    else:
        found = _solutions(flat) or _box(text)
        words = [word for one in found for word in one.split(",")]
        tries = [_fours(words[-len(known.split(",")) :])] if found else []
    return max((sum(group in groups for group in wanted) / len(wanted) for groups in tries), default=None)


def typos(known: str, text: str, is_old: bool) -> float | None:
    """Whether the mended text stands in the solution, word for word."""
    found = _solutions(text)
    marked = [parts[-2] for line in text.splitlines() if len(parts := line.split(" --- ")) > 2]
    said = found[-1] if found else marked[0] if marked else text
    return float(known in " ".join(line for line in said.strip().split("\n") if line))


def plot_unscrambling(known: str, text: str, is_old: bool) -> float | None:
    """One minus the edit distance between the orders of sentences, by the length of the plot."""
    inside = re.search(r"<PLOT_SUMMARY>(.*?)(?:</PLOT_SUMMARY>|$)", text, re.DOTALL)
    wanted = _sentences(known)
    said = _sentences(inside[1] if inside else text)[:_ITEMS]
    order = [said.index(close[0]) for one in wanted if (close := get_close_matches(one, said, n=1, cutoff=0.0))]
    return max(0.0, 1 - _edits(list(range(len(wanted))), order) / len(wanted))


def web_of_lies(known: str, text: str, is_old: bool) -> float | None:
    """Three times yes, no or unknown: in the solution, else in bold, else in a box, else the last such three in a row."""
    found = _solutions(text)
    said = found[-1] if found else None
    if said is None:
        bold = re.findall(r"\b(yes|no|unknown)\b", " ".join(_BOLD.findall(text)).lower())
        said = ", ".join(bold[-3:]) or next(iter(_box(text)), None)
    if said is None:
        rows = re.findall(r"(?:(?:yes|no|unknown), ){2}(?:yes|no|unknown)", text.lower())
        said = rows[-1] if rows else None
    return None if said is None else float(known.lower() in said.lower() and len(re.findall(r"yes|unknown|no", said.lower())) <= 3)


def zebra_puzzle(known: str, text: str, is_old: bool) -> float | None:
    """Half for all answers right, half for the share of those that are; before the change the one word in triple stars."""
    if is_old:
        starred = re.findall(r"\*\*\*(\w+)\*\*\*", text) or re.findall(r"\w+", text)[-1:]
        return float(any(_number_word(word) in {known.lower(), known.lower().removesuffix(" movies")} for word in starred[-1:]))
    wanted = [_loose(word) for word in known.split(",")]
    last = text.strip().split("\n")[-1]
    found = _solutions(text) or _box(text) or ([last] if last.count(",") == len(wanted) - 1 else [])
    if not found:
        return None
    said = [_loose(word) for one in found for word in one.split(",")]
    said = said[-len(wanted) :] if len(found) > 1 else said
    hits = sum(one in other for one, other in zip(wanted, said, strict=False))
    return ((hits == len(wanted)) + hits / len(wanted)) / 2


def spatial(known: str, text: str, is_old: bool) -> float | None:
    """One of the last three words in bold, or what is boxed; numbers also in words, shapes also in the plural."""
    said = [word.strip().lower() for word in re.findall(r"\*\*([^*]+)\*\*", text)[-3:]] + [one.lower() for one in _box(text)]
    goal = known.strip().lower()
    if not said:
        return None
    shapes = {"tetrahedra", "tetrahedron", "triangle", "square"}
    return float(
        any(
            word == goal
            or (goal.isdigit() and word in _NUMBERS and _NUMBERS.index(word) == int(goal))
            or (goal in shapes and goal in word and len(word) < 2 * len(goal) + 5)
            for word in said
        )
    )


def _contest(known: str, text: str, is_old: bool) -> float | None:
    """A letter: said five times in a row as asked, or boxed, or alone or in brackets on the last line."""
    repeated = [one[0] for one in re.findall(r"A{4,}|B{4,}|C{4,}|D{4,}|E{4,}", text)]
    tagged = [one[0].upper() for one in _solutions(text) if one and len(set(one.lower())) == 1]
    box = [one.strip().upper() for one in _box(text) if re.fullmatch(r"\s*[A-Ea-e]\s*", one)]
    last = text.strip().split("\n")[-1].strip().strip("*")
    line = re.findall(r"\(([A-E])\)", last) or ([last] if re.fullmatch(r"[A-E]", last) else [])
    said = tagged[-1:] or repeated[-1:] or box[-1:] or line[-1:]
    return None if not said else float(said[0] == known.upper())


def aime(known: str, text: str, is_old: bool) -> float | None:
    """The number among the last fifty characters, or in the solution."""
    found = _solutions(text)
    near = [*re.findall(r"\d{1,18}", text[-50:]), *re.findall(r"\d{1,18}", found[-1] if found else "")]
    return None if not near else float(int(known) in map(int, near))


def olympiad(known: str, text: str, is_old: bool) -> float | None:
    """A list of numbers in an order: one minus the edit distance by the longer list."""
    after = re.split(r"answer:", text, flags=re.IGNORECASE)
    line = next((one for one in after[-1].strip().split("\n") if re.search(r"\d", one)), "") if len(after) > 1 else ""
    line = line or next(iter(_box(text)), "") or text.strip().split("\n")[-1]
    said = [int(number) for number in re.findall(r"\d{1,18}", line)]
    wanted = [int(number) for number in known.split(",")]
    return None if not said else max(0.0, 1 - _edits(said, wanted) / max(len(said), len(wanted)))


_RULES: dict[str, Rule] = {
    "connections": connections,
    "typos": typos,
    "plot_unscrambling": plot_unscrambling,
    "web_of_lies_v2": web_of_lies,
    "zebra_puzzle": zebra_puzzle,
    "spatial": spatial,
    "aime": aime,
    "imo": olympiad,
    "usamo": olympiad,
}


def _solutions(text: str) -> list[str]:
    return [one.strip() for one in _SOLUTION.findall(text)] if "</solution>" in text else []


def _box(text: str) -> list[str]:
    found = boxed.last_box(text)
    return [_DRESS.sub("", found)] if found else []


def _fours(words: list[str]) -> list[frozenset[str]]:
    plain = [word.strip().lower() for word in words]
    return [frozenset(plain[start : start + 4]) for start in range(0, len(plain), 4)]


def _sentences(text: str) -> list[str]:
    return [one.strip() for one in text.split(".") if one.strip() and one.strip() != "**End of Plot Summary**"]


def _loose(word: str) -> str:
    return word.strip().lower().replace("-", " ").replace("position", "")


def _number_word(word: str) -> str:
    return _NUMBERS[int(word)] if re.fullmatch(r"[0-9]{1,2}", word) and int(word) < len(_NUMBERS) else word.lower()


def _edits(a: list[int], b: list[int]) -> int:
    a, b = a[:_ITEMS], b[:_ITEMS]
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


@asynccontextmanager
async def scorer(task: Task, files: Mapping[str, Path], context: Context) -> AsyncIterator[Scorer]:
    """By the rule of each question's task."""
    yield _LiveBench()
