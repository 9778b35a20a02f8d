"""Pure numpy: ratings of paired comparisons with intervals that can be trusted. No names, no storage, no I/O."""

from assay.stats.counts import A_WINS, B_WINS, BOTH_BAD, CODES, OUTCOMES, TIE, Clusters, Counts
from assay.stats.fit import Fit, Pairs, fit
from assay.stats.leaderboard import Cluster, Leaderboard, Method, Row, lead
from assay.stats.ranks import Z, rank_intervals, simultaneous_z
from assay.stats.ratings import MEAN, SCALE, BothBad, RankTest, Ratings, Reason, Ties, rate
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
    "BothBad",
    "Cluster",
    "Clusters",
    "Counts",
    "Fit",
    "Leaderboard",
    "Method",
    "Pairs",
    "RankTest",
    "Ratings",
    "Reason",
    "Row",
    "Tally",
    "Ties",
    "Z",
    "fit",
    "lead",
    "rank_intervals",
    "rate",
    "simultaneous_z",
]
