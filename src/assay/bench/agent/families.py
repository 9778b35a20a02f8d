"""The kinds of programs that are generated: correct source with marks for names and numbers, the ways in which each is broken, and the
inputs that its functions are tried on.

A mark is ``<<name>>``. Each bug replaces one piece of a file, says what a user would notice, and gives a call that shows it. Functions
take and return plain values, so that results can be compared where none of this runs.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

Args = list[Any]


class Bug(msgspec.Struct, frozen=True):
    """In ``file``, ``right`` becomes ``wrong``. ``symptom`` is what the model is told; ``function`` with what ``shows`` makes goes
    wrong."""

    file: str
    right: str
    wrong: str
    symptom: str
    function: str
    shows: Callable[[Random, dict[str, int]], Args]


class Family(msgspec.Struct, frozen=True):
    """``numbers`` are marks with their least and greatest value. ``tries`` makes one random input for each public function."""

    name: str
    about: str
    files: dict[str, str]
    numbers: dict[str, tuple[int, int]]
    bugs: tuple[Bug, ...]
    tries: dict[str, Callable[[Random, dict[str, int]], Args]]


def _lines(random: Random, most: int = 6) -> list[list[Any]]:
    names = [f"item-{number}" for number in range(1, 6)]
    return [[random.choice(names), random.randint(1, 5), random.randint(1, 4000)] for _ in range(random.randint(0, most))]


SHOP = Family(
    name="shop",
    about="Totals of orders, in whole cents.",
    numbers={"base": (300, 700), "per": (50, 250), "free": (4000, 9000), "tier": (10000, 20000), "low": (2, 5), "high": (6, 12)},
    files={
        "<<pkg>>/lines.py": '''
"""Lines of an order: name, quantity, price of one in cents."""


def merge(lines):
    """One line for each name and price, quantities added, in the order of first appearance."""
    merged = {}
    for name, quantity, price in lines:
        merged[name, price] = merged.get((name, price), 0) + quantity
    return [[name, quantity, price] for (name, price), quantity in merged.items()]


def subtotal(lines):
    """The sum of all lines, in cents."""
    return sum(quantity * price for _, quantity, price in lines)
''',
        "<<pkg>>/rates.py": '''
"""What is taken off, and what is put on."""

FREE_FROM = <<free>>
TIER = <<tier>>


def percent_off(cents):
    """<<low>> percent, and <<high>> percent above TIER."""
    return <<high>> if cents > TIER else <<low>>


def discount(cents, percent):
    """The discount in cents, rounded half up."""
    return (cents * percent + 50) // 100


def shipping(cents, grams):
    """Nothing from FREE_FROM on; else <<base>> cents and <<per>> for each started kilogram."""
    if cents >= FREE_FROM:
        return 0
    return <<base>> + <<per>> * -(-grams // 1000)
''',
        "<<pkg>>/total.py": '''
"""What an order costs in the end."""

from .lines import merge, subtotal
from .rates import discount, percent_off, shipping


def total(lines, grams):
    """Goods less their discount, and shipping by what the goods cost before the discount."""
    goods = subtotal(merge(lines))
    if goods == 0:
        return 0
    return goods - discount(goods, percent_off(goods)) + shipping(goods, grams)
''',
        "<<pkg>>/__init__.py": '"""Totals of orders."""\n\nfrom .lines import merge, subtotal\nfrom .rates import discount, percent_off, shipping\n'
        'from .total import total\n\n__all__ = ["discount", "merge", "percent_off", "shipping", "subtotal", "total"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/rates.py",
            "cents >= FREE_FROM",
            "cents > FREE_FROM",
            "An order that reaches the limit for free shipping to the cent is still charged for it.",
            "shipping",
            lambda random, n: [n["free"], random.randint(1, 5000)],
        ),
        Bug(
            "<<pkg>>/rates.py",
            "-(-grams // 1000)",
            "(grams // 1000)",
            "Parcels that weigh a little more than a whole kilogram are too cheap.",
            "shipping",
            lambda random, n: [100, random.randint(1, 4) * 1000 + random.randint(1, 999)],
        ),
        Bug(
            "<<pkg>>/rates.py",
            "cents * percent + 50",
            "cents * percent",
            "Some discounts are a cent too small.",
            "discount",
            lambda random, n: [random.randint(1, 90) * 100 + 99, 1],
        ),
        Bug(
            "<<pkg>>/lines.py",
            "merged.get((name, price), 0) + quantity",
            "quantity",
            "When something is ordered in two lines, only one of them is paid for.",
            "merge",
            lambda random, n: [[["a", 2, n["base"]], ["b", 1, 5], ["a", random.randint(1, 9), n["base"]]]],
        ),
        Bug(
            "<<pkg>>/total.py",
            "shipping(goods, grams)",
            "shipping(goods - discount(goods, percent_off(goods)), grams)",
            "Customers just above the limit for free shipping complain that they pay for it once their discount is taken off.",
            "total",
            lambda random, n: [[["a", 1, n["free"]]], random.randint(1, 5000)],
        ),
    ),
    tries={
        "merge": lambda random, n: [_lines(random)],
        "subtotal": lambda random, n: [_lines(random)],
        "percent_off": lambda random, n: [random.choice([n["tier"], n["tier"] + 1, random.randint(0, 30000)])],
        "discount": lambda random, n: [random.randint(0, 30000), random.randint(0, 15)],
        "shipping": lambda random, n: [random.randint(0, 12000), random.randint(0, 6000)],
        "total": lambda random, n: [_lines(random), random.randint(0, 6000)],
    },
)


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


def _needs(random: Random, *, may_turn: bool = True) -> dict[str, list[str]]:
    names = [chr(ord("a") + number) for number in range(random.randint(1, 7))]
    needs = {name: sorted(other for other in names[:at] if random.random() < 0.4) for at, name in enumerate(names)}
    if may_turn and len(names) > 2 and random.random() < 0.3:
        needs[names[0]] = [names[-1]]
    keys = list(needs)
    random.shuffle(keys)
    return {key: needs[key] for key in keys}


BUILD = Family(
    name="build",
    about="In which order steps are done that need each other.",
    numbers={"start": (1, 9)},
    files={
        "<<pkg>>/graph.py": '''
"""Steps and what they need."""


def names(needs):
    """All steps, those too that are only needed, in order of the alphabet."""
    return sorted({*needs, *(other for others in needs.values() for other in others)})


def needed_by(needs, step):
    """Everything that step needs, directly or not, in order of the alphabet; never the step itself."""
    found = set()
    waiting = list(needs.get(step, []))
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting.extend(needs.get(other, []))
    return sorted(found - {step})
''',
        "<<pkg>>/order.py": '''
"""An order in which everything comes after what it needs."""

from .graph import names


def order(needs):
    """The steps; among those that could be next, the first of the alphabet. None where steps need each other in a circle."""
    rest = {name: set(needs.get(name, [])) for name in names(needs)}
    done = []
    while rest:
        ready = sorted(name for name, missing in rest.items() if not missing)
        if not ready:
            return None
        done.append(ready[0])
        del rest[ready[0]]
        for missing in rest.values():
            missing.discard(ready[0])
    return done
''',
        "<<pkg>>/times.py": '''
"""When steps are done, if as many as can be are done at once."""

from .order import order

START = <<start>>


def finished(needs, minutes):
    """The minute at which each step is done, from START on; a step takes one minute where nothing is said. None for a circle."""
    steps = order(needs)
    if steps is None:
        return None
    ends = {}
    for step in steps:
        begin = max([ends[other] for other in needs.get(step, [])], default=START)
        ends[step] = begin + minutes.get(step, 1)
    return ends


def last(needs, minutes):
    """The step that is done last; the first of the alphabet among equals. None for a circle, and for nothing."""
    ends = finished(needs, minutes)
    return min(ends, key=lambda step: (-ends[step], step)) if ends else None
''',
        "<<pkg>>/__init__.py": '"""The order of steps."""\n\nfrom .graph import names, needed_by\nfrom .order import order\n'
        'from .times import finished, last\n\n__all__ = ["finished", "last", "names", "needed_by", "order"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/graph.py",
            "{*needs, *(other for others in needs.values() for other in others)}",
            "needs",
            "A step that is needed but has no line of its own is missing from the list.",
            "names",
            lambda random, n: [{"b": ["a"], "c": ["b", f"z{random.randint(1, 9)}"]}],
        ),
        Bug(
            "<<pkg>>/graph.py",
            "            waiting.extend(needs.get(other, []))\n",
            "",
            "Only what a step needs directly is found.",
            "needed_by",
            lambda random, n: [{"c": ["b"], "b": ["a"], "a": [f"z{random.randint(1, 9)}"]}, "c"],
        ),
        Bug(
            "<<pkg>>/graph.py",
            "sorted(found - {step})",
            "sorted(found)",
            "In a circle, a step is said to need itself.",
            "needed_by",
            lambda random, n: [{"a": ["b"], "b": ["a", f"z{random.randint(1, 9)}"]}, "a"],
        ),
        Bug(
            "<<pkg>>/order.py",
            "        ready = sorted(name for name, missing in rest.items() if not missing)\n",
            "        ready = [name for name, missing in reversed(rest.items()) if not missing]\n",
            "Steps that do not need each other come in the wrong order.",
            "order",
            lambda random, n: [{"c": [], "a": [], "b": [], f"z{random.randint(1, 9)}": ["a"]}],
        ),
        Bug(
            "<<pkg>>/times.py",
            "max([ends[other] for other in needs.get(step, [])], default=START)",
            "min([ends[other] for other in needs.get(step, [])], default=START)",
            "Steps are said to begin before everything that they need is done.",
            "finished",
            lambda random, n: [{"c": ["a", "b"], "a": [], "b": []}, {"a": random.randint(5, 9)}],
        ),
        Bug(
            "<<pkg>>/times.py",
            "key=lambda step: (-ends[step], step)",
            "key=lambda step: (ends[step], step)",
            "The step that is done first is given as the last.",
            "last",
            lambda random, n: [{"b": ["a"], "a": []}, {"b": random.randint(2, 9)}],
        ),
    ),
    tries={
        "names": lambda random, n: [_needs(random)],
        "needed_by": lambda random, n: [_needs(random), random.choice("abc")],
        "order": lambda random, n: [_needs(random)],
        "finished": lambda random, n: [_needs(random), {name: random.randint(1, 9) for name in "abc"}],
        "last": lambda random, n: [_needs(random, may_turn=False), {name: random.randint(1, 9) for name in "abcd"}],
    },
)


def _words(random: Random) -> str:
    words = ["pear", "Pear", "fig", "plum", "it's", "well-known", "x", "FIG", "seven"]
    return "".join(random.choice(words) + random.choice([" ", " ", ", ", ". ", "\n", "  "]) for _ in range(random.randint(0, 14)))


TEXT = Family(
    name="text",
    about="Words of a text: counted, cut short, and laid out in lines.",
    numbers={"short": (2, 3), "mark": (3, 6)},
    files={
        "<<pkg>>/words.py": '''
"""Words: letters, with apostrophes and hyphens inside."""

import re

_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")


def words(text):
    """The words in small letters, in order."""
    return [word.lower() for word in _WORD.findall(text)]


def counts(text):
    """How often each word of more than <<short>> letters comes."""
    found = {}
    for word in words(text):
        if len(word) > <<short>>:
            found[word] = found.get(word, 0) + 1
    return found
''',
        "<<pkg>>/rank.py": '''
"""The most frequent words."""

from .words import counts


def top(text, number):
    """So many words with their counts, the most frequent first, equals by the alphabet."""
    ranked = sorted(counts(text).items(), key=lambda item: (-item[1], item[0]))
    return [[word, count] for word, count in ranked[:number]]


def share(text, word):
    """Of all counted words, the share that are this one, in whole percent rounded down."""
    found = counts(text)
    total = sum(found.values())
    return 100 * found.get(word.lower(), 0) // total if total else 0
''',
        "<<pkg>>/layout.py": '''
"""Text in lines."""

MARK = "." * <<mark>>


def wrap(text, width):
    """Lines of at most width letters, broken at spaces; a longer word has a line of its own."""
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def shorten(text, width):
    """The text where it fits, else its beginning and MARK, in width letters all together."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    return text[: max(0, width - len(MARK))].rstrip() + MARK
