"""What the contestant that looks things up finds, what it does not, and what its index costs."""

from __future__ import annotations

import asyncio
import json
import re
import resource
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from assay.gateway.practice import librarian
from assay.gateway.practice.conversation import Conversation, Turn, language_spoken
from assay.gateway.practice.librarian import Librarian, look_up
from assay.gateway.practice.librarian.answer import passage, quoted, runnable
from assay.gateway.practice.librarian.search import Shelf, read_question

pytestmark = pytest.mark.anyio

INDEX = Path(librarian.__file__).with_name("index.py")
PROMISED_CPU_S = 3.0
PROMISED_BYTES = 30 * 1024 * 1024


class Built:
    """The index of this Python, and what building it took."""

    def __init__(self) -> None:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.database = subprocess.run([sys.executable, "-I", "-S", "-B", str(INDEX)], capture_output=True, check=True).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.fixture(scope="module")
def built() -> Built:
    return Built()


@pytest.fixture(scope="module")
def shelf(built: Built) -> Iterator[Shelf]:
    shelf = Shelf(built.database)
    yield shelf
    shelf.close()


def ask(shelf: Shelf, *questions: str) -> str:
    turns = [Turn("user", question) for question in questions]
    return look_up(shelf, Conversation(turns=tuple(turns), language=language_spoken(turns)))


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("How do I sort a list in Python?", "sorted"),
        ("sort a dictionary by value", "sorted"),
        ("How do I read a text file?", "pathlib.Path.read_text"),
        ("how to read csv", "csv.reader"),
        ("json.dumps", "json.dumps"),
        ("what does str.split() do?", "str.split"),
        ("Counter", "collections.Counter"),
        ("What does yield do?", 'yield: The "yield" statement'),
        ("for", 'for: The "for" statement'),
        ("list comprehension", "lists: List displays"),
        ("count word frequency", "collections.Counter"),
        ("parse command line arguments", "argparse"),
        ("how to run a shell command", "subprocess.run"),
        ("random number between 1 and 10", "random.Random.randint"),
        ("merge two dicts", "dict.update"),
        ("check if a key exists in a dictionary", "in: Membership test operations"),
        ("copy a directory tree", "shutil.copytree"),
        ("truncate a file", "os.truncate"),
        ("asyncio.gather", "asyncio.gather"),
        ("what is a decorator", "functools.wraps"),
        ("lru_cache", "functools.lru_cache"),
        ("列表怎么排序", "sorted"),
        ("怎樣讀取檔案", "pathlib.Path.read_text"),
        ("生成器是什么", 'yield: The "yield" statement'),
        ("字典 遍历", "dict.items"),
        ("如何去重", "set"),
        ("多线程怎么用", "threading.Thread"),
        ("正则表达式", "re"),
        ("怎么捕获异常", 'try: The "try" statement'),
        ("如何捕獲異常", 'try: The "try" statement'),
        ("获取当前时间", "datetime.datetime.now"),
        ("字串怎麼分割", "str.split"),
        ("合并字典", "dict.update"),
    ],
)
def test_questions_find_these_pages_first(shelf: Shelf, question: str, page: str) -> None:
    found = shelf.find(read_question(question), 4)
    assert found
    assert found[0].path == page


@pytest.mark.parametrize(
    "question",
    [
        "write a poem about the sea",
        "My mother is ill",
        "hello",
        "17 * 3",
        "what is the capital of France",
        "tell me a joke",
        "你好",
        "写一首诗",
        "",
        "!!!",
    ],
)
def test_where_nothing_fits_it_says_so(shelf: Shelf, question: str) -> None:
    assert shelf.find(read_question(question), 4) == []
    answer = ask(shelf, question)
    assert "practice program" in answer or "练习用的查书程序" in answer


def test_an_answer_has_signature_passage_example_and_source(shelf: Shelf) -> None:
    answer = ask(shelf, "How do I sort a list in Python?")
    assert "**sorted** (function, in `builtins`)" in answer
    assert "sorted(iterable, *, key=None, reverse=False)" in answer
    assert "> Return a new list containing all items" in answer
    assert "```python\nnames" in answer
    assert "From the documentation that comes with Python" in answer


def test_a_chinese_question_gets_a_chinese_frame_around_the_english_passage(shelf: Shelf) -> None:
    simplified, traditional = ask(shelf, "列表怎么排序"), ask(shelf, "列表怎麼排序")
    assert "函数，在 `builtins` 里" in simplified
    assert "函式，在 `builtins` 裡" in traditional
    assert "> Return a new list containing all items" in simplified


def test_more_turns_to_the_next_page_until_there_is_none(shelf: Shelf) -> None:
    assert "**list.sort**" in ask(shelf, "How do I sort a list in Python?", "more")
    assert "**list.sort**" in ask(shelf, "列表怎么排序", "还有吗？")
    assert "That was all I found" in ask(shelf, "How do I sort a list?", *["more"] * 12)


