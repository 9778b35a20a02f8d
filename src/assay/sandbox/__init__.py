"""Where code that nobody vouches for runs: without root, without Docker, and without a way to touch the verdict.

Three processes. The *judge* never runs a line of the candidate's; it holds the tests and compares. The *zygote* is a fresh
interpreter with its imports warm, no task data and no secrets. It forks one *child* for each sample: a program and its inputs go
in, and only plain values come out, read by a decoder that refuses every class. `docs/concepts/sandbox.md` says what is covered.
"""

from assay.sandbox.inside.values import Opaque, digest
from assay.sandbox.layers import Layer, Layers
from assay.sandbox.limits import Limits
from assay.sandbox.outcomes import Died, Digest, Raised, Ran, Returned, TimedOut, TooMuch
from assay.sandbox.probing import probe
from assay.sandbox.refusal import NoSandbox, SandboxBroken
from assay.sandbox.workspace import Finished, Workspace, WorkspaceLimits
from assay.sandbox.zygote import Child, Packed, Zygote

__all__ = [
    "Child",
    "Died",
    "Digest",
    "Finished",
    "Layer",
    "Layers",
    "Limits",
    "NoSandbox",
    "Opaque",
    "Packed",
    "Raised",
    "Ran",
    "Returned",
    "SandboxBroken",
    "TimedOut",
    "TooMuch",
    "Workspace",
    "WorkspaceLimits",
    "Zygote",
    "digest",
    "probe",
]
