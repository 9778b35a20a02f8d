"""How much one sample may take."""

from __future__ import annotations

import msgspec

_MIB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """``memory_bytes``: address space. ``cpu_s``: processor seconds, over all calls. ``load_s``: wall seconds until the program is
    loaded. ``output_bytes``: one value's, as it is sent. ``threads``: counted where namespaces are allowed; elsewhere memory bounds
    them. ``files``: open at once."""

    memory_bytes: int = 2048 * _MIB
    cpu_s: int = 120
    load_s: float = 20.0
    output_bytes: int = 64 * _MIB
    threads: int = 32
    files: int = 64