''',
        "<<pkg>>/__init__.py": '"""Words of a text."""\n\nfrom .layout import shorten, wrap\nfrom .rank import share, top\n'
        'from .words import counts, words\n\n__all__ = ["counts", "share", "shorten", "top", "words", "wrap"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/words.py",
            "(?:['-][A-Za-z]+)*",
            "",
            "Words with an apostrophe or a hyphen fall apart.",
            "words",
            lambda random, n: ["a well-known " + random.choice(["it's", "don't"])],
        ),
        Bug(
            "<<pkg>>/words.py",
            "word.lower() for word",
            "word for word",
            "The same word is counted twice when it begins a sentence.",
            "counts",
            lambda random, n: ["Seven and seven are " + "x" * random.randint(4, 9)],
        ),
        Bug(
            "<<pkg>>/words.py",
            "if len(word) > <<short>>:",
            "if len(word) >= <<short>>:",
            "Words that are too short to count are counted.",
            "counts",
            lambda random, n: ["z" * n["short"] + " " + "pear " * random.randint(1, 5)],
        ),
        Bug(
            "<<pkg>>/rank.py",
            "(-item[1], item[0])",
            "-item[1]",
            "Words that are equally frequent come in no fixed order.",
            "top",
            lambda random, n: ["seven plum pear " * random.randint(1, 3), 3],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "len(line) + 1 + len(word) > width",
            "len(line) + len(word) > width",
            "Some lines are one letter too long.",
            "wrap",
            lambda random, n: ["abcd efgh " + "i" * random.randint(1, 3), 8],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "    return [*lines, line] if line else lines\n",
            "    return lines\n",
            "The last line is lost.",
            "wrap",
            lambda random, n: ["one two " + "x" * random.randint(1, 9), 80],
        ),
        Bug(
            "<<pkg>>/layout.py",
            "len(text) <= width",
            "len(text) < width",
            "A text that just fits is cut short all the same.",
            "shorten",
            lambda random, n: ["abcdefghij" + "k" * n["mark"], 10 + n["mark"]],
        ),
    ),
    tries={
        "words": lambda random, n: [_words(random)],
        "counts": lambda random, n: [_words(random)],
        "top": lambda random, n: [_words(random), random.randint(0, 4)],
        "share": lambda random, n: [_words(random), random.choice(["fig", "Plum", "x"])],
        "wrap": lambda random, n: [_words(random), random.randint(4, 24)],
        "shorten": lambda random, n: [_words(random), random.randint(8, 40)],
    },
)


def _map(random: Random) -> list[str]:
    wide, high = random.randint(2, 8), random.randint(1, 6)
    return ["".join(random.choice("...#") for _ in range(wide)) for _ in range(high)]


MAP = Family(
    name="map",
    about="Ways and rooms on a map of squares: `.` is open, `#` a wall.",
    numbers={"door": (2, 5)},
    files={
        "<<pkg>>/squares.py": '''
