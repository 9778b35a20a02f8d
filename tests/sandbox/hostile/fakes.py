"""Programs that are wrong and want to be found right."""

from __future__ import annotations

from tests.sandbox.hostile.case import Case

_WRONG = "\ndef solve(x):\n    return -1\n"


def _exits() -> list[Case]:
    at_load = {
        "sys.exit": "import sys\nsys.exit(0)",
        "os._exit": "import os\nos._exit(0)",
        "raise SystemExit": "raise SystemExit",
        "quit": "import site\nquit(0)",
        "in a class body": "class A:\n    import os\n    os._exit(0)",
        "libc exit": "import ctypes\nctypes.CDLL(None).exit(0)",
        "libc _exit": "import ctypes\nctypes.CDLL(None)._exit(0)",
        "raw exit_group": "import ctypes\nctypes.CDLL(None).syscall(231, 0)",
    }
    in_call = {
        "sys.exit": "import sys; sys.exit(0)",
        "os._exit": "import os; os._exit(0)",
        "raise SystemExit": "raise SystemExit(None)",
        "abort the interpreter kindly": "import ctypes; ctypes.pythonapi.Py_Exit(0)",
        "through a generator": "next(iter(lambda: (_ for _ in ()).throw(SystemExit(0)), None))",
    }
    later = {
        "excepthook": "import sys, os\nsys.excepthook = lambda *a: os._exit(0)" + _WRONG,
        "atexit": "import atexit, os\natexit.register(os._exit, 0)" + _WRONG,
        "destructor": "import os\nclass A:\n    def __del__(self):\n        os._exit(0)\nkept = A()" + _WRONG,
        "thread": "import os, threading, time\nthreading.Thread(target=lambda: os._exit(0)).start()\ntime.sleep(5)" + _WRONG,
        "alarm": (
            "import os, signal, time\nsignal.signal(signal.SIGALRM, lambda *a: os._exit(0))\n"
            "signal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(5)" + _WRONG
        ),
        "trace": "import os, sys\nsys.settrace(lambda *a: os._exit(0))" + _WRONG,
        "profile": "import os, sys\nsys.setprofile(lambda *a: os._exit(0))" + _WRONG,
        "audit hook": "import os, sys\nsys.addaudithook(lambda *a: os._exit(0))\nopen('/dev/null')" + _WRONG,
        "import hook": (
            "import os, sys\nclass Find:\n    def find_spec(self, *a):\n        os._exit(0)\n"
            "sys.meta_path.insert(0, Find())\nimport nowhere" + _WRONG
        ),
    }
    become = {
        "execv true": "import os\nos.execv('/bin/true', ['true'])",
        "execl shell": "import os\nos.execl('/bin/sh', 'sh', '-c', 'exit 0')",
        "the interpreter without asserts": (
            "import os, sys\nif sys.flags.optimize == 0:\n    os.execv(sys.executable, [sys.executable, '-O', *sys.argv])" + _WRONG
        ),
    }
    return [
        *(Case("exit code at load", name, "verdict", text, "exit") for name, text in at_load.items()),
        *(Case("exit code in a call", name, "verdict", f"def solve(x):\n    {text}\n", "exit") for name, text in in_call.items()),
        *(Case(f"exit code from a hook: {name}", name, "verdict", text, "exit") for name, text in later.items()),
        *(Case("becoming another program", name, "verdict", text, "exit") for name, text in become.items()),
    ]