def test_our_own_examples_run_and_print_what_their_comments_say() -> None:
    """All in one process: what an example prints stands in its comments."""
    program = (
        "import contextlib, io, json, sys, tomllib\n"
        "printed = {}\n"
        "for name, code in tomllib.loads(sys.stdin.read()).items():\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        exec(compile(code, name, 'exec'), {'__name__': 'example'})\n"
        "    printed[name] = out.getvalue()\n"
        "print(json.dumps(printed))\n"
    )
    source = (files(librarian) / "examples.toml").read_text("utf-8")
    done = subprocess.run([sys.executable, "-c", program], input=source, capture_output=True, text=True, check=True)
    for name, printed in json.loads(done.stdout).items():
        comments = " ".join(re.findall(r"#\s*(.*)", tomllib.loads(source)[name]))
        assert printed.strip(), name
        for line in printed.strip().splitlines():
            assert line.strip() in comments or not line.strip(), name


def test_the_glossary_and_the_examples_name_pages_that_exist(built: Built, shelf: Shelf) -> None:
    """Versions of Python differ, so a few may be missing; the rest of the entry still serves."""
    glossary = tomllib.loads((files(librarian) / "glossary.toml").read_text("utf-8"))
    named = {page for row in glossary["rows"] for page in row[3]}
    named |= tomllib.loads((files(librarian) / "examples.toml").read_text("utf-8")).keys()
    missing = {path for path in named if not shelf.has(path)}
    assert len(missing) <= 0.05 * len(named), missing


def test_the_index_is_small_and_soon_built(built: Built) -> None:
    assert built.cpu_s < PROMISED_CPU_S
    assert len(built.database) < PROMISED_BYTES


def test_building_the_index_imports_no_module_written_in_python_from_the_library() -> None:
    """Docstrings come from syntax trees: only what the builder itself needs is ever loaded, and compiled modules."""
    program = (
        "import sys, runpy\n"
        "builder = runpy.run_path(sys.argv[1], run_name='builder')\n"
        "before = set(sys.modules)\n"
        "import pathlib, sysconfig\n"
        "count = sum(1 for _ in builder['read_pages'](pathlib.Path(sysconfig.get_paths()['stdlib'])))\n"
        "new = [sys.modules[name] for name in set(sys.modules) - before]\n"
        "print(count, *sorted(m.__name__ for m in new if (getattr(m, '__file__', None) or '').endswith('.py')))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, str(INDEX)], capture_output=True, text=True, check=True)
    count, *imported = done.stdout.split()
    assert int(count) > 2_000
    assert {name for name in imported if not name.startswith("_sysconfigdata")} <= {
        "pydoc_data",
        "pydoc_data.topics",
        "copyreg",
        "_compat_pickle",
        "numbers",
        "collections.abc",
        "struct",
        "random",
    }


async def test_it_builds_once_and_off_the_loop(anyio_backend: str) -> None:
    """While the index is built the loop goes on: other work runs many times before the first answer."""
    subject = Librarian()
    turns = (Turn("user", "How do I sort a list?"),)
    answering = asyncio.create_task(subject.answer(Conversation(turns=turns)))
    ticks = 0
    while not answering.done():
        await asyncio.wait({answering}, timeout=0.01)
        ticks += 1
    assert "**sorted**" in await answering
    assert ticks > 10
    assert await subject.answer(Conversation(turns=turns)) == answering.result()
    await subject.close()


async def test_closing_while_it_builds_leaves_nothing_behind(anyio_backend: str) -> None:
    subject = Librarian()
    answering = asyncio.create_task(subject.answer(Conversation(turns=(Turn("user", "sort"),))))
    await asyncio.sleep(0)
    await subject.close()
    with pytest.raises(asyncio.CancelledError):
        await answering


def test_interactive_examples_become_programs() -> None:
    assert (
        runnable("Text.\n\n>>> 1 + 1\n2\n>>> for x in [1]:\n...     print(x)\n1\n")
        == "1 + 1\n# 2\nfor x in [1]:\n    print(x)\n# 1"
    )
    assert runnable("No example here.") is None


def test_prose_is_quoted_and_layout_is_kept() -> None:
    assert quoted("One line.\nTwo.") == "> One line.\n> Two."
    assert quoted("Options:\n  a  first\n  b  second").startswith("```text\n")
    assert passage("First.\n\n>>> 1\n1\n\nAfter.") == "First.\n\n…"


@pytest.mark.parametrize(
    "hostile", ['" OR 1', "a" * 20_000, "* NEAR(", "列" * 20_000, "x." * 5_000, "\x00", "%_%", "'; DROP TABLE pages"]
)
def test_hostile_questions_are_only_words(shelf: Shelf, hostile: str) -> None:
    began = time.process_time()
    assert ask(shelf, hostile)
    assert time.process_time() - began < PROMISED_CPU_S
