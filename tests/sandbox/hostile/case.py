"""A hostile program as data: what it tries, and by what one would know that it had succeeded."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Aim: TypeAlias = Literal["verdict", "secret", "fact", "planted", "contact", "bystander", "parent", "left", "late", "much"]
"""``verdict``: a wrong program is found right. ``secret``: a text that only the world around knows comes back. ``fact``: a true
statement about the world comes back. ``planted``: a file of the world was made, changed or removed. ``contact``: one of the world's
listeners heard something. ``bystander``: a process that has nothing to do with it ended, stopped or was changed. ``parent``: the
zygote or the judge ended. ``left``: a process of its own outlives it. ``late``: it is still there a second after its limit. ``much``:
it took more memory, threads, files, processes or output than its limits allow."""


class Case(NamedTuple):
    """``source`` defines ``solve(x)`` (aim ``verdict``) or ``attack(world)``. ``grader`` names the naive grader of `naive` that the
    program fools; ``fact`` the key of the world that a returned fact must equal."""

    technique: str
    name: str
    aim: Aim
    source: str
    grader: str = ""
    fact: str = ""
