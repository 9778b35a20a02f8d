"""The program in what a model answered, made whole: with the prompt's own imports in front, and without its usage examples.

Looked for, in this order: the last block of code that defines the function asked for, so that a corrected version goes before the
draft; the function without a block, among prose; the body alone, as a model that was made to continue text gives it. Between two
versions that nothing tells apart the later one counts. A later block that only repeats the signature is not a version.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import product
from textwrap import dedent, indent

from assay.bench.extract.fences import Block, blocks_in
from assay.bench.extract.python import defined_by, names_used, parse, sources_of, without_examples

VERSION = 1
_MOST_STARTS = 3
_MOST_PLACES = 8
"""Bounds on what is tried with an answer without blocks; more would take long and find nothing."""

_FUTURE = re.compile(r"^from __future__ import .*\n", re.MULTILINE)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_CODE_LINE = re.compile(
    r"\s|(?:def|class|import|from|async|if|elif|else|for|while|try|except|finally|with|return)\b|[@#)\]}]|\w+\s*[:+*/-]?="
)


def find_program(text: str, prompt: str, entry: str, is_whole: bool = True) -> str | None:
    """A program that defines ``entry``, from ``text``, the answer after all thinking. None where there is none.

    ``prompt`` is the Python that the answer completes: its imports and helpers are put in front, and a body alone goes under it. A
    prompt that is no more than a docstring gives nothing. Of a text that is not whole, only blocks that were closed count, and none
    where a further version had been begun.
    """
    blocks = list(blocks_in(text))
    if not is_whole and not _ends_in_peace(blocks, entry):
        return None
    python = [block for block in blocks if block.is_python]
    found = _last_version(python, entry) or _last_version([block for block in blocks if not block.is_python], entry)
    if found is None:
        found = _among_prose(text, entry) or _last_version([Block(span[1]) for span in _INLINE.findall(text)], entry)
    if found is not None:
        return _whole(prompt, entry, found)
    return _from_bodies([block.code for block in python] or [text], prompt, entry)


def _ends_in_peace(blocks: list[Block], entry: str) -> bool:
    return (
        bool(blocks)
        and (blocks[-1].is_closed or f"def {entry}" not in blocks[-1].code)
        and any(block.is_closed for block in blocks)
    )


def _last_version(blocks: list[Block], entry: str) -> str | None:
    """The last block that defines ``entry`` and says how, with what other blocks define for it."""
    versions = [(number, tree) for number, block in enumerate(blocks) if (tree := parse(block.code)) and entry in defined_by(tree)]
    if not versions:
        broken = [block.code for block in blocks if re.search(rf"^(?:async )?def {re.escape(entry)}\b", block.code, re.MULTILINE)]
        return broken[-1] if broken else None
    number, tree = next((one for one in reversed(versions) if not _is_stub(one[1], entry)), versions[-1])
    others = [block.code for block in (*blocks[:number], *blocks[number + 1 :]) if block.is_python]
    return _completed(blocks[number].code, tree, others)


def _completed(code: str, tree: ast.Module, others: list[str]) -> str:
    """``code`` after what it uses and does not define but another block does, the nearest before it first."""
    missing = names_used(tree) - defined_by(tree)
    parts = []
    for other in reversed(others):
        for name, source, uses in sources_of(other):
            if name in missing:
                parts.append(source)
                missing = (missing | uses) - {name}
    return "\n".join([*reversed(parts), code])


def _is_stub(tree: ast.Module, entry: str) -> bool:
    """Whether the function only has a docstring, ``pass``, ``...`` or ``raise NotImplementedError`` for a body."""
    function = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry), None)
    if function is None:
        return False
    return all(
        isinstance(node, ast.Pass | ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in function.body
    )


def _among_prose(text: str, entry: str) -> str | None:
    """Code that stands between sentences without a fence: from the last definition of ``entry``, up and down as far as it is code."""
    lines = text.split("\n")
    definition = re.compile(rf"\s*(?:async )?def {re.escape(entry)}\b(?!\(self)")
    starts = [number for number, line in enumerate(lines) if definition.match(line)]
    for start in starts[: -_MOST_STARTS - 1 : -1]:
        for begin, end in product(_upwards(lines, start), _downwards(lines, start)):
            code = dedent("\n".join(lines[begin : end + 1]))
            if (tree := parse(code)) and entry in defined_by(tree):
                return code
    return None


def _upwards(lines: list[str], start: int) -> list[int]:
    """Where the code that goes on at ``start`` may begin, the farthest first: at lines that follow a blank one or none."""
    first = start
    while first and _is_code(lines[first - 1]):
        first -= 1
    places = [at for at in range(first, start) if lines[at] and (at == first or not lines[at - 1])]
    return [*places[:_MOST_PLACES], start]


def _downwards(lines: list[str], start: int) -> list[int]:
    """Where it may end, the farthest first: at lines that a blank one follows, or none."""
    last = start
    while last + 1 < len(lines) and _is_code(lines[last + 1]):
        last += 1
    return [at for at in range(last, start - 1, -1) if lines[at] and (at == last or not lines[at + 1])][:_MOST_PLACES]


def _is_code(line: str) -> bool:
    return not line or _CODE_LINE.match(line) is not None


def _from_bodies(candidates: list[str], prompt: str, entry: str) -> str | None:
    """A body alone, under the prompt: the last candidate that makes a function which returns something."""
    for candidate in reversed(candidates):
        for body in _indented(candidate):
            code = f"{prompt.rstrip()}\n{body}\n"
            tree = parse(code)
            if tree and entry in defined_by(tree) and _returns(tree, entry):
                return without_examples(code, entry)
    return None


def _indented(text: str) -> Iterator[str]:
    """``text`` as it is, then with what models and servers do to the first line undone."""
    text = text.strip("\n")
    yield text
    yield indent(dedent(text.expandtabs(4)), "    ")
    first, _, rest = text.lstrip().partition("\n")
    yield f"    {first}\n{rest}"
    yield f"    {first}\n{indent(dedent(rest), '    ')}"


def _returns(tree: ast.Module, entry: str) -> bool:
    function = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == entry][-1]
    inner = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda) and node is not function]
    nested = {id(node) for part in inner for node in ast.walk(part)}
    return any(isinstance(node, ast.Return | ast.Yield) and id(node) not in nested for node in ast.walk(function))


def _whole(prompt: str, entry: str, code: str) -> str:
    """The prompt's imports and helpers, then the answer."""
    code = without_examples(code, entry)
    tree = parse(prompt)
    kept = [] if tree is None else [node for node in tree.body if not _defines(node, entry) and not isinstance(node, ast.Expr)]
    if not kept:
        return code
    front = "\n\n".join(ast.unparse(node) for node in kept)
    futures = "".join(_FUTURE.findall(code))
    return f"{futures}{front}\n\n{_FUTURE.sub('', code)}"


def _defines(node: ast.stmt, entry: str) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name == entry
