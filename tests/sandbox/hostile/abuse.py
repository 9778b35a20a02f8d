"""Programs that reach for what is not theirs: files, the network, processes, signals, the environment, the kernel."""

from __future__ import annotations

from textwrap import indent

from tests.sandbox.hostile.case import Aim, Case

_LIBC = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"


def _attack(body: str, before: str = "") -> str:
    return f"{before}\ndef attack(world):\n{indent(body, '    ')}\n"


def _cases(aim: Aim, technique: str, bodies: dict[str, str], before: str = "", fact: str = "") -> list[Case]:
    return [Case(technique, name, aim, _attack(body, before), fact=fact) for name, body in bodies.items()]


_WRITES = {
    "opening a file to write": {
        "open": "open(world['folder'] + '/new', 'w').write('x')",
        "pathlib": "import pathlib\npathlib.Path(world['folder'], 'new').write_text('x')",
        "os.open": "import os\nos.write(os.open(world['folder'] + '/new', os.O_CREAT | os.O_WRONLY), b'x')",
        "libc fopen": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.fopen.restype = ctypes.c_void_p\nlibc.fclose(ctypes.c_void_p(libc.fopen((world['folder'] + '/new').encode(), b'w')))",
        "the raw call": "import ctypes\nctypes.CDLL(None).syscall(2, (world['folder'] + '/new').encode(), 0o101, 0o666)",
        "a name in the current folder": "import os\nos.chdir(world['folder'])\nopen('new', 'w')",
        "relative to a folder": "import os\nd = os.open(world['folder'], os.O_PATH)\nos.open('new', os.O_CREAT | os.O_WRONLY, dir_fd=d)",
        "at load": "import glob\nopen([p for p in glob.glob('/tmp/assay-world-*')][0] + '/new', 'w')",
    },
    "writing into an existing file": {
        "append": "open(world['folder'] + '/kept', 'a').write('x')",
        "truncate": "import os\nos.truncate(world['folder'] + '/kept', 1)",
        "mmap": "import mmap\nwith open(world['folder'] + '/kept', 'r+b') as f:\n    m = mmap.mmap(f.fileno(), 0)\n    m[0] = 88\n    m.flush()",
        "in binary at a place": "import os\nd = os.open(world['folder'] + '/kept', os.O_RDWR)\nos.pwrite(d, b'X', 2)",
        "fallocate": "import os\nd = os.open(world['folder'] + '/kept', os.O_RDWR)\nos.posix_fallocate(d, 0, 5000)",
    },
    "removing files": {
        "remove": "import os\nos.remove(world['folder'] + '/kept')",
        "rmtree": "import shutil\nshutil.rmtree(world['folder'] + '/inner')",
        "rmdir": "import os\nos.remove(world['folder'] + '/inner/kept')\nos.rmdir(world['folder'] + '/inner')",
        "rename": "import os\nos.rename(world['folder'] + '/kept', world['folder'] + '/moved')",
        "replace": "import os\nos.replace(world['folder'] + '/inner/kept', world['folder'] + '/kept')",
    },
    "making other things than files": {
        "mkdir": "import os\nos.mkdir(world['folder'] + '/new')",
        "symlink": "import os\nos.symlink('/etc', world['folder'] + '/new')",
        "link": "import os\nos.link(world['folder'] + '/kept', world['folder'] + '/new')",
        "mkfifo": "import os\nos.mkfifo(world['folder'] + '/new')",
        "a bound socket": "import socket\nsocket.socket(socket.AF_UNIX).bind(world['folder'] + '/new')",
    },
    "changing what a file is": {
        "chmod": "import os\nos.chmod(world['folder'] + '/mine', 0)",
        "utime": "import os\nos.utime(world['folder'] + '/mine', (1, 1))",
        "setxattr": "import os\nos.setxattr(world['folder'] + '/mine', 'user.x', b'1')",
    },
    "libraries that write": {
        "sqlite3": "import sqlite3\nsqlite3.connect(world['folder'] + '/new').execute('create table t (x)')",
        "shelve": "import shelve\nshelve.open(world['folder'] + '/new')['x'] = 1",
        "tempfile": "import tempfile\ntempfile.NamedTemporaryFile(dir=world['folder'], delete=False)",
        "logging": "import logging\nlogging.FileHandler(world['folder'] + '/new').emit(logging.makeLogRecord({'msg': 'x'}))",
        "zipfile": "import zipfile\nzipfile.ZipFile(world['folder'] + '/new', 'w').close()",
        "shutil.copy": "import shutil\nshutil.copy(world['folder'] + '/kept', world['folder'] + '/new')",
        "numpy.save": "import numpy\nnumpy.save(world['folder'] + '/new', numpy.zeros(3))",
        "py_compile": "import py_compile\npy_compile.compile(world['folder'] + '/kept', cfile=world['folder'] + '/new')",
        "faulthandler": "import faulthandler\nfaulthandler.dump_traceback(open(world['folder'] + '/new', 'w'))",
    },
}  # fmt: skip

