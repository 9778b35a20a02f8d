"""Who decides which of two answers is better: models by a written rubric, programs by checks."""

from assay.judge.check import Check, Exact, Format, JsonSchema, Length, Number, Pattern

__all__ = ["Check", "Exact", "Format", "JsonSchema", "Length", "Number", "Pattern"]
