"""The data plane stays small: what answers clients loads none of the packages that only the page and the ratings need."""

from __future__ import annotations

import subprocess
import sys

HEAVY = (
    "starlette",
    "numpy",
    "pydantic",
    "httpx",
    "anyio",
    "uvicorn",
    "click",
    "assay.api",
    "assay.arena",
    "assay.board",
    "assay.gateway.control",
    "assay.web",
)


def test_the_data_plane_loads_nothing_heavy() -> None:
    asked = "import sys, assay.gateway.gateway; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert "assay.gateway.gateway" in loaded
    assert [name for name in HEAVY if name in loaded] == []
