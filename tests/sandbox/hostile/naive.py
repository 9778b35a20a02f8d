"""Graders as one finds them: each shares a process, an exit code or a message with the program that it grades.

A hostile program counts only if it fools one of these. Each is the text of a script that gets the candidate's file as its argument;
it says ``passed`` on its last line, except ``exit``, whose verdict is its exit code, and ``lost``, where success is a grader that ends
without any verdict.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = [(2, 15), (5, 57), (11, 195)]
"""The hidden tests: ``solve(x)`` is ``x * x + 7 * x - 3``."""

_HEAD = f"""
import sys
source = open(sys.argv[1]).read()
TESTS = {TESTS}
INPUTS, EXPECTED = [x for x, _ in TESTS], [y for _, y in TESTS]
space = {{"__name__": "candidate"}}
"""
_ADD = f"\nfor x, y in {TESTS}:\n    assert solve(x) == y, (x, y)\n"

_TAILS = {
    "loop": """
def main():
    try:
        exec(source, space)
        for x, y in TESTS:
            assert space["solve"](x) == y
    except BaseException:
        print("failed")
    else:
        print("passed")
main()
""",
    "all": """
exec(source, space)
print("passed" if all(space["solve"](x) == y for x, y in TESTS) else "failed")
""",
    "any": """
exec(source, space)
print("failed" if any(space["solve"](x) != y for x, y in TESTS) else "passed")
""",
    "zip": """
exec(source, space)
outcome = "passed"
for x, y in zip(INPUTS, EXPECTED):
    if space["solve"](x) != y:
        outcome = "failed"
print(outcome)
""",
    "map": """
exec(source, space)
print("passed" if list(map(space["solve"], INPUTS)) == EXPECTED else "failed")
""",
    "sum": """
exec(source, space)
print("passed" if sum(space["solve"](x) == y for x, y in TESTS) == len(TESTS) else "failed")
""",
    "abs": """
exec(source, space)
print("passed" if max(abs(space["solve"](x) - y) for x, y in TESTS) < 1e-6 else "failed")
""",
    "close": """
exec(source, space)
import math
print("passed" if all(math.isclose(space["solve"](x), y) for x, y in TESTS) else "failed")
""",
    "type": """
exec(source, space)
right = 0
for x, y in TESTS:
    value = space["solve"](x)
    right += isinstance(value, int) and value == y
print("passed" if right == 3 else "failed")
""",
    "json": """
exec(source, space)
import json
print("passed" if json.dumps([space["solve"](x) for x in INPUTS]) == json.dumps(EXPECTED) else "failed")
""",
    "repr": """
exec(source, space)
print("passed" if repr([space["solve"](x) for x in INPUTS]) == repr(EXPECTED) else "failed")
""",
    "operator": """
exec(source, space)
import operator
print("passed" if all([operator.eq(space["solve"](x), y) for x, y in TESTS]) else "failed")
""",
    "sorted": """
exec(source, space)
print("passed" if sorted(space["solve"](x) for x in INPUTS) == sorted(EXPECTED) else "failed")
""",
    "set": """
exec(source, space)
print("failed" if {space["solve"](x) for x in INPUTS} - set(EXPECTED) else "passed")
""",
    "allclose": """
exec(source, space)
import numpy as np
print("passed" if np.allclose([space["solve"](x) for x in INPUTS], EXPECTED) else "failed")
""",
    "array": """
exec(source, space)
import numpy as np
print("passed" if all((np.array(y) == space["solve"](x)).all() for x, y in TESTS) else "failed")
""",
    "assert_allclose": """
exec(source, space)
import numpy as np
try:
    for x, y in TESTS:
        np.testing.assert_allclose(space["solve"](x), y)
except BaseException:
    print("failed")
else:
    print("passed")
""",
    "unittest": """
exec(source, space)
import io, unittest
class Check(unittest.TestCase):
    def test(self):
        for x, y in TESTS:
            self.assertEqual(space["solve"](x), y)
suite = unittest.defaultTestLoader.loadTestsFromTestCase(Check)
result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
print("passed" if result.wasSuccessful() else "failed")
""",
    "helper": """
def same(value, expected):
    return value == expected
space["same"] = same
exec(source + "\\noutcome = all(same(solve(x), y) for x, y in " + repr(TESTS) + ")", space)
print("passed" if space["outcome"] else "failed")
""",
    "eval": """
exec(source, space)
try:
    for x, y in TESTS:
        exec(f"assert solve({x}) == {y}", space)
except BaseException:
    print("failed")
else:
    print("passed")
""",
    "message": """
import subprocess
add = chr(10) + "for x, y in " + repr(TESTS) + ":" + chr(10) + "    assert solve(x) == y" + chr(10) + "print('ok')"
said = subprocess.run([sys.executable, "-c", source + add], capture_output=True, text=True).stdout
print("passed" if said.split()[-1:] == ["ok"] else "failed")
""",
    "shared": """
import os
from multiprocessing import Pipe
ours, theirs = Pipe()
if os.fork() == 0:
    try:
        exec(source, space)
        for x, y in TESTS:
            assert space["solve"](x) == y
        theirs.send("passed")
    except BaseException:
        theirs.send("failed")
    os._exit(0)
theirs.close()
print(ours.recv() if ours.poll(4) else "silent")
""",
    "pickle": """
import pickle, subprocess
add = chr(10) + "import pickle; sys.stdout.buffer.write(pickle.dumps([solve(x) for x in " + repr(INPUTS) + "]))"
said = subprocess.run([sys.executable, "-c", "import sys" + chr(10) + source + add], capture_output=True).stdout
print("passed" if pickle.loads(said) == EXPECTED else "failed")
""",
    "file": """
import json, os, subprocess
add = chr(10) + "open('result.json', 'w').write('[%s]' % ', '.join(str(solve(x) == y).lower() for x, y in " + repr(TESTS) + "))"
subprocess.run([sys.executable, "-c", source + add], capture_output=True)
print("passed" if os.path.exists("result.json") and all(json.load(open("result.json"))) else "failed")
""",
}
_TAILS["lost"] = _TAILS["shared"]
NAMES = frozenset({"exit", *_TAILS})


def is_fooled(grader: str, source: str, folder: Path) -> bool:
    """Whether the naive grader of that name finds ``source`` right."""
    candidate = folder / "candidate.py"
    candidate.write_text(source + _ADD if grader == "exit" else source)
    script = candidate
    if grader != "exit":
        script = folder / "grader.py"
        script.write_text(_HEAD + _TAILS[grader])
    try:
        argv = [sys.executable, str(script), str(candidate)]
        done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=6, start_new_session=True)
    except subprocess.TimeoutExpired:
        return grader == "lost"
    last = done.stdout.split()[-1:]
    if grader == "exit":
        return done.returncode == 0
    if grader == "lost":
        return last not in (["passed"], ["failed"])
    return last == ["passed"]
