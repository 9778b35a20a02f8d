"""Ways and rooms on a map."""

from __future__ import annotations

from random import Random

from assay.bench.agent.family import Bug, Family


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
