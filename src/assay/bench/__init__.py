"""Benchmark numbers that cannot be fooled: tasks as data, runs that survive being killed, honest statistics.

Covered: an answer is committed before it is scored and a score before it counts; nothing is asked twice after a crash; the budget
is held before each call; code runs only in the sandbox, and the verdict is made where none of it runs; every way not to be right
is counted apart. Not covered: whether a model has seen the questions before.
"""
