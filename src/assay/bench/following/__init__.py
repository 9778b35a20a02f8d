"""Instructions that a program can verify: those of IFEval (Zhou et al. 2023) and IFBench (Pyatkin et al. 2025).

Each instruction is one function of the answer and its arguments, in ``checks`` by theme; `registry` has them by id; `verdict` says
which of a prompt's instructions an answer followed. What is counted as a word, a sentence or a language is decided in the modules
beside. No check raises for anything that a model says, and each takes time in proportion to the length of the answer.
"""
