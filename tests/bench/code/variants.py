"""Programs in great variety, made from canonical solutions by a seed: right ones, mutants, and those that fail in ways of their own.

    variants(problems, SEED)    -> the same thousands of programs whenever it is asked

- ``canonical``: as it is.
- ``mutant``: one place of the syntax tree changed (an operator, a comparison, a constant, a condition, a statement).
- ``overfitted``: right on the base inputs, and on all others off by something.
- ``retyped``: the right value in another type, or off by less or more than a tolerance.
- ``raising``, ``endless``, ``broken``: what their names say, from some input on.
"""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from assay.bench.code.problem import Problem

SEED = 20261122

SLOW = frozenset(f"HumanEval/{n}" for n in (15, 25, 36, 59, 83, 94, 130, 131, 139)) | frozenset(
    f"Mbpp/{n}" for n in (84, 123, 162, 255, 256, 271, 300, 389, 392, 453, 583, 589, 592, 599, 603, 630)
)
"""Problems whose canonical solutions take half a second or more: only those are made of them."""


class Variant(NamedTuple):
    problem: str
    kind: str
    program: str


def variants(problems: Sequence[Problem], seed: int = SEED, mutants: int = 12) -> Iterator[Variant]:
    """All there are, problem by problem."""
    for problem in problems:
        chance = random.Random(f"{seed} {problem.id}")
        yield Variant(problem.id, "canonical", problem.reference)
        if problem.id in SLOW:
            continue
        for program in _mutants(problem.reference, chance, mutants):
            yield Variant(problem.id, "mutant", program)
        for kind, changes in _WRAPPED.items():
            change = chance.choice(changes)
            yield Variant(problem.id, kind, _wrapped(problem, change))
        yield Variant(problem.id, "broken", chance.choice(_BROKEN).format(entry=problem.entry, reference=problem.reference))


def chosen(all_variants: Sequence[Variant], counts: Mapping[str, int], seed: int = SEED) -> list[Variant]:
    """As many of each kind as ``counts`` says, drawn by ``seed``, in the order of their problems."""
    chance = random.Random(seed)
    numbers: list[int] = []
    for kind, count in counts.items():
        numbers += chance.sample([number for number, one in enumerate(all_variants) if one.kind == kind], count)
    return [all_variants[number] for number in sorted(numbers)]


def _wrapped(problem: Problem, change: str) -> str:
    """The canonical solution with ``change`` made to what it returns."""
    known = [repr(tuple(arguments)) for arguments in problem.parts["base"]]
    return f"""{problem.reference}
_right = {problem.entry}
_known = {{{", ".join(map(repr, known))}}}
_count = 0
def {problem.entry}(*arguments):
    global _count
    _count += 1
    is_known = repr(arguments) in _known
    value = _right(*arguments)
{_indented(change)}
"""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip("\n").split("\n"))


_OFF = """
if is_known:
    return value
if isinstance(value, bool):
    return not value
if isinstance(value, (int, float, complex)):
    return value + {step}
if isinstance(value, str):
    return value + "x"
if isinstance(value, list):
    return value + value[:1] if value else [0]
if isinstance(value, tuple):
    return value[::-1] + (0,)
if isinstance(value, dict):
    return {{**value, "x": 1}}
if isinstance(value, set):
    return value | {{"x"}}
return 0 if value is None else None
"""

_NEAR = """
def near(x):
    if isinstance(x, float):
        return x + {step}
    if isinstance(x, (list, tuple)):
        return type(x)(map(near, x))
    return x
return near(value)
"""

