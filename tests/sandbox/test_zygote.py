"""A child answers calls of the candidate's function, and can do nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.sandbox import Died, Digest, Limits, Opaque, Packed, Raised, Returned, TimedOut, TooMuch, Zygote, digest
from assay.sandbox.inside.values import encode
from tests.sandbox.hostile.world import descendants, is_alive

PATIENCE_S = 30.0
"""For calls that answer at once; the machine may be busy."""


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote(imports=("math", "numpy"), limits=Limits(output_bytes=1 << 20)) as zygote:
        yield zygote


def test_a_function_is_called_with_its_arguments_and_its_value_comes_back(zygote: Zygote) -> None:
    with zygote.run("def add(a, b):\n    return a + b", "add") as child:
        outcome = child.call([1, 2], PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert outcome.value == 3


def test_many_inputs_are_answered_in_order(zygote: Zygote) -> None:
    with zygote.run("def double(x):\n    return 2 * x", "double") as child:
        outcomes = list(child.call_many([[n] for n in range(500)], PATIENCE_S, PATIENCE_S))
    assert [outcome.value for outcome in outcomes if isinstance(outcome, Returned)] == [2 * n for n in range(500)]


def test_inputs_larger_than_any_buffer_go_in_while_answers_come_out(zygote: Zygote) -> None:
    inputs = Packed([["x" * 300_000] for _ in range(20)])
    with zygote.run("def same(text):\n    return text", "same") as child:
        outcomes = list(child.call_many(inputs, PATIENCE_S, PATIENCE_S))
    assert [len(outcome.value) for outcome in outcomes if isinstance(outcome, Returned)] == [300_000] * 20


def test_what_one_call_does_to_its_argument_does_not_show_in_the_next(zygote: Zygote) -> None:
    shared = [1]
    with zygote.run("def grow(x):\n    x.append(1)\n    return len(x)", "grow") as child:
        outcomes = list(child.call_many([[shared], [shared]], PATIENCE_S, PATIENCE_S))
    assert [outcome.value for outcome in outcomes if isinstance(outcome, Returned)] == [2, 2]


def test_an_exception_is_told_and_the_child_goes_on(zygote: Zygote) -> None:
    with zygote.run("def half(x):\n    return 1 / x", "half") as child:
        first, second = child.call([0], PATIENCE_S), child.call([2], PATIENCE_S)
    assert first == Raised("ZeroDivisionError", "ZeroDivisionError: division by zero")
    assert isinstance(second, Returned)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("def f(:", "SyntaxError"),
        ("import nowhere", "ModuleNotFoundError"),
        ("x = 1", "NameError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import sys\ndef g(): pass\nsys.exit(0)", "SystemExit"),
    ],
)
def test_a_program_that_does_not_load_says_so_at_every_call(zygote: Zygote, source: str, kind: str) -> None:
    with zygote.run(source, "f") as child:
        outcomes = [child.call([1], PATIENCE_S), child.call([1], PATIENCE_S)]
    assert [outcome.kind for outcome in outcomes if isinstance(outcome, Raised)] == [kind, kind]


def test_an_endless_call_is_ended_at_its_limit(zygote: Zygote) -> None:
    began = time.monotonic()
    with zygote.run("def f(x):\n    while x: pass", "f") as child:
        outcomes = list(child.call_many([[0], [1], [0]], 0.3, PATIENCE_S))
    assert isinstance(outcomes[0], Returned)
    assert isinstance(outcomes[1], TimedOut)
    assert len(outcomes) == 2
    assert time.monotonic() - began < PATIENCE_S


def test_all_calls_together_have_a_limit_too(zygote: Zygote) -> None:
    with zygote.run("import time\ndef f(x):\n    time.sleep(0.2)", "f") as child:
        outcomes = list(child.call_many([[n] for n in range(100)], PATIENCE_S, 1.0))
    assert len(outcomes) < 100
    assert isinstance(outcomes[-1], TimedOut)


def test_a_program_that_never_finishes_loading_is_ended() -> None:
    with Zygote(limits=Limits(load_s=0.3)) as zygote, zygote.run("while True: pass", "f") as child:
        assert isinstance(child.call([1], PATIENCE_S), TimedOut)


def test_a_process_that_ends_is_not_an_answer(zygote: Zygote) -> None:
    with zygote.run("import os\ndef f(x):\n    os._exit(0)", "f") as child:
        assert child.call([1], PATIENCE_S) == Died("it ended by itself with code 0")
    with zygote.run("import os, signal\ndef f(x):\n    os.kill(os.getpid(), signal.SIGSEGV)", "f") as child:
        assert child.call([1], PATIENCE_S) == Died("it was ended by SIGSEGV")


def test_a_value_that_is_too_large_is_not_sent(zygote: Zygote) -> None:
    with zygote.run("def f(x):\n    return 'x' * x", "f") as child:
        assert isinstance(child.call([1000], PATIENCE_S), Returned)
        assert child.call([1 << 21], PATIENCE_S) == TooMuch(1 << 20)


def test_of_a_large_value_a_digest_is_enough(zygote: Zygote) -> None:
    with zygote.run("def f(x):\n    return {'n': list(range(x)), 's': {1, 2}}", "f") as child:
        outcome = child.call([1 << 20], PATIENCE_S, digest=True)
    assert isinstance(outcome, Returned)
    assert isinstance(outcome.value, Digest)
    assert outcome.value == digest({"n": list(range(1 << 20)), "s": {1, 2}})


def test_a_small_value_is_sent_where_a_digest_would_do(zygote: Zygote) -> None:
    with zygote.run("def f(x):\n    return 'x' * x", "f") as child:
        outcome = child.call([1000], PATIENCE_S, digest=True)
    assert isinstance(outcome, Returned)
    assert outcome.value == "x" * 1000


def test_a_value_that_cannot_be_digested_is_sent(zygote: Zygote) -> None:
    with zygote.run("def f():\n    return (n for n in [1])", "f") as child:
        outcome = child.call([], PATIENCE_S, digest=True)
    assert isinstance(outcome, Returned)
    assert isinstance(outcome.value, Opaque)


def test_bytes_come_as_they_were_sent_where_they_are_asked_for(zygote: Zygote) -> None:
    with zygote.run("def f(x):\n    return [x]", "f") as child:
        outcomes = list(child.call_many([[1.5], ["a"]], [PATIENCE_S, PATIENCE_S], PATIENCE_S, raw=True))
    assert [outcome.value for outcome in outcomes if isinstance(outcome, Returned)] == [encode([1.5]), encode(["a"])]


def test_numpy_values_come_as_numpy_values(zygote: Zygote) -> None:
    with zygote.run("import numpy as np\ndef f(n):\n    return np.arange(n).reshape(2, -1), np.float32(0.5)", "f") as child:
        outcome = child.call([6], PATIENCE_S)
    assert isinstance(outcome, Returned)
    array, scalar = outcome.value
    assert np.array_equal(array, [[0, 1, 2], [3, 4, 5]])
    assert type(scalar) is np.float32


def test_the_next_child_knows_nothing_of_the_one_before(zygote: Zygote) -> None:
    with zygote.run("import builtins, math\nbuiltins.spoilt = True\nmath.pi = 3\ndef f():\n    return math.pi", "f") as child:
        assert isinstance(child.call([], PATIENCE_S), Returned)
    with zygote.run("import builtins, math\ndef f():\n    return hasattr(builtins, 'spoilt'), math.pi > 3", "f") as child:
        outcome = child.call([], PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert outcome.value == (False, True)


def test_the_order_of_sets_is_the_same_in_every_run() -> None:
    seen = set()
    for _ in range(3):
        with Zygote() as zygote, zygote.run("def f():\n    return ','.join({'a', 'b', 'c', 'd', 'e', 'f'})", "f") as child:
            outcome = child.call([], PATIENCE_S)
            assert isinstance(outcome, Returned)
            seen.add(outcome.value)
    assert len(seen) == 1


def test_a_zygote_that_was_ended_is_started_again(zygote: Zygote) -> None:
    with zygote.run("def f():\n    return 1", "f") as child:
        assert isinstance(child.call([], PATIENCE_S), Returned)
        family = [zygote.pid, *descendants(zygote.pid)]
        os.kill(zygote.pid, 9)
        until = time.monotonic() + PATIENCE_S
        while any(map(is_alive, family)) and time.monotonic() < until:
            time.sleep(0.01)
    with zygote.run("def f():\n    return 2", "f") as child:
        assert isinstance(child.call([], PATIENCE_S), Returned)


def test_a_program_finds_itself_as_a_module(zygote: Zygote) -> None:
    source = (
        "from __future__ import annotations\nimport dataclasses, pickle, typing\n"
        "@dataclasses.dataclass\nclass Point:\n    x: typing.ClassVar[int] = 1\n    y: int = 2\n"
        "def f():\n    return pickle.loads(pickle.dumps(Point())).y, __name__\n"
        "if __name__ == '__main__':\n    raise SystemExit\n"
    )
    with zygote.run(source, "f") as child:
        outcome = child.call([], PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert outcome.value == (2, "candidate")


def test_packages_in_a_private_folder_can_be_imported_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "private_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "late.py").write_text("ANSWER = 42")
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(str(tmp_path))
    with Zygote(imports=("private_package",)) as zygote:
        with zygote.run("def f():\n    from private_package import late\n    return late.ANSWER", "f") as child:
            outcome = child.call([], PATIENCE_S)
        with zygote.run(f"import os\ndef f():\n    return os.listdir({str(tmp_path)!r})", "f") as child:
            refused = child.call([], PATIENCE_S)
    assert isinstance(outcome, Returned)
    assert outcome.value == 42
    assert isinstance(refused, Raised)
