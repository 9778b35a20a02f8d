"""Busy and free time."""

from __future__ import annotations

from random import Random

from assay.bench.agent.family import Bug, Family


def _spans(random: Random) -> list[list[int]]:
    starts = [random.randint(0, 80) for _ in range(random.randint(0, 7))]
    return [[start, start + random.randint(1, 15)] for start in starts]


CALENDAR = Family(
    name="calendar",
    about="Busy and free time, in minutes of a day.",
    numbers={"least": (3, 9)},
    files={
        "<<pkg>>/spans.py": '''
"""Spans of time: a start and an end, the end not included."""


def merged(spans):
    """The same time in as few spans as can be, in order. Spans that touch are one."""
    found = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1][1] = max(found[-1][1], end)
        else:
            found.append([start, end])
    return found


def length(spans):
    """How long it is in all, each minute once."""
    return sum(end - start for start, end in merged(spans))
''',
        "<<pkg>>/free.py": '''
"""What is left of a day."""

from .spans import merged

LEAST = <<least>>


def gaps(spans, start, end):
    """The spans from start to end in which nothing is, of LEAST minutes at least."""
    found = []
    at = start
    for busy_from, busy_to in merged(spans):
        if busy_to <= start or busy_from >= end:
            continue
        if busy_from - at >= LEAST:
            found.append([at, busy_from])
        at = max(at, busy_to)
    if end - at >= LEAST:
        found.append([at, end])
    return found


def first_for(minutes, spans, start, end):
    """When the first gap begins that is long enough; None where there is none."""
    for gap_from, gap_to in gaps(spans, start, end):
        if gap_to - gap_from >= minutes:
            return gap_from
    return None
''',
        "<<pkg>>/together.py": '''
"""Several people."""

from .free import gaps
from .spans import merged


def all_free(people, start, end):
    """The gaps that all of them have."""
    return gaps([span for spans in people for span in spans], start, end)


def busiest(people):
    """The number of the person, from 0, with the most busy minutes; the first of equals, None for nobody."""
    if not people:
        return None
    minutes = [sum(end - start for start, end in merged(spans)) for spans in people]
    return minutes.index(max(minutes))
''',
        "<<pkg>>/__init__.py": '"""Busy and free time."""\n\nfrom .free import first_for, gaps\nfrom .spans import length, merged\n'
        'from .together import all_free, busiest\n\n__all__ = ["all_free", "busiest", "first_for", "gaps", "length", "merged"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/spans.py",
            "start <= found[-1][1]",
            "start < found[-1][1]",
            "Two meetings back to back are listed as two spans, though they should be one.",
            "merged",
            lambda random, n: [[[5, 9], [9, 9 + random.randint(1, 20)]]],
        ),
        Bug(
            "<<pkg>>/spans.py",
            "max(found[-1][1], end)",
            "end",
            "A short meeting inside a long one makes the long one shorter.",
            "merged",
            lambda random, n: [[[5, 50], [10, random.randint(11, 40)]]],
        ),
        Bug(
            "<<pkg>>/spans.py",
            "in sorted(spans)",
            "in spans",
            "Busy time is counted twice when meetings are not entered in order.",
            "length",
            lambda random, n: [[[20, 30], [10, random.randint(11, 19)], [12, 25]]],
        ),
        Bug(
            "<<pkg>>/free.py",
            "    if end - at >= LEAST:\n        found.append([at, end])\n",
            "",
            "The time after the last meeting is never offered.",
            "gaps",
            lambda random, n: [[[5, 9]], 0, random.randint(60, 90)],
        ),
        Bug(
            "<<pkg>>/free.py",
            "at = max(at, busy_to)",
            "at = busy_to if busy_to < end else at",
            "Time is offered as free at the end of the day though a meeting runs on beyond it.",
            "gaps",
            lambda random, n: [[[20, 95]], 0, random.randint(60, 90)],
        ),
        Bug(
            "<<pkg>>/together.py",
            "for start, end in merged(spans)) for",
            "for start, end in spans) for",
            "Whoever has two meetings at the same time is taken for the busiest.",
            "busiest",
            lambda random, n: [[[[0, 30]], [[0, 20], [0, random.randint(15, 20)]]]],
        ),
    ),
    tries={
        "merged": lambda random, n: [_spans(random)],
        "length": lambda random, n: [_spans(random)],
        "gaps": lambda random, n: [_spans(random), random.randint(0, 20), random.randint(60, 100)],
        "first_for": lambda random, n: [random.randint(1, 20), _spans(random), 0, random.randint(60, 100)],
        "all_free": lambda random, n: [[_spans(random) for _ in range(random.randint(0, 3))], 0, 100],
        "busiest": lambda random, n: [[_spans(random) for _ in range(random.randint(0, 4))]],
    },
)
