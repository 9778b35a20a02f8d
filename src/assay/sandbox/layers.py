"""The layers between a candidate and everything else: which stand here, and which are missing and why."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from assay.sandbox.refusal import NoSandbox

LayerName: TypeAlias = Literal["clean", "limits", "user", "landlock", "seccomp", "namespaces", "clock"]

COVERS: dict[LayerName, str] = {
    "clean": "no variables of the environment, no open files, no terminal, an empty folder",
    "limits": "memory, processor time, threads, open files, and no file may grow",
    "user": "not root, and none of root's rights",
    "landlock": "reads the standard library and declared packages, writes nothing, no TCP, no signals to others",
    "seccomp": "only the system calls that computing needs: no sockets, programs, processes",
    "namespaces": "sees no other process, network or shared memory, and leaves no process behind",
    "clock": "wall time and output are bounded by the judge, who ends it",
}
NEEDED: tuple[LayerName, ...] = ("clean", "limits", "landlock", "seccomp", "clock")
"""Without one of these, code is not run. The others are taken where the system allows them."""


class Layer(msgspec.Struct, frozen=True):
    """``why`` says, of a layer that does not stand, what the system answered when it was tried; of one that does, what is special."""

    name: LayerName
    stands: bool
    why: str = ""


class Layers(msgspec.Struct, frozen=True):
    """What was found when each layer was tried. ``uid`` is the user that a child becomes where the judge is root."""

    rows: tuple[Layer, ...]
    uid: int | None = None

    @property
    def active(self) -> tuple[LayerName, ...]:
        return tuple(row.name for row in self.rows if row.stands)

    @property
    def is_enough(self) -> bool:
        return set(NEEDED) <= set(self.active)

    @property
    def text(self) -> str:
        """A line for each layer, for people."""
        return "\n".join(
            f"{row.name}: {COVERS[row.name]}{f' ({row.why})' if row.why else ''}"
            if row.stands
            else f"{row.name}: missing: {row.why}"
            for row in self.rows
        )

    def without(self, *names: LayerName) -> Layers:
        """The same with some switched off: for tests, which show what each is good for."""
        off = "switched off"
        rows = tuple(Layer(row.name, False, off) if row.name in names else row for row in self.rows)
        return msgspec.structs.replace(self, rows=rows)

    def require(self) -> None:
        """Raises `NoSandbox` where a needed layer is missing."""
        missing = [row for row in self.rows if row.name in NEEDED and not row.stands]
        if missing:
            said = "; ".join(f"{row.name} ({row.why})" for row in missing)
            raise NoSandbox(f"the sandbox lacks {said}", _way_out([row.name for row in missing]))


def _way_out(missing: list[LayerName]) -> str:
    ways = []
    if "seccomp" in missing:
        ways.append("install libseccomp (Debian and Ubuntu: `apt install libseccomp2`; Fedora: `dnf install libseccomp`)")
    if "landlock" in missing:
        ways.append("use a Linux kernel of version 5.13 or newer with landlock switched on (a container on it will do)")
    return "; ".join(ways or ["run it on Linux, in a container on other systems"]).capitalize() + "."