_READS = {
    "reading a file": {
        "open": "return open(world['folder'] + '/secret').read()",
        "os.open": "import os\nreturn os.read(os.open(world['folder'] + '/secret', 0), 99).decode()",
        "mmap": "import mmap\nwith open(world['folder'] + '/secret', 'rb') as f:\n    return mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)[:].decode()",
        "numpy": "import numpy\nreturn numpy.fromfile(world['folder'] + '/secret', dtype='u1').tobytes().decode()",
        "linecache": "import linecache\nreturn linecache.getline(world['folder'] + '/secret', 1)",
        "an import": "import sys\nsys.path.insert(0, world['folder'])\nimport secret_module\nreturn secret_module.TEXT",
        "a raised error": "import runpy\nraise ValueError(open(world['folder'] + '/secret').read())",
        "the raw call": "import ctypes\nlibc = ctypes.CDLL(None)\nbuffer = ctypes.create_string_buffer(99)\nlibc.syscall(0, libc.syscall(2, (world['folder'] + '/secret').encode(), 0), buffer, 99)\nreturn buffer.value.decode()",
        "openat2": "import ctypes, struct\nlibc = ctypes.CDLL(None)\nbuffer = ctypes.create_string_buffer(99)\nd = libc.syscall(437, -100, (world['folder'] + '/secret').encode(), struct.pack('QQQ', 0, 0, 0), 24)\nlibc.syscall(0, d, buffer, 99)\nreturn buffer.value.decode()",
    },
    "listing a folder": {
        "os.listdir": "import os\nreturn os.listdir(world['folder'] + '/inner')",
        "os.walk": "import os\nreturn list(os.walk(world['folder']))",
        "glob": "import glob\nreturn glob.glob(world['folder'] + '/**', recursive=True)",
    },
    "reading other processes": {
        "the judge's environment": "return open(f\"/proc/{world['judge']}/environ\").read()",
        "the bystander's environment": "return open(f\"/proc/{world['bystander']}/environ\").read()",
        "the bystander's command line": "return open(f\"/proc/{world['bystander']}/cmdline\").read()",
        "the judge's memory": "import re\nspans = [line.split()[0].split('-') for line in open(f\"/proc/{world['judge']}/maps\") if 'heap' in line or 'rw-p' in line]\nwith open(f\"/proc/{world['judge']}/mem\", 'rb', 0) as memory:\n    for start, end in spans:\n        memory.seek(int(start, 16))\n        try:\n            found = re.search(b'planted-secret-[a-z0-9]+', memory.read(int(end, 16) - int(start, 16)))\n        except OSError:\n            continue\n        if found:\n            return found.group().decode()",
        "process_vm_readv": "import ctypes, re\nlibc = ctypes.CDLL(None)\nfor line in open(f\"/proc/{world['judge']}/maps\"):\n    start, end = (int(n, 16) for n in line.split()[0].split('-'))\n    if ' rw-p ' not in line:\n        continue\n    size = end - start\n    buffer = ctypes.create_string_buffer(size)\n    ours = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), size)\n    theirs = (ctypes.c_size_t * 2)(start, size)\n    libc.process_vm_readv(world['judge'], ours, 1, theirs, 1, 0)\n    found = re.search(b'planted-secret-[a-z0-9]+', buffer.raw)\n    if found:\n        return found.group().decode()",
    },
    "reading the environment": {
        "os.environ": "import os\nreturn dict(os.environ)",
        "libc getenv": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.getenv.restype = ctypes.c_char_p\nreturn libc.getenv(b'PLANTED_SECRET')",
        "libc environ": "import ctypes\nplace = ctypes.POINTER(ctypes.c_char_p).in_dll(ctypes.CDLL(None), 'environ')\ni, found = 0, []\nwhile place[i]:\n    found.append(place[i])\n    i += 1\nreturn found",
        "/proc/self/environ": "return open('/proc/self/environ').read()",
        "sysconfig and site": "import sysconfig, os\nreturn os.path.expandvars('$PLANTED_SECRET')",
    },
    "an open file of the judge's": {
        "reading every descriptor": "import os\nfound = []\nfor fd in range(3, 64):\n    try:\n        os.set_blocking(fd, False)\n        found.append(os.read(fd, 99))\n    except OSError:\n        pass\nreturn found",
        "seeking in every descriptor": "import os\nfound = []\nfor fd in range(3, 64):\n    try:\n        found.append(os.pread(fd, 99, 0))\n    except OSError:\n        pass\nreturn found",
    },
}  # fmt: skip