_WRAPPED: dict[str, tuple[str, ...]] = {
    "overfitted": (*(_OFF.format(step=step) for step in (1, -1, 0.5, 100)), "return value if is_known or _count % 7 else [value]"),
    "retyped": (
        *(_NEAR.format(step=step) for step in ("1e-9", "1e-7", "5e-7", "2e-6", "5e-5", "2e-4", "x * 5e-8", "x * 1e-6")),
        "return float(value) if type(value) is int and abs(value) < 2**50 else tuple(value) if isinstance(value, list) else value",
        "return list(value) if isinstance(value, (tuple, set)) else int(value) if isinstance(value, bool) else value",
        "import numpy as np\nreturn np.float64(value) if isinstance(value, float) else np.int64(value) if type(value) is int and abs(value) < 2**62 else value",
        "import numpy as np\nreturn np.array(value) if isinstance(value, list) else value",
        "class Text(str): pass\nreturn Text(value) if isinstance(value, str) else value",
        "import collections\nreturn collections.OrderedDict(value) if isinstance(value, dict) else collections.UserList(value) if isinstance(value, list) else value",
        "return iter(value) if isinstance(value, (list, tuple)) else (value,)",
        "return value if value else None",
        "from fractions import Fraction\nreturn Fraction(value) if type(value) is int else value",
        "print(value)\nreturn value",
        "return int(value) if isinstance(value, float) and value == int(value) else value",
    ),
    "raising": (
        "if _count > 2:\n    raise ValueError(value)\nreturn value",
        "if not is_known:\n    raise SystemExit(0)\nreturn value",
        "if not is_known:\n    raise KeyboardInterrupt\nreturn value",
        "if not is_known:\n    import os\n    os._exit(0)\nreturn value",
        "if not is_known:\n    return (lambda f: f(f))(lambda f: f(f))\nreturn value",
        "if not is_known:\n    import a_module_that_is_not_there\nreturn value",
        "if _count == 1:\n    raise AssertionError\nreturn value",
        "if not is_known:\n    return [0] * 10**12\nreturn value",
    ),
    "endless": (
        "while not is_known:\n    pass\nreturn value",
        "while _count > 1:\n    pass\nreturn value",
        "import time\nif not is_known:\n    time.sleep(1000)\nreturn value",
        "while not is_known:\n    try:\n        value = [value]\n        while True:\n            pass\n    except ValueError:\n        pass\nreturn value",
    ),
}

_BROKEN = (
    "{reference}\ndef {entry}(",
    "{reference}\ndel {entry}\n",
    "{reference}\nraise RuntimeError('not today')\n",
    "{reference}\n{entry} = 3\n",
    "{reference}\nimport sys\nsys.exit(0)\n",
    "{reference}\n{entry} = lambda: None\n",
    "",
)


def _mutants(program: str, chance: random.Random, count: int) -> Iterator[str]:
    tree = ast.parse(program)
    places = [(number, change) for number, node in enumerate(ast.walk(tree)) for change in _changes(node)]
    seen = {ast.unparse(tree)}
    for number, change in chance.sample(places, min(count, len(places))):
        mutated = copy.deepcopy(tree)
        node = list(ast.walk(mutated))[number]
        _CHANGES[change](node, chance)
        text = ast.unparse(ast.fix_missing_locations(mutated))
        if text not in seen:
            seen.add(text)
            yield text


def _changes(node: ast.AST) -> list[str]:
    """The names of what can be changed at ``node``."""
    if isinstance(node, ast.BinOp):
        return ["operator", "swap"]
    if isinstance(node, ast.Compare):
        return ["comparison"]
    if isinstance(node, ast.BoolOp):
        return ["connective"]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        return ["constant"]
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return ["condition"]
    if isinstance(node, ast.FunctionDef | ast.For) and len(node.body) > 1:
        return ["statement"]
    if isinstance(node, ast.Return) and node.value is not None:
        return ["return"]
    return []


def _operator(node: ast.BinOp, chance: random.Random) -> None:
    others = [kind for kind in (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod) if not isinstance(node.op, kind)]
    node.op = chance.choice(others)()


def _swap(node: ast.BinOp, chance: random.Random) -> None:
    node.left, node.right = node.right, node.left


def _comparison(node: ast.Compare, chance: random.Random) -> None:
    near: dict[type[ast.cmpop], type[ast.cmpop]] = {
        ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
        ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    }  # fmt: skip
    node.ops[0] = near[type(node.ops[0])]()


def _connective(node: ast.BoolOp, chance: random.Random) -> None:
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


def _constant(node: ast.Constant, chance: random.Random) -> None:
    assert isinstance(node.value, int | float)
    node.value = (not node.value) if isinstance(node.value, bool) else node.value + chance.choice((-1, 1))


def _condition(node: ast.If, chance: random.Random) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _statement(node: ast.FunctionDef, chance: random.Random) -> None:
    del node.body[chance.randrange(len(node.body))]


def _return(node: ast.Return, chance: random.Random) -> None:
    node.value = chance.choice((ast.Constant(None), ast.List([], ast.Load()), ast.Constant(0)))


_CHANGES: dict[str, Callable[[Any, random.Random], None]] = {
    "operator": _operator,
    "swap": _swap,
    "comparison": _comparison,
    "connective": _connective,
    "constant": _constant,
    "condition": _condition,
    "statement": _statement,
    "return": _return,
}