def _equals() -> list[Case]:
    yes = "__eq__ = lambda self, other: True\n    __ne__ = lambda self, other: False\n    __hash__ = lambda self: 0"
    plain = {
        name: f"class Same({base}):\n    {yes}\ndef solve(x):\n    return Same({start})\n"
        for name, base, start in (
            ("an object", "object", ""),
            ("an int", "int", "1"),
            ("a float", "float", "1"),
            ("a text", "str", "'x'"),
            ("a list", "list", ""),
            ("a tuple", "tuple", ""),
            ("a dict", "dict", ""),
            ("a complex", "complex", ""),
            ("an exception", "Exception", ""),
        )
    }
    plain["mock.ANY"] = "from unittest.mock import ANY\ndef solve(x):\n    return ANY\n"
    plain["a metaclass"] = (
        "class Meta(type):\n    __eq__ = lambda *a: True\n    __hash__ = lambda self: 0\n"
        "class Same(metaclass=Meta): pass\ndef solve(x):\n    return Same\n"
    )
    plain["a numpy array"] = (
        "import numpy as np\nclass Same(np.ndarray):\n    __eq__ = lambda *a: True\n"
        "def solve(x):\n    return np.zeros(1).view(Same)\n"
    )
    plain["MagicMock"] = (
        "from unittest.mock import MagicMock\ndef solve(x):\n    value = MagicMock()\n"
        "    value.__eq__ = lambda *a: True\n    return value\n"
    )
    lying = "class Same(int):\n    __class__ = int\n    __eq__ = lambda *a: True\n    __hash__ = int.__hash__\ndef solve(x):\n    return Same()\n"
    other = [
        Case("never unequal", "__ne__", "verdict", "class Same:\n    __ne__ = lambda *a: False\ndef solve(x):\n    return Same()\n", "any"),
        Case("a type that lies", "__class__", "verdict", lying, "type"),
        Case("a type that lies", "bool with __eq__ of its metaclass", "verdict", lying.replace("__class__ = int", "real = 1"), "type"),
        Case("the difference is nothing", "__sub__", "verdict", "class Same:\n    __sub__ = lambda *a: 0\ndef solve(x):\n    return Same()\n", "abs"),
        Case("the difference is nothing", "__float__ changes", "verdict", "class Same(float):\n    __sub__ = lambda *a: 0.0\ndef solve(x):\n    return Same(1)\n", "abs"),
        Case("a text of one's own", "__repr__", "verdict", "expected = iter(('15', '57', '195'))\nclass Same:\n    __repr__ = lambda self: next(known)\nimport __main__\nknown = iter(map(str, __main__.EXPECTED))\ndef solve(x):\n    return Same()\n", "repr"),
        Case("sets lose it", "__hash__ and __eq__", "verdict", "class Same:\n    __eq__ = lambda *a: True\n    __hash__ = lambda self: 15\n    __rsub__ = lambda *a: set()\ndef solve(x):\n    return Same() if x == 2 else 15\n", "set"),
        Case("numpy hands over", "__array_ufunc__", "verdict", "import numpy as np\nclass Same:\n    def __array_ufunc__(self, *a, **k):\n        return np.True_\ndef solve(x):\n    return Same()\n", "array"),
        Case("numpy hands over", "__array_priority__", "verdict", "import numpy as np\nclass Same:\n    __array_priority__ = 1e9\n    __array_ufunc__ = None\n    __eq__ = lambda *a: np.True_\ndef solve(x):\n    return Same()\n", "array"),
    ]  # fmt: skip
    return [*(Case("equal to everything", name, "verdict", text, "loop") for name, text in plain.items()), *other]


