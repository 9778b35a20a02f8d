"""Pure numpy: ratings of paired comparisons, decisions that may be looked at any time, and intervals that can be trusted.

No names, no storage, no I/O.
"""

from assay.stats.agreement import agree
from assay.stats.anytime import Betting
from assay.stats.counts import A_WINS, B_WINS, BOTH_BAD, CODES, OUTCOMES, TIE, Clusters, Counts
from assay.stats.effects import LengthEffect, length_effect, order_effect
from assay.stats.fit import Fit, Pairs, fit
from assay.stats.grim import Attainable, Near, Rounding, attainable
from assay.stats.leaderboard import Cluster, Leaderboard, Method, Row, lead
from assay.stats.paired import paired_mean, paired_quantile, paired_share
from assay.stats.pass_at_k import chance_at_k, pass_at_k
from assay.stats.ranks import Z, rank_intervals, simultaneous_z
from assay.stats.ratings import MEAN, SCALE, BothBad, RankTest, Ratings, Reason, Ties, rate
from assay.stats.resample import bootstrap_mean, bootstrap_ranks
from assay.stats.significance import FEWEST_FLIPS, LEVEL, POWER, detectable, holm, mcnemar, sign_flip, t_test
from assay.stats.spread import Interval, bounded_mean, mean, quantile, share
from assay.stats.tally import EXCLUDED_FLAGS, UNKNOWN_VOTER, Tally
from assay.stats.variance import Split, split_variance

__all__ = [
    "A_WINS",
    "BOTH_BAD",
    "B_WINS",
    "CODES",
    "EXCLUDED_FLAGS",
    "FEWEST_FLIPS",
    "LEVEL",
    "MEAN",
    "OUTCOMES",
    "POWER",
    "SCALE",
    "TIE",
    "UNKNOWN_VOTER",
    "Attainable",
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
    "Near",
    "Pairs",
    "RankTest",
    "Ratings",
    "Reason",
    "Rounding",
    "Row",
    "Split",
    "Tally",
    "Ties",
    "Z",
    "agree",
    "attainable",
    "bootstrap_mean",
    "bootstrap_ranks",
    "bounded_mean",
    "chance_at_k",
    "detectable",
    "fit",
    "holm",
    "lead",
    "length_effect",
    "mcnemar",
    "mean",
    "order_effect",
    "paired_mean",
    "paired_quantile",
    "paired_share",
    "pass_at_k",
    "quantile",
    "rank_intervals",
    "rate",
    "share",
    "sign_flip",
    "simultaneous_z",
    "split_variance",
    "t_test",
]
