"""All hostile programs, by name."""

from __future__ import annotations

from tests.sandbox.hostile.abuse import ABUSE
from tests.sandbox.hostile.exhaustion import EXHAUSTION
from tests.sandbox.hostile.fakes import FAKES

CORPUS = {f"{case.technique}: {case.name}": case for case in (*FAKES, *ABUSE, *EXHAUSTION)}
assert len(CORPUS) == len(FAKES) + len(ABUSE) + len(EXHAUSTION), "two cases of one name"
