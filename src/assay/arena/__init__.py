"""Blind battles between two models, the votes on them, and the ratings that come of the votes.

Covered: no name, id or header that the browser gets before the vote tells a model; the sides are drawn by a fair coin from the
operating system's random source; both columns begin together and grow on one clock, at most so many characters a tick; a
failed side voids the battle; a vote is acknowledged after its commit, once; who voted is a keyed hash.
Not covered, since it cannot be hidden: how long an answer takes in all, and the style in which a model writes.
"""

from assay.arena.arena import Arena
from assay.arena.battle import Battle, Limits, Standing

__all__ = ["Arena", "Battle", "Limits", "Standing"]