_CONTACTS = {
    "TCP": {
        "socket": "import socket\nsocket.create_connection(('127.0.0.1', world['tcp']), 2)",
        "urllib": "import urllib.request\nurllib.request.urlopen(f\"http://127.0.0.1:{world['tcp']}/\", timeout=0.2)",
        "http.client": "import http.client\nhttp.client.HTTPConnection('127.0.0.1', world['tcp'], timeout=0.2).connect()",
        "asyncio": "import asyncio\nasyncio.run(asyncio.open_connection('127.0.0.1', world['tcp']))",
        "the raw call": "import ctypes, struct\nlibc = ctypes.CDLL(None)\nd = libc.syscall(41, 2, 1, 0)\nlibc.syscall(42, d, struct.pack('<H', 2) + struct.pack('>H', world['tcp']) + bytes([127, 0, 0, 1]) + bytes(8), 16)",
        "ftplib": "import ftplib\nftplib.FTP(timeout=0.2).connect('127.0.0.1', world['tcp'])",
        "io_uring's place": "import socket\ns = socket.socket(socket.AF_INET6)\ns.connect(('::ffff:127.0.0.1', world['tcp']))",
    },
    "UDP": {
        "sendto": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', world['udp']))",
        "syslog handler": "import logging.handlers\nlogging.handlers.SysLogHandler(('127.0.0.1', world['udp'])).emit(logging.makeLogRecord({'msg': 'x'}))",
        "sendmsg": "import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('127.0.0.1', world['udp']))",
    },
    "sockets in the file system": {
        "stream": "import socket\nsocket.socket(socket.AF_UNIX).connect(world['folder'] + '/stream')",
        "datagram": "import socket\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', world['folder'] + '/datagram')",
        "multiprocessing": "from multiprocessing.connection import SocketClient\nSocketClient(world['folder'] + '/stream')",
    },
    "abstract sockets": {
        "stream": "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0' + world['abstract'])",
    },
    "the judge's open pipe": {
        "write to every descriptor": "import os\nfor fd in range(3, 64):\n    try:\n        os.write(fd, b'\\0')\n    except OSError:\n        pass\nos._exit(0)",
        "write to standard output": "import os\nos.write(1, b'x')\nos.write(2, b'x')",
    },
}  # fmt: skip