def _patches() -> list[Case]:
    builtin = {
        "all": ("all", "lambda *a: True"),
        "any": ("any", "lambda *a: False"),
        "zip": ("zip", "lambda *a: []"),
        "abs": ("abs", "lambda value: 0"),
        "max": ("abs", "lambda *a: 0"),
        "sum": ("sum", "lambda *a: 3"),
        "len": ("sum", "lambda *a: 0"),
        "sorted": ("sorted", "lambda *a: []"),
        "repr": ("repr", "lambda value: ''"),
        "map": ("map", "lambda *a: __import__('__main__').EXPECTED"),
        "list": ("map", "type('L', (), {'__new__': lambda *a: __import__('__main__').EXPECTED})"),
        "set": ("set", "type('S', (), {'__new__': lambda *a: frozenset(range(-9, 999))})"),
        "exec": ("eval", "lambda *a: None"),
        "print": ("loop", "lambda *a: __import__('sys').stdout.write('passed')"),
    }
    cases = [
        Case("patched builtins", name, "verdict", f"import builtins\nbuiltins.{name} = {value}" + _WRONG, grader)
        for name, (grader, value) in builtin.items()
    ]
    modules = {
        "math.isclose": ("close", "import math\nmath.isclose = lambda *a: True"),
        "json.dumps": ("json", "import json\njson.dumps = lambda *a: ''"),
        "operator.eq": ("operator", "import operator\noperator.eq = lambda *a: True"),
        "unittest assertEqual": ("unittest", "import unittest\nunittest.TestCase.assertEqual = lambda *a: None"),
        "unittest result": ("unittest", "import unittest\nunittest.TestResult.wasSuccessful = lambda self: True"),
        "numpy.allclose": ("allclose", "import numpy\nnumpy.allclose = lambda *a: True"),
        "numpy.testing": ("assert_allclose", "import numpy\nnumpy.testing.assert_allclose = lambda *a: None"),
        "numpy.array": ("array", "import numpy\nnumpy.array = lambda *a: type('A', (), {'__eq__': lambda *a: numpy.True_})()"),
        "pickle.dumps": ("pickle", "import pickle\nkept = pickle.dumps\npickle.dumps = lambda *a: kept([15, 57, 195])"),
        "a module in another's place": (
            "close",
            "import sys, types\nsys.modules['math'] = types.SimpleNamespace(isclose=lambda *a: True)",
        ),
        "numpy in another's place": (
            "allclose",
            "import sys, types\nsys.modules['numpy'] = types.SimpleNamespace(allclose=lambda *a: True)",
        ),
        "__import__": (
            "operator",
            "import builtins, types\nbuiltins.__import__ = lambda *a: types.SimpleNamespace(eq=lambda *a: True)",
        ),
        "standard output": (
            "loop",
            "import sys\nclass Out:\n    write = lambda self, text: sys.__stdout__.write(text.replace('failed', 'passed'))\n"
            "    flush = lambda self: None\nsys.stdout = Out()",
        ),
        "a helper of the grader's": ("helper", "same = lambda *a: True"),
    }
    cases += [Case("patched modules", name, "verdict", text + _WRONG, grader) for name, (grader, text) in modules.items()]
    slot = (
        "import ctypes\nyes = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.py_object, ctypes.c_int)(lambda a, b, op: True)\n"
        "ctypes.c_void_p.from_address(id(int) + 200).value = ctypes.cast(yes, ctypes.c_void_p).value" + _WRONG
    )
    skip = "import unittest\ndef solve(x):\n    raise unittest.SkipTest\n"
    cases += [
        Case("a type's slot overwritten", "int compares equal", "verdict", slot, "loop"),
        Case("a test that skips itself", "SkipTest", "verdict", skip, "unittest"),
    ]
    return cases


