"""Verdicts on instructions beside those of the code of IFBench, which has the 25 checks of IFEval, too.

``PYTHON -m benchmarks.following CHECKOUT [PROMPTS ANSWERS]``: ``CHECKOUT`` is a clone of github.com/allenai/IFBench, ``PYTHON`` one with
its dependencies (nltk with its punkt_tab, stopwords and averaged_perceptron_tagger_eng; langdetect, emoji, syllapy, immutabledict,
absl-py), msgspec and regex, and ``src`` of this repository on its path. Compared are the answers of our own tests and what a seeded
generator makes of them; and, where they are given, the answers of a model: both files as in that repository, JSON Lines of
``prompt``, ``instruction_id_list``, ``kwargs`` and of ``prompt``, ``response``.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from assay.bench.following.registry import instruction
from tests.bench.following.cases import CASES

_SEED = 20_231_107
_CHANGES_EACH = 12


def _words(change: Callable[[list[str]], list[str]]) -> Callable[[str, random.Random], str]:
    return lambda text, _: " ".join(change(text.split()))


_CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    lambda text, _: text.upper(),
    lambda text, _: text.lower(),
    lambda text, _: text.title(),
    lambda text, _: text.replace(",", ""),
    lambda text, _: text.replace(".", "?"),
    lambda text, _: text.replace(". ", ".\n\n"),
    lambda text, _: text.replace("\n", " "),
    lambda text, _: "* " + text.replace("\n", "\n* "),
    lambda text, _: f'"{text}"',
    lambda text, _: f"Sure, here it is:\n{text}\nHope it helps!",
    lambda text, _: f"{text}\n***\n{text}",
    lambda text, _: f"{text}******{text[::-1]}",
    lambda text, _: text.replace(". ", " 😀. "),
    lambda text, _: text.replace("*", ""),
    lambda text, chance: text[: chance.randint(0, len(text))],
    lambda text, chance: text[chance.randint(0, len(text)) :],
    lambda text, chance: "".join(mark for mark in text if chance.random() > 0.02),
    lambda text, chance: "".join(chance.sample(text, min(len(text), 300))),
    lambda text, chance: " ".join(chance.sample(text.split(), len(text.split()))),
    lambda text, chance: " ".join(word for word in text.split() if chance.random() > 0.1),
    _words(lambda words: words[::-1]),
    _words(lambda words: words + words),
)


def _answers(seed: int) -> Iterator[tuple[str, dict[str, Any], str]]:
    chance = random.Random(seed)
    texts = [case.answer for case in CASES]
    for case in CASES:
        yield case.name, case.arguments, case.answer
        for change in chance.sample(_CHANGES, _CHANGES_EACH):
            yield case.name, case.arguments, change(case.answer, chance)
        for _ in range(3):
            yield case.name, case.arguments, chance.choice(texts)


def _given(prompts: Path, answers: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    said = {row["prompt"]: row["response"] for row in map(msgspec.json.decode, answers.read_bytes().splitlines())}
    for row in map(msgspec.json.decode, prompts.read_bytes().splitlines()):
        for name, arguments in zip(row["instruction_id_list"], row["kwargs"], strict=True):
            yield name, {key: value for key, value in arguments.items() if value is not None}, said.get(row["prompt"], "")


def _theirs(checks: dict[str, Any], name: str, arguments: dict[str, Any], answer: str) -> bool | str:
    check = checks[name](name)
    check.build_description(**arguments)
    try:
        return bool(check.check_following(answer))
    except Exception as error:  # noqa: BLE001  # whatever the code of others raises is a result here
        return type(error).__name__


def main() -> None:
    """Print, for each instruction with differences, how many there were and one of each sort."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.following", description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("prompts", type=Path, nargs="?")
    parser.add_argument("answers", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=_SEED)
    given = parser.parse_args()
    sys.path.insert(0, str(given.checkout))
    checks = importlib.import_module("ifbench.instructions_registry").INSTRUCTION_DICT
    asked = _given(given.prompts, given.answers) if given.answers else _answers(given.seed)
    compared: Counter[str] = Counter()
    different: dict[str, Counter[tuple[bool | str, bool]]] = {}
    examples: dict[tuple[str, bool | str, bool], str] = {}
    for name, arguments, answer in asked:
        if not answer.strip():
            continue
        theirs, ours = _theirs(checks, name, arguments, answer), instruction(name, arguments, as_published=True)(answer)
        compared[name] += 1
        if theirs != ours:
            different.setdefault(name, Counter())[theirs, ours] += 1
            examples.setdefault((name, theirs, ours), answer)
    print(f"{compared.total():,} verdicts on {len(compared)} instructions, {sum(map(Counter.total, different.values()))} different")
    for name, sorts in sorted(different.items()):
        for (theirs, ours), count in sorted(sorts.items(), key=str):
            print(f"{name}: {count} of {compared[name]}: theirs {theirs}, ours {ours}: {examples[name, theirs, ours][:100]!r}")


if __name__ == "__main__":
    main()
