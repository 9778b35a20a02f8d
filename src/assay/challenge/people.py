"""People who judge: oneself, and colleagues by invitation. A vote is a verdict, acknowledged after its commit, and counts once."""

from __future__ import annotations


class People:
    """Shows pairs blind and takes votes on them."""
