"""One's own work as items: from files that people have, and from the gateway's own recorded calls."""

from assay.challenge.work.brought import LARGEST_FILE, BadLine, Brought
from assay.challenge.work.read import read_work
from assay.challenge.work.traffic import Sampled, Stratum, sample_traffic

__all__ = ["LARGEST_FILE", "BadLine", "Brought", "Sampled", "Stratum", "read_work", "sample_traffic"]
