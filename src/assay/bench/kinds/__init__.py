"""Families of tasks, one module each; `assay.bench.kind` finds them by name."""