_PROCESSES = {
    "starting programs": {
        "subprocess": "import subprocess\nsubprocess.run(['touch', world['folder'] + '/new'])",
        "os.system": "import os\nos.system(f\"touch {world['folder']}/new\")",
        "os.popen": "import os\nos.popen(f\"touch {world['folder']}/new\").read()",
        "posix_spawn": "import os\nos.waitpid(os.posix_spawn('/bin/touch', ['touch', world['folder'] + '/new'], {}), 0)",
        "execv": "import os\nos.execv('/bin/touch', ['touch', world['folder'] + '/new'])",
        "libc system": "import ctypes\nctypes.CDLL(None).system(f\"/bin/touch {world['folder']}/new\".encode())",
        "an anonymous file": "import os\nd = os.memfd_create('x', 0)\nos.write(d, open('/bin/touch', 'rb').read())\nos.execve(d, ['touch', world['folder'] + '/new'], {})",
        "multiprocessing": "import multiprocessing\ncontext = multiprocessing.get_context('fork')\np = context.Process(target=open, args=(world['folder'] + '/new', 'w'))\np.start()\np.join()",
        "asyncio": "import asyncio\nasync def go():\n    p = await asyncio.create_subprocess_exec('/bin/touch', world['folder'] + '/new')\n    await p.wait()\nasyncio.run(go())",
        "pty": "import os, pty\npid, fd = pty.fork()\nif pid == 0:\n    os.execv('/bin/touch', ['touch', world['folder'] + '/new'])\nos.waitpid(pid, 0)",
    },
}  # fmt: skip

_NAMED = "import ctypes, os, time\nctypes.CDLL(None).prctl(15, b'hostile', 0, 0, 0)\n"
_LEFT = {
    "a process that stays": {
        "fork": "if os.fork() == 0:\n    time.sleep(60)\n    os._exit(0)",
        "daemon": "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(60)\n    os._exit(0)\nos.wait()",
        "raw fork": "if ctypes.CDLL(None).syscall(57) == 0:\n    time.sleep(60)\n    os._exit(0)",
        "raw vfork and exec": "import subprocess\nsubprocess.Popen(['/bin/bash', '-c', 'echo hostile > /proc/$$/comm; sleep 60; :'])",
        "clone": "if ctypes.CDLL(None).syscall(56, 17, 0, 0, 0, 0) == 0:\n    time.sleep(60)\n    os._exit(0)",
        "clone3": "import struct\nif ctypes.CDLL(None).syscall(435, struct.pack('11Q', 0, 0, 0, 0, 17, *[0] * 6), 88) == 0:\n    time.sleep(60)\n    os._exit(0)",
        "a child that ignores signals": "import signal\nif os.fork() == 0:\n    for n in range(1, 65):\n        try:\n            signal.signal(n, signal.SIG_IGN)\n        except (OSError, ValueError):\n            pass\n    time.sleep(60)\n    os._exit(0)",
    },
}  # fmt: skip

