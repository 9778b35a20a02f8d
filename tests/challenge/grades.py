"""Scripted models whose answers carry a grade, and a judge that reads the grades: what each prefers is known beforehand.

The judge has a planted leaning: of two answers whose grades are near each other it takes the one that stands first.
"""

from __future__ import annotations

import hashlib
import re

from tests.chat_scripts import Answer, Json, Status, refuse, says

PACE_S = 0.01
NEAR = 1
_GRADE = re.compile(r"grade (\d+) of 10")
_SECTION = re.compile(r"answer ([AB]) begins =====\n(.*?)\n=====", re.DOTALL)


def grade_of(text: str) -> int:
    """The grade that an answer carries."""
    found = _GRADE.search(text)
    assert found is not None, text
    return int(found[1])


def old(body: Json) -> Answer:
    """Always about the same."""
    return _graded(body, 5)


def new(body: Json) -> Answer:
    """Better on most prompts, worse on some, near on the rest: by a hash of the prompt."""
    return _graded(body, (9, 9, 9, 8, 8, 6, 4, 2)[hashlib.sha256(_asked(body).encode()).digest()[0] % 8])


def judge(body: Json) -> Answer | Status:
    """The higher grade wins; near ones go to whichever stands first."""
    sections = dict(_SECTION.findall(_asked(body)))
    if sections.keys() != {"A", "B"}:
        return refuse(400, "this is no pair to judge")
    a, b = grade_of(sections["A"]), grade_of(sections["B"])
    word = "A" if a - b > -NEAR - 1 and abs(a - b) <= NEAR else "A" if a > b else "B"
    return says(f"A has {a}, B has {b}.\n\nVERDICT: {word}", pace_s=PACE_S)


def _graded(body: Json, grade: int) -> Answer:
    subject = _asked(body)[:40]
    return says(f"About {subject}: this is an answer of grade {grade} of 10.", pace_s=PACE_S)


def _asked(body: Json) -> str:
    content = body["messages"][-1]["content"]
    return content if type(content) is str else "".join(part.get("text", "") for part in content)


def slow_judge(body: Json) -> Answer | Status:
    """The same judge, who takes its time: a run is under way long enough to be cut short."""
    answer = judge(body)
    if isinstance(answer, Answer):
        answer.headers_after_s = 1.0
    return answer


SCRIPTS = {"old": old, "new": new, "judge": judge}
