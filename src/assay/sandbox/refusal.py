"""What is raised instead of running code without protection."""

from __future__ import annotations

from assay.core.errors import Unavailable, Unprocessable


class NoSandbox(Unprocessable):
    """Code would have to run without the layers that hold it: ``missing`` says which, and why."""

    def __init__(self, missing: str, hint: str):
        super().__init__("sandbox.unavailable", f"Code is not run here: {missing}.", hint=hint)
        self.missing = missing


class SandboxBroken(Unavailable):
    """The sandbox did not come up although a trial had, or broke off by no fault of the candidate's: nothing is known of it."""

    def __init__(self, reason: str):
        super().__init__("sandbox.broken", f"The sandbox broke: {reason}.", hint="Try again; nothing is lost.")
