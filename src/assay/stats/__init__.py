"""Pure numpy: ratings of paired comparisons with intervals that can be trusted. No names, no storage, no I/O."""

from assay.stats.counts import A_WINS, B_WINS, BOTH_BAD, CODES, OUTCOMES, TIE, Clusters, Counts
from assay.stats.fit import Fit, Pairs, fit
from assay.stats.ranks import Z, probability_better, rank_intervals, simultaneous_z
from assay.stats.ratings import MEAN, SCALE, Ratings, Reason, Ties, rate

__all__ = [
    "A_WINS",
    "BOTH_BAD",
    "B_WINS",
    "CODES",
    "MEAN",
    "OUTCOMES",
    "SCALE",
    "TIE",
    "Clusters",
    "Counts",
    "Fit",
    "Pairs",
    "Ratings",
    "Reason",
    "Ties",
    "Z",
    "fit",
    "probability_better",
    "rank_intervals",
    "rate",
    "simultaneous_z",
]
