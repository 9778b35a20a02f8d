"""Runs to and from other programs: what they wrote is read as a run, and a run is written as they would have.

FORMATS            by name, what can be written
read_sheet(path)   a run out of a file of evalplus, lm-eval or Inspect
"""

from assay.bench.exchange.formats import FORMATS, Format, read_sheet
from assay.bench.exchange.sheet import Sheet

__all__ = ["FORMATS", "Format", "Sheet", "read_sheet"]
