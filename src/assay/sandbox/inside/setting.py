"""What the judge tells a zygote when it starts it."""

from __future__ import annotations

from typing import NamedTuple


class Setting(NamedTuple):
    """``limits`` are pairs of a ``resource.RLIMIT_*`` and its value; ``uid`` the user to become; ``readable`` what landlock leaves to be
    read; ``program`` the seccomp filter, with ``own_pid`` (four bytes) where the child's own number belongs. None: without that layer.
    """

    imports: tuple[str, ...]
    import_paths: tuple[str, ...]
    clean: bool
    limits: tuple[tuple[int, int], ...]
    uid: int | None
    drops_capabilities: bool
    readable: tuple[str, ...] | None
    program: bytes | None
    own_pid: bytes
    namespaces: bool
    most_output_bytes: int
