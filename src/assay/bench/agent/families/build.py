"""The order of steps."""

from __future__ import annotations

from random import Random

from assay.bench.agent.family import Bug, Family


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