"""Squares: a row and a column, from 0."""


def is_open(rows, row, column):
    """Whether a square is on the map and no wall."""
    return 0 <= row < len(rows) and 0 <= column < len(rows[row]) and rows[row][column] != "#"


def neighbours(rows, row, column):
    """The open squares above, below, left and right, in this order."""
    beside = [(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)]
    return [[r, c] for r, c in beside if is_open(rows, r, c)]
''',
        "<<pkg>>/ways.py": '''
"""Ways from square to square."""

from .squares import is_open, neighbours


def steps(rows, start, goal):
    """How many steps the shortest way has; None where there is none."""
    if not is_open(rows, *start) or not is_open(rows, *goal):
        return None
    seen = {tuple(start)}
    edge = [tuple(start)]
    count = 0
    while edge:
        if tuple(goal) in edge:
            return count
        following = []
        for square in edge:
            for r, c in neighbours(rows, *square):
                if (r, c) not in seen:
                    seen.add((r, c))
                    following.append((r, c))
        edge = following
        count += 1
    return None
''',
        "<<pkg>>/rooms.py": '''
"""Rooms: open squares from which each can be reached from each."""

from .squares import is_open, neighbours

LARGE = <<door>>


def rooms(rows):
    """The sizes of all rooms, the largest first."""
    seen = set()
    sizes = []
    for row in range(len(rows)):
        for column in range(len(rows[row])):
            if not is_open(rows, row, column) or (row, column) in seen:
                continue
            seen.add((row, column))
            waiting = [(row, column)]
            size = 0
            while waiting:
                square = waiting.pop()
                size += 1
                for r, c in neighbours(rows, *square):
                    if (r, c) not in seen:
                        seen.add((r, c))
                        waiting.append((r, c))
            sizes.append(size)
    return sorted(sizes, reverse=True)


