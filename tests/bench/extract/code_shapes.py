"""Shapes of answers that hold a program, and some that hold none: a corpus of our own.

Every answer is to complete `PROMPT`, which needs its own import and helper. A shape is its name, the text, and what becomes of it: a
number, which `clamp([5, -3, 12], 0, 10)` sums to where the right version was found and runs (15; drafts that should lose give
another), or None where there is no program to be found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

PROMPT = '''from typing import List


def bounded(value: int, low: int, high: int) -> int:
    """ The nearest to value between low and high. """
    return max(low, min(high, value))


def clamp(values: List[int], low: int, high: int) -> int:
    """ Sum the values, each brought between low and high.
    >>> clamp([5, -3, 12], 0, 10)
    15
    """
'''
ENTRY = "clamp"
RIGHT = 15

WHOLE = """def clamp(values: List[int], low: int, high: int) -> int:
    total = 0
    for value in values:
        total += bounded(value, low, high)
    return total"""
DRAFT = "def clamp(values, low, high):\n    return sum(values)"
BODY = "    total = 0\n    for value in values:\n        total += bounded(value, low, high)\n    return total"
LINE = "return sum(bounded(value, low, high) for value in values)"
TABS = "def clamp(values, low, high):\n\ttotal = 0\n\tfor value in values:\n\t\ttotal += bounded(value, low, high)\n\treturn total"


class Shape(NamedTuple):
    name: str
    text: str
    gives: int | None = RIGHT
    is_whole: bool = True


def fenced(code: str, label: str = "python", fence: str = "```") -> str:
    return f"{fence}{label}\n{code}\n{fence}"


def shapes() -> Iterator[Shape]:
    yield from _fences()
    yield from _versions()
    yield from _companions()
    yield from _examples()
    yield from _bodies()
    yield from _prose()
    yield from _nothing()
    yield from _cut_off()


def _fences() -> Iterator[Shape]:
    labels = (
        "",
        "python",
        "Python",
        "PYTHON",
        "py",
        "python3",
        "py3",
        "python3.11",
        "ipython",
        "{.python}",
        "python title=a.py",
        " python",
        "code",
        "pycon",
    )
    for label in labels:
        yield Shape(f"a block labelled {label!r}", f"Here it is:\n\n{fenced(WHOLE, label)}\n\nDone.")
    for fence in ("````", "``````", "~~~", "~~~~~"):
        yield Shape(f"a fence of {fence}", fenced(WHOLE, fence=fence))
    for width, label in product((1, 2, 3, 4, 8), ("python", "")):
        indented = "\n".join(" " * width + line for line in fenced(WHOLE, label).split("\n"))
        yield Shape(f"a fence indented by {width}, label {label!r}", f"1. Do this:\n{indented}\n2. Done.")
    inner = fenced(WHOLE).split("\n")
    yield Shape("a fence in a list, its code not indented", f"- So:\n  {inner[0]}\n" + "\n".join(inner[1:-1]) + "\n  ```")
    yield Shape("a fence on the line of a bullet", "- ```python\n" + "\n".join(f"  {line}" for line in inner[1:]))
    yield Shape("a fence indented by a tab", "\n".join(f"\t{line}" for line in inner))
    yield Shape("a quoted block", "\n".join(f"> {line}" for line in inner))
    yield Shape("a quoted block without spaces", "\n".join(f">{line}" for line in inner))
    yield Shape("lines that end as on Windows", fenced(WHOLE).replace("\n", "\r\n"))
    yield Shape("blanks after the fences", fenced(WHOLE).replace("```python", "```python   ").replace("\n```", "\n```  "))
    yield Shape("a block that is never closed", f"Here:\n```python\n{WHOLE}")
    yield Shape("a fence closed by a longer one", f"```python\n{WHOLE}\n`````")
    yield Shape("a fence in the docstring", fenced(WHOLE.replace("    total = 0", '    """Use ```clamp```."""\n    total = 0')))
    longer = WHOLE.replace("    total = 0", '    """\n    ```\n    clamp([1], 0, 1)\n    ```\n    """\n    total = 0')
    yield Shape("a block within a longer fence", fenced(longer, fence="````"))
    yield Shape("everything on the line of the fence", "```python def clamp(values, low, high): " + LINE + "```")
    yield Shape("a block of tabs", fenced(TABS))
    yield Shape("nothing but the block", fenced(WHOLE))
    yield Shape("blank lines in the block", fenced(f"\n\n{WHOLE}\n\n"))
    yield Shape("a block indented as a whole", fenced("\n".join(f"    {line}" for line in WHOLE.split("\n"))))
    yield Shape("text before the fence on its line", f"So: ```python\n{WHOLE}\n```")


def _versions() -> Iterator[Shape]:
    for between in ("Wait, that ignores the bounds. Corrected:", "Actually:", "### Final version", "\n---\n"):
        yield Shape(f"a draft, then after {between!r} the answer", f"{fenced(DRAFT)}\n{between}\n{fenced(WHOLE)}")
    yield Shape("three versions", f"{fenced(DRAFT)}\nno\n{fenced(DRAFT)}\nyes\n{fenced(WHOLE)}")
    yield Shape("a draft without a label", f"{fenced(DRAFT, '')}\nBetter:\n{fenced(WHOLE)}")
    yield Shape("an answer without a label", f"{fenced(DRAFT)}\nBetter:\n{fenced(WHOLE, '')}")
    yield Shape("two versions in one block", fenced(f"{DRAFT}\n\n{WHOLE}"))
    yield Shape("a draft while thinking, another label", f"{fenced(DRAFT, 'text')}\n{fenced(WHOLE)}")
    signature = "def clamp(values: List[int], low: int, high: int) -> int:"
    for stub in ("    ...", "    pass", '    """Sum."""', "    raise NotImplementedError", '    """Sum."""\n    ...'):
        yield Shape(
            f"afterwards the signature with {stub.strip()!r}",
            f"{fenced(WHOLE)}\nIts shape:\n{fenced(f'{signature}{chr(10)}{stub}')}",
        )
    yield Shape("the prompt first, then the answer", f"You gave:\n{fenced(PROMPT)}\nSolution:\n{fenced(WHOLE)}")
    yield Shape(
        "afterwards a block that does not parse",
        f"{fenced(WHOLE)}\nnot\n{fenced('def clamp(values, low, high)' + chr(10) + '    return')}",
    )
    yield Shape("the draft struck out in a comment", fenced(f"# {DRAFT.splitlines()[0]}\n{WHOLE}"))


def _companions() -> Iterator[Shape]:
    examples = "assert clamp([5, -3, 12], 0, 10) == 15\nprint('ok')"
    yield Shape("a block of tests after it", f"{fenced(WHOLE)}\nTests:\n{fenced(examples)}")
    yield Shape("a block of tests before it", f"{fenced(examples)}\n{fenced(WHOLE)}")
    yield Shape("a shell block after it", f"{fenced(WHOLE)}\nRun it:\n{fenced('python clamp.py', 'bash')}")
    yield Shape("a shell block before it", f"{fenced('pip install numpy', 'sh')}\n{fenced(WHOLE)}")
    yield Shape("its output after it", f"{fenced(WHOLE)}\nOutput:\n{fenced('15', '')}")
    yield Shape("a block of JSON after it", f"{fenced(WHOLE)}\n{fenced('{}', 'json')}")
    yield Shape("the same in JavaScript after it", f"{fenced(WHOLE)}\n{fenced('function clamp(v) { return 0 }', 'javascript')}")
    helper = "def limited(values, low, high):\n    return [bounded(value, low, high) for value in values]"
    main = "def clamp(values, low, high):\n    return sum(limited(values, low, high))"
    yield Shape("a helper in a block before", f"{fenced(helper)}\nand\n{fenced(main)}")
    yield Shape("a helper in a block after", f"{fenced(main)}\nwith\n{fenced(helper)}")
    yield Shape("an import in a block before", f"{fenced('import functools')}\n{fenced(_with_import(''))}")
    yield Shape(
        "a helper of a helper",
        f"{fenced('LEAST = 0')}\n{fenced('def floor(v, low):' + chr(10) + '    return max(low, v, LEAST)')}\n{fenced('def clamp(values, low, high):' + chr(10) + '    return sum(min(high, floor(v, low)) for v in values)')}",
    )
    yield Shape("a helper in the same block", fenced(f"{helper}\n\n{main}"))
    yield Shape("a helper after it in the same block", fenced(f"{main}\n\n{helper}"))
    yield Shape("labelled as text", fenced(WHOLE, "text"))
    yield Shape("labelled as another language by mistake", fenced(WHOLE, "ruby"))


def _with_import(line: str) -> str:
    return f"{line}\ndef clamp(values, low, high):\n    return functools.reduce(lambda t, v: t + bounded(v, low, high), values, 0)".lstrip(
        "\n"
    )


def _examples() -> Iterator[Shape]:
    for name, example in {
        "a print": "print(clamp([1], 0, 1))",
        "a wrong assertion": "assert clamp([1, 2], 0, 9) == 4",
        "a question to the user": "values = list(map(int, input().split()))\nprint(clamp(values, 0, 10))",
        "a main guard": "if __name__ == '__main__':\n    print(clamp([1], 0, 1))",
        "an endless loop": "while True:\n    print(clamp([1], 0, 1))",
        "a call that raises": "result = clamp(None, 0, 1)",
        "an exit": "exit()",
        "its doctests": "import doctest\ndoctest.testmod()",
        "a loop over examples": "for case in [([1], 0, 1)]:\n    print(clamp(*case))",
        "a file that is read": "with open('values.txt') as file:\n    print(clamp(list(file), 0, 1))",
        "a comment": "# clamp([1], 0, 1) gives 1",
        "tests in a class": "import unittest\nclass TestClamp(unittest.TestCase):\n    def test_it(self):\n        assert clamp([], 0, 1) == 0\nunittest.main()",
    }.items():
        yield Shape(f"{name} after it", fenced(f"{WHOLE}\n\n{example}"))
    yield Shape("an example between helper and function", fenced(f"def one():\n    return 0\n\nprint(one())\n\n{WHOLE}"))
    yield Shape("a decorated function", fenced(f"def same(f):\n    return f\n\n@same\n{WHOLE}"))
    yield Shape("a cache put around it", fenced(f"{WHOLE}\n\nclamp = (lambda f: lambda v, a, b: f(v, a, b))(clamp)"))
    yield Shape(
        "a table made by a loop",
        fenced(
            "TABLE = {}\nfor n in range(-20, 20):\n    TABLE[n] = n\n\ndef clamp(values, low, high):\n    return sum(TABLE[bounded(v, low, high)] for v in values)"
        ),
    )
    yield Shape("a name for a lambda", fenced("clamp = lambda values, low, high: sum(bounded(v, low, high) for v in values)"))
    yield Shape("an own import", fenced(_with_import("import functools")))
    yield Shape(
        "an import within",
        fenced(
            "def clamp(values, low, high):\n    import functools\n    return functools.reduce(lambda t, v: t + bounded(v, low, high), values, 0)"
        ),
    )
    yield Shape("an import from the future", fenced(f"from __future__ import annotations\n\n{WHOLE}"))
    yield Shape("the whole prompt again", fenced(PROMPT + BODY))
    yield Shape("the whole prompt again, without its import", fenced((PROMPT + BODY).replace("from typing import List\n\n\n", "")))
    yield Shape(
        "an own version of the helper", fenced(f"def bounded(v, a, b):\n    return a if v < a else b if v > b else v\n\n{WHOLE}")
    )
    yield Shape("types of its own", fenced(WHOLE.replace("List[int]", "list[int]")))
    yield Shape(
        "an inner function",
        fenced(
            "def clamp(values, low, high):\n    def one(v):\n        return bounded(v, low, high)\n    return sum(map(one, values))"
        ),
    )
    yield Shape(
        "a recursive function",
        fenced(
            "def clamp(values, low, high):\n    return bounded(values[0], low, high) + clamp(values[1:], low, high) if values else 0"
        ),
    )
    yield Shape(
        "a semicolon", fenced("def clamp(values, low, high):\n    total = sum(bounded(v, low, high) for v in values); return total")
    )
    yield Shape(
        "words in other scripts",
        f"関数はこちらです：\n{fenced(WHOLE.replace('    total = 0', '    total = 0  # 合計'))}\n以上です。",
    )


def _bodies() -> Iterator[Shape]:
    yield Shape("the body, as it goes on from the prompt", BODY)
    yield Shape("the body in a block", fenced(BODY))
    yield Shape("the body without its indent", "\n".join(line[4:] for line in BODY.split("\n")))
    yield Shape("the body without its indent, in a block", fenced("\n".join(line[4:] for line in BODY.split("\n"))))
    yield Shape("the body, its first line stripped", BODY.lstrip())
    yield Shape("the body, its first line stripped, in a block", fenced(BODY.lstrip()))
    yield Shape("a body of one line", f"    {LINE}")
    yield Shape("a body of one line, stripped", LINE)
    yield Shape("a body of one line in a block", fenced(LINE))
    yield Shape("a body indented by two", BODY.replace("    ", "  "))
    yield Shape("a body indented by tabs", BODY.replace("    ", "\t"))
    yield Shape("a body with blank lines around", f"\n\n{BODY}\n\n")
    yield Shape("a body with an example after it", f"{BODY}\n\nprint(clamp([1], 0, 1))")
    yield Shape("a body with another function after it", f"{BODY}\n\n\ndef other():\n    return 1")
    yield Shape("a body with a comment first", f"    # each in turn\n{BODY}")
    yield Shape("a body in a block, with words around it", f"The body is:\n{fenced(BODY, '')}\nThat is all.")


def _prose() -> Iterator[Shape]:
    yield Shape("the program alone", WHOLE)
    yield Shape("the program after a sentence", f"Here is the function:\n\n{WHOLE}")
    yield Shape("the program between sentences", f"Here is the function:\n\n{WHOLE}\n\nIt sums what is left.")
    yield Shape("the program between sentences, no blank lines", f"Here is the function:\n{WHOLE}\nIt sums what is left.")
    yield Shape("a draft and a correction in prose", f"First:\n\n{DRAFT}\n\nNo. It must be:\n\n{WHOLE}\n\nThere.")
    yield Shape("an import and the program in prose", f"Use this.\n\n{_with_import('import functools')}\n\nEnjoy!")
    yield Shape("indented as Markdown has it", "So:\n\n" + "\n".join(f"    {line}" for line in WHOLE.split("\n")) + "\n\nDone.")
    yield Shape("in one line of code", "Use `clamp = lambda values, low, high: sum(bounded(v, low, high) for v in values)`.")
    yield Shape("a helper before it in prose", f"Well:\n\ndef one(v):\n    return v\n\n{WHOLE}\n\nDone.")


def _nothing() -> Iterator[Shape]:
    yield Shape("no words", "", None)
    yield Shape("a refusal", "I'm sorry, but I can't help with that.", None)
    yield Shape("one word", "Sorry", None)
    yield Shape("a description", "Go over the values, bring each between low and high, and sum them.", None)
    yield Shape("a block of output only", fenced("15"), None)
    yield Shape("another function", fenced("def other(values):\n    return 0"), None)
    yield Shape("a method of a class", fenced("class Solution:\n    def clamp(self, values, low, high):\n        return 15"), None)
    yield Shape("a shell block only", fenced("pip install clamp", "bash"), None)
    yield Shape("the name in a sentence", "Just call `clamp(values, low, high)`.", None)
    yield Shape("an empty block", fenced(""), None)


def _cut_off() -> Iterator[Shape]:
    yield Shape("cut off within the block", f"```python\n{WHOLE[:-12]}", None, is_whole=False)
    yield Shape("cut off after the block", f"{fenced(WHOLE)}\nThis works bec", RIGHT, is_whole=False)
    yield Shape("cut off within a correction", f"{fenced(DRAFT)}\nBetter:\n```python\n{WHOLE[:-12]}", None, is_whole=False)
    yield Shape("cut off within a block of tests", f"{fenced(WHOLE)}\nTests:\n```python\nassert cla", RIGHT, is_whole=False)
    yield Shape("cut off within prose", "def clamp(values, low, high):\n    total", None, is_whole=False)