_SIGNALS = {
    "ending others": {
        "kill": "import os\nos.kill(world['bystander'], 9)",
        "kill politely": "import os\nos.kill(world['bystander'], 15)",
        "kill everybody": "import os\nos.kill(-1, 9)",
        "killpg": "import os\nos.killpg(os.getpgid(world['bystander']), 9)",
        "pidfd": "import os, signal\nsignal.pidfd_send_signal(os.pidfd_open(world['bystander']), 9)",
        "tgkill": "import ctypes\nctypes.CDLL(None).syscall(234, world['bystander'], world['bystander'], 9)",
        "tkill": "import ctypes\nctypes.CDLL(None).syscall(200, world['bystander'], 9)",
        "sigqueue": "import ctypes\nctypes.CDLL(None).sigqueue(world['bystander'], 9, 0)",
        "search and kill": "import os\nfor pid in map(int, filter(str.isdigit, os.listdir('/proc'))):\n    try:\n        if b'100000' in open(f'/proc/{pid}/cmdline', 'rb').read():\n            os.kill(pid, 9)\n    except OSError:\n        pass",
    },
    "stopping others": {
        "SIGSTOP": "import os, signal\nos.kill(world['bystander'], signal.SIGSTOP)",
        "ptrace": "import ctypes\nctypes.CDLL(None).ptrace(0x4206, world['bystander'], 0, 0x100000)",
    },
    "a signal through a file": {
        "F_SETOWN and SIGIO": "import fcntl, os, signal\na, b = os.pipe()\nfcntl.fcntl(a, fcntl.F_SETOWN, world['bystander'])\nfcntl.fcntl(a, 10, 9)\nfcntl.fcntl(a, fcntl.F_SETFL, os.O_ASYNC)\nos.write(b, b'x')",
    },
    "changing others": {
        "priority": "import os\nos.setpriority(os.PRIO_PROCESS, world['bystander'], 19)",
        "processors": "import os\nos.sched_setaffinity(world['bystander'], {0})",
        "scheduling": "import os\nos.sched_setscheduler(world['bystander'], os.SCHED_BATCH, os.sched_param(0))",
        "limits": "import resource\nresource.prlimit(world['bystander'], resource.RLIMIT_CORE, (0, 0))",
        "who dies first": "open(f\"/proc/{world['bystander']}/oom_score_adj\", 'w').write('999')",
    },
}  # fmt: skip

_PARENT = {
    "ending the parent": {
        "kill": "import os\nos.kill(os.getppid(), 9)",
        "pid 1": "import os\nos.kill(os.getppid() if os.getppid() != 1 else 1, 9)",
        "the group": "import os\nos.killpg(os.getpgid(os.getppid()), 9)",
        "ask it to end": "import os, socket\nfor fd in range(3, 64):\n    try:\n        s = socket.socket(fileno=fd)\n        if s.type == socket.SOCK_SEQPACKET:\n            s.send(b'gibberish' * 9000)\n            s.shutdown(2)\n    except OSError:\n        pass",
        "abort it by ptrace": "import ctypes, os\nlibc = ctypes.CDLL(None)\nparent = os.getppid()\nlibc.ptrace(16, parent, 0, 0)\nos.waitpid(parent, 0)\nlibc.ptrace(8, parent, 0, 0)",
    },
    "ending the judge": {
        "kill": "import os\nos.kill(world['judge'], 9)",
        "abort": "import os, signal\nos.kill(world['judge'], signal.SIGABRT)",
    },
}  # fmt: skip

_FACTS = {
    "judge_group": {
        "looking for processes": {
            "getpgid": "import os\nreturn os.getpgid(world['judge'])",
            "getsid": "import os\nreturn os.getpgid(world['judge']) if os.getsid(world['judge']) else 0",
        },
    },
    "bystander_processors": {
        "asking about processes": {
            "sched_getaffinity": "import os\nreturn sorted(os.sched_getaffinity(world['bystander']))",
        },
    },
    "cwd": {"where it runs": {"getcwd": "import os\nreturn os.getcwd()"}},
    "shared": {
        "memory shared by number": {"shmat": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = ctypes.c_void_p\nplace = libc.shmat(libc.shmget(world['shared'], 0, 0), None, 0)\nreturn ctypes.string_at(place, 4).decode()"},
    },
}  # fmt: skip


def _gather() -> list[Case]:
    cases: list[Case] = []
    for aim, techniques in (
        ("planted", _WRITES),
        ("secret", _READS),
        ("contact", _CONTACTS),
        ("planted", _PROCESSES),
        ("bystander", _SIGNALS),
        ("parent", _PARENT),
    ):
        for technique, bodies in techniques.items():
            cases += _cases(aim, technique, bodies)  # type: ignore[arg-type]  # the pairs are written right here
    for technique, bodies in _LEFT.items():
        cases += _cases("left", technique, bodies, before=_NAMED)
    for fact, techniques in _FACTS.items():
        for technique, bodies in techniques.items():
            cases += _cases("fact", technique, bodies, fact=fact)
    return cases


ABUSE = _gather()
