"""A new model against the current one, on one's own work, judged blind, until the evidence is enough.

Covered: each answer and each judgment is on record before it counts; nothing is asked twice after a crash; the budget is held
before each call; looking at the evidence at any time does not change how often the answer is wrong; nobody who judges is told
which answer is whose. Not covered: style, by which a judge may know a model; tools whose results depend on when they are called.
"""
