"""Pure numpy: ratings of paired comparisons, decisions that may be looked at any time, and intervals that can be trusted.

No names, no storage, no I/O.
"""

from assay.stats.agreement import agree
from assay.stats.anytime import Betting
from assay.stats.counts import A_WINS, B_WINS, BOTH_BAD, CODES, OUTCOMES, TIE, Clusters, Counts
from assay.stats.effects import LengthEffect, length_effect, order_effect
from assay.stats.fit import Fit, Pairs, fit
from assay.stats.leaderboard import Cluster, Leaderboard, Method, Row, lead
from assay.stats.paired import paired_mean, paired_quantile, paired_share
from assay.stats.ranks import Z, rank_intervals, simultaneous_z
from assay.stats.ratings import MEAN, SCALE, BothBad, RankTest, Ratings, Reason, Ties, rate
from assay.stats.spread import Interval, bounded_mean, mean, quantile, share
from assay.stats.tally import EXCLUDED_FLAGS, UNKNOWN_VOTER, Tally

__all__ = [
    "A_WINS",
    "BOTH_BAD",
    "B_WINS",
    "CODES",
    "EXCLUDED_FLAGS",
    "MEAN",
    "OUTCOMES",
    "SCALE",
    "TIE",
    "UNKNOWN_VOTER",
    "Betting",
    "BothBad",
    "Cluster",
    "Clusters",
    "Counts",
    "Fit",
    "Interval",
    "Leaderboard",
    "LengthEffect",
    "Method",
    "Pairs",
    "RankTest",
    "Ratings",
    "Reason",
    "Row",
    "Tally",
    "Ties",
    "Z",
    "agree",
    "bounded_mean",
    "fit",
    "lead",
    "length_effect",
    "mean",
    "order_effect",
    "paired_mean",
    "paired_quantile",
    "paired_share",
    "quantile",
    "rank_intervals",
    "rate",
    "share",
    "simultaneous_z",
]
