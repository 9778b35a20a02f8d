"""Tasks of one's own, made from a table: `make_task` and its templates."""

from assay.bench.new.make import make_task
from assay.bench.new.templates import TEMPLATES, Template

__all__ = ["TEMPLATES", "Template", "make_task"]
