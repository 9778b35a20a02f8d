"""Programs that take what there is: time, memory, threads, files, output."""

from __future__ import annotations

from textwrap import indent

from tests.sandbox.hostile.case import Case

_LATE = {
    "an endless loop": {
        "while": "while True: pass",
        "that swallows exceptions": "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        "that ignores signals": "import signal\nfor n in range(1, 65):\n    try:\n        signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError):\n        pass\nwhile True: pass",
        "that swallows the alarm": "import signal\nsignal.signal(signal.SIGALRM, lambda *a: None)\nsignal.alarm(1)\nwhile True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        "that blocks signals": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
    },
    "an endless call in C": {
        "sum": "import itertools\nsum(itertools.repeat(1))",
        "a power": "10 ** 10 ** 9",
        "a regular expression": "import re\nre.match('(a+)+$', 'a' * 64 + 'b')",
        "list from iter": "list(filter(None, iter(int, 1)))",
        "deque": "import collections, itertools\ncollections.deque(itertools.count(), maxlen=0)",
        "text of a number": "import sys\nsys.set_int_max_str_digits(0)\nstr(7 ** (10 ** 8))",
        "max": "import itertools\nmax(itertools.repeat(1))",
    },
    "waiting for ever": {
        "sleep": "import time\ntime.sleep(1e6)",
        "event": "import threading\nthreading.Event().wait()",
        "a lock taken twice": "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "pause": "import signal\nsignal.pause()",
        "select": "import select\nselect.select([], [], [])",
        "an empty pipe": "import os\na, b = os.pipe()\nos.read(a, 1)",
        "sigwait": "import signal\nsignal.sigwait([signal.SIGUSR1])",
        "a queue": "import queue\nqueue.Queue().get()",
        "asyncio": "import asyncio\nasyncio.run(asyncio.sleep(1e6))",
        "join of a thread": "import threading, time\nt = threading.Thread(target=time.sleep, args=(1e6,))\nt.start()\nt.join()",
        "stopping itself": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    },
    "time taken while the answer is read": {
        "iteration": "class L(list):\n    def __iter__(self):\n        while True: pass\nreturn sorted(L())",
        "a key": "class K:\n    def __hash__(self):\n        while True: pass\nreturn {K(): 1}",
        "a destructor": "class D:\n    def __del__(self):\n        while True: pass\nD()",
        "an error's text": "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
        "an error's notes": "class E(Exception):\n    @property\n    def __notes__(self):\n        while True: pass\nraise E()",
        "the judge's channel is read away": "import os, time\nwhile True:\n    for fd in range(3, 64):\n        try:\n            os.set_blocking(fd, False)\n            os.read(fd, 1 << 20)\n        except OSError:\n            pass",
        "the judge's channel is closed by halves": "import os\nfor fd in range(0, 3):\n    os.close(fd)\nwhile True: pass",
    },
    "at load": {
        "while": "LOAD\nwhile True: pass",
        "a decorator that sleeps": "LOAD\nimport time\n@lambda f: time.sleep(1e6)\ndef f(): pass",
        "an import that never ends": "LOAD\nimport sys\nclass F:\n    def find_spec(self, *a):\n        while True: pass\nsys.meta_path.insert(0, F())\nimport nowhere",
        "a constant the compiler folds": "LOAD\nimport itertools\nx = sum(itertools.count())",
    },
}  # fmt: skip
_GIB = 1 << 30
_MUCH = {
    "memory": {
        "bytearray": f"import time\nkept = bytearray({_GIB})\ntime.sleep(0.3)",
        "a text": f"import time\nkept = 'x' * {_GIB}\ntime.sleep(0.3)",
        "numpy": f"import numpy, time\nkept = numpy.empty({_GIB}, dtype='u1')\ntime.sleep(0.3)",
        "mmap": f"import mmap, time\nkept = mmap.mmap(-1, {_GIB})\ntime.sleep(0.3)",
        "malloc": f"import ctypes, time\nlibc = ctypes.CDLL(None)\nlibc.malloc.restype = ctypes.c_void_p\nlibc.malloc(ctypes.c_size_t({_GIB}))\ntime.sleep(0.3)",
        "a list of None": f"import time\nkept = [None] * ({_GIB} // 8)\ntime.sleep(0.3)",
        "doubling": "import time\nkept = b'x'\nwhile len(kept) < 1 << 30:\n    kept += kept\ntime.sleep(0.3)",
        "small pieces": "import time\nkept = [bytes(1 << 20) for _ in range(1024)]\ntime.sleep(0.3)",
        "raising the limit first": f"import resource, time\nfor kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):\n    try:\n        resource.setrlimit(kind, (-1, -1))\n    except (ValueError, OSError):\n        pass\nkept = bytearray({_GIB})\ntime.sleep(0.3)",
    },
    "threads": {
        "threading": "import threading, time\nfor _ in range(60):\n    threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()\ntime.sleep(0.3)",
        "with small stacks": "import threading, time\nthreading.stack_size(65536)\nfor _ in range(200):\n    threading.Thread(target=time.sleep, args=(0.5,), daemon=True).start()\ntime.sleep(0.3)",
        "a pool": "import concurrent.futures, time\npool = concurrent.futures.ThreadPoolExecutor(80)\n[pool.submit(time.sleep, 0.5) for _ in range(80)]\ntime.sleep(0.3)",
    },
    "processes": {
        "fork": "import os, time\nfor _ in range(30):\n    if os.fork() == 0:\n        time.sleep(3)\n        os._exit(0)\ntime.sleep(0.3)",
        "a tree of forks": "import os, time\nfor _ in range(5):\n    os.fork()\ntime.sleep(0.6)",
        "subprocess": "import subprocess, time\nfor _ in range(20):\n    subprocess.Popen(['sleep', '3'])\ntime.sleep(0.3)",
    },
    "open files": {
        "os.open": "import os, time\nkept = [os.open('/dev/null', 0) for _ in range(300)]\ntime.sleep(0.3)",
        "pipes": "import os, time\nkept = [os.pipe() for _ in range(200)]\ntime.sleep(0.3)",
        "dup": "import os, time\nkept = [os.dup(0) for _ in range(300)]\ntime.sleep(0.3)",
    },
    "output": {
        "a text": "return 'x' * (64 << 20)",
        "bytes": "return bytes(64 << 20)",
        "a list": "return [0] * (8 << 20)",
        "a number": "return 1 << (400 << 20)",
        "a numpy array": "import numpy\nreturn numpy.zeros(8 << 20)",
        "the same again and again": "row = ['x' * 1000] * 100\nreturn [row] * 700",
    },
    "printing": {
        "print": "print('x' * (8 << 20))",
        "os.write": "import os\nfor _ in range(100):\n    os.write(1, b'x' * 100_000)",
        "standard error": "import sys\nsys.stderr.write('x' * (8 << 20))\nsys.stderr.flush()",
    },
}  # fmt: skip


def _attack(body: str) -> str:
    if body.startswith("LOAD\n"):
        return body.removeprefix("LOAD\n") + "\ndef attack(world):\n    pass\n"
    return f"def attack(world):\n{indent(body, '    ')}\n"


EXHAUSTION = [
    *(Case(technique, name, "late", _attack(body)) for technique, bodies in _LATE.items() for name, body in bodies.items()),
    *(
        Case(f"too much: {technique}", name, "much", _attack(body))
        for technique, bodies in _MUCH.items()
        for name, body in bodies.items()
    ),
]
