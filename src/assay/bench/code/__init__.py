"""Scoring programs: what a model wrote is run in the sandbox on inputs, and what comes back is compared where none of it runs.

One *judge process* for each worker holds the problems and what they expect (`process`), and talks to its own sandbox; `CodeJudge`
queues and waits. Covered: HumanEval, HumanEval+ and MBPP+, with the rules of evalplus 0.3.1 for what counts as equal. Not covered:
programs that are to read input or write files; those are tasks for a workspace.
"""
