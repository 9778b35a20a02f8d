"""Finding out what this system allows, by trying it."""

from __future__ import annotations

import functools
import json
import os
import pickle
import platform
import socket
import sys
import tempfile

from assay.sandbox.inside.setting import Setting
from assay.sandbox.layers import NEEDED, Layer, LayerName, Layers
from assay.sandbox.limits import Limits
from assay.sandbox.start import setting_for, spawn, unused_uid
from assay.sandbox.system_calls import NoSeccomp, seccomp_program

_PATIENCE_S = 60.0
_ALL: tuple[LayerName, ...] = ("clean", "limits", "user", "landlock", "seccomp", "namespaces", "clock")


@functools.cache
def probe() -> Layers:
    """Tries every layer in a process that is thrown away, and says which stand. Costs about a tenth of a second, once."""
    if sys.platform != "linux":
        return Layers(tuple(Layer(name, False, f"it is a thing of Linux, and this is {platform.system()}") for name in _ALL))
    uid = unused_uid() if os.getuid() == 0 else None
    wanted = Layers(tuple(Layer(name, True) for name in _ALL), uid)
    try:
        seccomp_program()
        no_seccomp = ""
    except NoSeccomp as error:
        no_seccomp, wanted = str(error), wanted.without("seccomp")
    wrong = _try_each(wanted) | ({"seccomp": no_seccomp} if no_seccomp else {})
    notes: dict[str, str] = {}
    if uid is not None and wrong["user"] and not wrong["capabilities"]:
        notes["user"] = f"root without its rights; as user {uid}: {wrong['user']}"
        uid, wrong["user"] = None, ""
    if not wrong["landlock"]:
        from assay.sandbox.inside.linux import landlock_version  # which asks Linux for its C library

        notes["landlock"] = f"version {landlock_version()}"
    rows = (Layer(name, not wrong.get(name), wrong.get(name) or notes.get(name, "")) for name in _ALL)
    return Layers(tuple(rows), uid)


def _try_each(wanted: Layers) -> dict[str, str]:
    whole = setting_for(Limits(), (), wanted)
    none = Setting(*whole)._replace(
        clean=False, limits=(), uid=None, drops_capabilities=False, readable=None, program=None, namespaces=False
    )
    alone: dict[str, Setting] = {
        "clean": none._replace(clean=True),
        "limits": none._replace(limits=whole.limits),
        "landlock": none._replace(readable=whole.readable),
        "namespaces": none._replace(namespaces=True),
    }
    if whole.program is not None:
        alone["seccomp"] = none._replace(program=whole.program)
    if whole.uid is not None:
        alone["user"] = none._replace(uid=whole.uid)
        alone["capabilities"] = none._replace(drops_capabilities=True)
    return _ask(alone)


def _ask(alone: dict[str, Setting]) -> dict[str, str]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, tempfile.TemporaryDirectory(prefix="assay-") as folder:
        with theirs:
            process = spawn("trial", theirs.fileno(), folder)
        ours.settimeout(_PATIENCE_S)
        try:
            ours.send(pickle.dumps({name: tuple(setting) for name, setting in alone.items()}))
            answer, reason = ours.recv(1 << 16), "it ended"
        except OSError as error:
            answer, reason = b"", str(error)
        finally:
            process.kill()
            process.wait()
        if not answer:
            return dict.fromkeys([*alone, *NEEDED], f"it could not be tried: {reason}")
        said: dict[str, str] = json.loads(answer)
        return said