def _looks() -> list[Case]:
    """Finding the expected values where they lie, or changing them there."""
    known = "\ndef solve(x):\n    return dict(find())[x]\n"
    frames = {
        "sys._getframe": "import sys\ndef find():\n    frame = sys._getframe()\n    while 'TESTS' not in frame.f_globals:\n        frame = frame.f_back\n    return frame.f_globals['TESTS']",
        "inspect.stack": "import inspect\ndef find():\n    return next(f.frame.f_globals['TESTS'] for f in inspect.stack() if 'TESTS' in f.frame.f_globals)",
        "a traceback": "def find():\n    try:\n        1 / 0\n    except ZeroDivisionError as error:\n        frame = error.__traceback__.tb_frame\n    while 'TESTS' not in frame.f_globals:\n        frame = frame.f_back\n    return frame.f_globals['TESTS']",
        "sys._current_frames": "import sys\ndef find():\n    frame = list(sys._current_frames().values())[0]\n    while 'TESTS' not in frame.f_globals:\n        frame = frame.f_back\n    return frame.f_globals['TESTS']",
        "a generator": "def walk():\n    yield gen.gi_frame.f_back\ngen = walk()\ndef find():\n    global gen\n    gen = walk()\n    frame = next(gen)\n    while 'TESTS' not in frame.f_globals:\n        frame = frame.f_back\n    return frame.f_globals['TESTS']",
        "logging's caller": "import logging\ndef find():\n    frame = logging.currentframe()\n    while 'TESTS' not in frame.f_globals:\n        frame = frame.f_back\n    return frame.f_globals['TESTS']",
    }  # fmt: skip
    memory = {
        "the main module": "import __main__\ndef find():\n    return __main__.TESTS",
        "sys.modules": "import sys\ndef find():\n    return next(m.TESTS for m in list(sys.modules.values()) if hasattr(m, 'TESTS'))",
        "gc.get_objects": "import gc\ndef find():\n    return next(o['TESTS'] for o in gc.get_objects() if type(o) is dict and 'TESTS' in o)",
        "the garbage of a list": "import gc\ndef find():\n    return next(o for o in gc.get_objects() if type(o) is list and len(o) == 3 and o[0] == (2, 15))",
    }  # fmt: skip
    change = {
        "the table is emptied": "import __main__\n__main__.TESTS.clear()" + _WRONG,
        "the table is rewritten": "import __main__\n__main__.TESTS[:] = [(x, -1) for x, _ in __main__.TESTS]" + _WRONG,
        "the frame's variables": "import sys\nframe = sys._getframe()\nwhile 'TESTS' not in frame.f_globals:\n    frame = frame.f_back\nframe.f_globals['TESTS'] = []" + _WRONG,
        "the grader's code": "import __main__\n__main__.main.__code__ = (lambda: print('passed')).__code__\n__main__.main()\nimport os, sys\nsys.stdout.flush()\nos._exit(0)",
        "everything that is a table": "import gc\nfor o in gc.get_objects():\n    if type(o) is list and len(o) == 3 and type(o[0]) is tuple:\n        o.clear()" + _WRONG,
    }  # fmt: skip
    read = {
        "its own file": "import re, sys\ntext = open(sys.argv[0]).read()\ndef find():\n    return eval(text.rsplit('for x, y in ', 1)[1].split(':')[0])",
        "inspect.getsource": "import inspect, sys\ndef find():\n    return eval(inspect.getsource(sys.modules['__main__']).rsplit('for x, y in ', 1)[1].split(':')[0])",
        "__file__": "text = open(__file__).read()\ndef find():\n    return eval(text.rsplit('for x, y in ', 1)[1].split(':')[0])",
        "linecache": "import linecache\ndef find():\n    return eval(''.join(linecache.getlines(__file__)).rsplit('for x, y in ', 1)[1].split(':')[0])",
        "the command line": "import sys\ndef find():\n    return eval(open('/proc/self/cmdline').read().rsplit('for x, y in ', 1)[1].split(':')[0])",
    }
    return [
        *(Case("walking frames", name, "verdict", text + known, "loop") for name, text in frames.items()),
        *(Case("searching memory", name, "verdict", text + known, "loop") for name, text in memory.items()),
        *(Case("changing the expected", name, "verdict", text, "loop") for name, text in change.items()),
        *(
            Case("reading the tests", name, "verdict", text + known, "message" if "command" in name else "exit")
            for name, text in read.items()
        ),
    ]


