"""Starting a zygote: what it is told, and the fresh interpreter it runs in."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from assay.sandbox.inside.setting import Setting
from assay.sandbox.layers import Layers
from assay.sandbox.limits import Limits
from assay.sandbox.system_calls import OWN_PID, seccomp_program

_FOLDER = Path(__file__).parent
_MAIN = "import sys; sys.path.insert(0, sys.argv[2]); from inside.{} import main; main()"
_FRESH = ("-P", "-s", "-S", "-B", "-X", "utf8")
"""Nothing is imported from the current folder, the user's folder or installed packages. Not `-I`: that would ignore the fixed seed of
hashes, and the order of sets would differ from run to run."""
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


def setting_for(limits: Limits, imports: Iterable[str], layers: Layers) -> Setting:
    active = layers.active
    imports = tuple(imports)
    packages = list(_packages(imports))
    return Setting(
        imports=imports,
        import_paths=tuple(dict.fromkeys(str(package.parent) for package in packages)),
        clean="clean" in active,
        limits=tuple(_limits(limits, "namespaces" in active)) if "limits" in active else (),
        uid=layers.uid if "user" in active and all(map(_is_open_to_all, packages)) else None,
        drops_capabilities="user" in active,
        readable=tuple(_readable(packages)) if "landlock" in active else None,
        program=seccomp_program() if "seccomp" in active else None,
        own_pid=OWN_PID,
        namespaces="namespaces" in active,
        most_output_bytes=limits.output_bytes if "clock" in active else 1 << 40,
    )


def spawn(program: Literal["zygote", "trial"], control: int, folder: str, *, clean: bool = True) -> subprocess.Popen[bytes]:
    """A fresh interpreter that runs ``program`` of `inside`, listening at the socket ``control``."""
    argv = [sys.executable, *_FRESH, "-c", _MAIN.format(program), str(control), str(_FOLDER)]
    if not clean:
        os.set_inheritable(control, True)
        return subprocess.Popen(argv, close_fds=False, env={**os.environ, **_ENVIRONMENT})  # noqa: S603  # our own interpreter and words
    return subprocess.Popen(  # noqa: S603  # our own interpreter and words
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[control],
        env=_ENVIRONMENT,
        cwd=folder,
        start_new_session=True,
    )


def unused_uid() -> int:
    """A user that nobody is, so that a child owns no file and shares no process with anybody."""
    import pwd  # there is none on Windows, where this is never reached

    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in range(65_533, 60_000, -1) if uid not in taken)


def _limits(limits: Limits, counts_threads: bool) -> Iterator[tuple[int, int]]:
    import resource

    yield resource.RLIMIT_AS, limits.memory_bytes
    yield resource.RLIMIT_CPU, limits.cpu_s
    yield resource.RLIMIT_NOFILE, limits.files
    yield resource.RLIMIT_FSIZE, 0
    yield resource.RLIMIT_CORE, 0
    yield resource.RLIMIT_MSGQUEUE, 0
    if counts_threads:
        yield resource.RLIMIT_NPROC, limits.threads


def _packages(imports: Iterable[str]) -> Iterator[Path]:
    """Where the imports that are not of the standard library are, with the libraries that wheels keep beside them."""
    for name in imports:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            continue
        spec = importlib.util.find_spec(top)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
        package = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        yield package
        libraries = package.parent / f"{top}.libs"
        if libraries.is_dir():
            yield libraries


def _is_open_to_all(path: Path) -> bool:
    """Whether a user who owns nothing can read it. Where not, as below root's home, the child stays root, without root's rights."""
    needed = 0o005 if path.is_dir() else 0o004
    return path.stat().st_mode & needed == needed and all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _readable(packages: Iterable[Path]) -> Iterator[str]:
    yield from {os.path.dirname(os.__file__), sysconfig.get_path("platstdlib", vars={"platbase": sys.base_exec_prefix})}
    yield from map(str, packages)
    triplet = sysconfig.get_config_var("MULTIARCH") or "."
    for folder in (f"/lib/{triplet}", f"/usr/lib/{triplet}", "/lib64", "/usr/lib64"):
        if os.path.isdir(folder):
            yield folder
    yield from ("/etc/ld.so.cache", "/usr/share/zoneinfo", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom")