def large(rows):
    """How many rooms have LARGE squares or more."""
    return sum(size >= LARGE for size in rooms(rows))
''',
        "<<pkg>>/__init__.py": '"""Ways and rooms on a map."""\n\nfrom .rooms import large, rooms\nfrom .squares import is_open, neighbours\n'
        'from .ways import steps\n\n__all__ = ["is_open", "large", "neighbours", "rooms", "steps"]\n',
    },
    bugs=(
        Bug(
            "<<pkg>>/squares.py",
            "0 <= row < len(rows) and 0 <= column",
            "row < len(rows) and column",
            "At the upper and left edge, ways lead out of the map and in again on the other side.",
            "neighbours",
            lambda random, n: [["." * random.randint(3, 8)] * 3, 0, 0],
        ),
        Bug(
            "<<pkg>>/squares.py",
            ", (row, column + 1)]",
            ", (row + 1, column + 1)]",
            "Nothing can be reached by going right, and some walls are cut at the corner.",
            "neighbours",
            lambda random, n: [["." * random.randint(3, 8)] * 3, 1, 1],
        ),
        Bug(
            "<<pkg>>/ways.py",
            "if not is_open(rows, *start) or not is_open(rows, *goal)",
            "if not is_open(rows, *goal)",
            "Ways are found that begin inside a wall.",
            "steps",
            lambda random, n: [["#" + "." * random.randint(3, 8)], [0, 0], [0, 2]],
        ),
        Bug(
            "<<pkg>>/ways.py",
            "        edge = following\n        count += 1\n",
            "        count += len(following) > 0 and len(edge) < 2\n        edge = following\n",
            "Ways across open ground are said to be much shorter than they are.",
            "steps",
            lambda random, n: [["." * 5] * 5, [0, 0], [random.randint(2, 4), 3]],
        ),
        Bug(
            "<<pkg>>/rooms.py",
            "            seen.add((row, column))\n            waiting",
            "            waiting",
            "Rooms are counted one square too large.",
            "rooms",
            lambda random, n: [["." * random.randint(2, 8)]],
        ),
        Bug(
            "<<pkg>>/rooms.py",
            "size >= LARGE",
            "size > LARGE",
            "Rooms that are just large enough are not counted as large.",
            "large",
            lambda random, n: [["." * n["door"] + "#" + "." * n["door"]]],
        ),
    ),
    tries={
        "is_open": lambda random, n: [_map(random), random.randint(-1, 6), random.randint(-1, 8)],
        "neighbours": lambda random, n: [_map(random), random.randint(0, 5), random.randint(0, 7)],
        "steps": lambda random, n: [_map(random), [0, 0], [random.randint(0, 5), random.randint(0, 7)]],
        "rooms": lambda random, n: [_map(random)],
        "large": lambda random, n: [_map(random)],
    },
)

FAMILIES: tuple[Family, ...] = (SHOP, CALENDAR, BUILD, TEXT, MAP)