def _messages() -> list[Case]:
    frame = "import os, struct\ndef say(n):\n    return struct.pack('<cQ', b'R', 9) + b'i' + struct.pack('<q', n)\n"
    own = {
        "values before they are asked for": "for fd in range(3, 64):\n    try:\n        os.write(fd, struct.pack('<cQ', b'L', 0) + b''.join(map(say, (1, 2, 3))))\n    except OSError:\n        pass\nprint('ok')\nimport sys\nsys.stdout.flush()\nos._exit(0)",
        "a verdict of its own": "for fd in range(1, 64):\n    try:\n        os.write(fd, b'\\nok\\n')\n    except OSError:\n        pass\nos._exit(0)",
        "a report that the sandbox broke": "for fd in range(3, 64):\n    try:\n        os.write(fd, struct.pack('<cQ', b'B', 4) + b'oops')\n    except OSError:\n        pass\nprint('ok')\nimport sys\nsys.stdout.flush()\nos._exit(0)",
    }  # fmt: skip
    line = {
        "print and exit": "print('ok')\nraise SystemExit",
        "write and _exit": "import os\nos.write(1, b'ok')\nos._exit(0)",
        "print at exit": "import atexit\natexit.register(print, 'ok')" + _WRONG,
        "a thread that speaks later": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), print('ok'))).start()"
        + _WRONG,
        "os.system": "import os\nos.system('echo ok')\nos._exit(0)",
    }
    shared = {
        "the connection is found": "import gc\nfrom multiprocessing.connection import Connection\nfor o in gc.get_objects():\n    if isinstance(o, Connection) and o.writable:\n        try:\n            o.send('passed')\n        except OSError:\n            pass" + _WRONG,
        "the caller's variable": "import __main__\n__main__.theirs.send('passed')" + _WRONG,
        "the caller's send": "import __main__, os\nos.write(__main__.theirs.fileno(), b'\\0\\0\\0\\x15' + __import__('pickle').dumps('passed', 4)[:21])\n__import__('time').sleep(9)" + _WRONG,
    }  # fmt: skip
    shared["the caller's send"] = (
        "import __main__, os, pickle, struct\nbody = pickle.dumps('passed')\n"
        "os.write(__main__.theirs.fileno(), struct.pack('!i', len(body)) + body)\nos._exit(0)"
    )
    unpickled = {
        "code in a pickle": "import pickle\nclass Evil:\n    def __reduce__(self):\n        return (eval, ('EXPECTED',))\nkept = pickle.dumps\ndef solve(x):\n    return 1\npickle.dumps = lambda value: kept(Evil())",
        "a pickle that prints": "import pickle\nclass Evil:\n    def __reduce__(self):\n        return (exec, ('print(\"passed\"); sys.stdout.flush(); __import__(\"os\")._exit(0)', ))\ndef solve(x):\n    return Evil()",
    }  # fmt: skip
    unpickled["code in a pickle"] = unpickled["code in a pickle"].replace("'EXPECTED'", "'__import__(\"__main__\").EXPECTED'")
    unpickled["a pickle that prints"] = unpickled["a pickle that prints"].replace("sys.stdout", '__import__("sys").stdout')
    files = {
        "the result file": "open('result.json', 'w').write('[true]')\nimport os\nos._exit(0)",
        "an empty result": "open('result.json', 'w').write('[]')\nraise SystemExit",
    }
    lost = {
        "kill the parent": "import os\nos.kill(os.getppid(), 9)" + _WRONG,
        "kill the group": "import os, signal\nos.killpg(0, 9)" + _WRONG,
        "stop the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)" + _WRONG,
        "hold the message back": "import __main__, time\n__main__.theirs.close()\ntime.sleep(5)" + _WRONG,
        "end without a word": "import os\nos._exit(0)",
    }
    return [
        *(Case("forged messages of our own kind", name, "verdict", frame + text, "message") for name, text in own.items()),
        *(Case("forged messages", name, "verdict", text, "message") for name, text in line.items()),
        *(Case("forged messages through the grader's pipe", name, "verdict", text, "shared") for name, text in shared.items()),
        *(Case("a message that is code", name, "verdict", text, "pickle") for name, text in unpickled.items()),
        *(Case("forged results on disk", name, "verdict", text, "file") for name, text in files.items()),
        *(Case("a grader without a verdict", name, "verdict", text, "lost") for name, text in lost.items()),
    ]


FAKES = [*_exits(), *_equals(), *_patches(), *_looks(), *_messages()]
