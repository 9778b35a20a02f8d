"""Who decides which of two answers is better: models by a written rubric, programs by checks."""

from assay.judge.check import Check, Exact, Format, JsonSchema, Length, Number, OneOf, Pattern
from assay.judge.checking import CheckScore, run_checks
from assay.judge.model import ModelJudge
from assay.judge.pair import Judgment, Pair
from assay.judge.refusal import is_refusal
from assay.judge.rubric import DEFAULT_RUBRIC, Rubric
from assay.judge.schema import schema_valid
from assay.judge.written_check import parse_check

__all__ = [
    "DEFAULT_RUBRIC",
    "Check",
    "CheckScore",
    "Exact",
    "Format",
    "JsonSchema",
    "Judgment",
    "Length",
    "ModelJudge",
    "Number",
    "OneOf",
    "Pair",
    "Pattern",
    "Rubric",
    "is_refusal",
    "parse_check",
    "run_checks",
    "schema_valid",
]
