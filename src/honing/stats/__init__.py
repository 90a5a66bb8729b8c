"""Honest numbers: intervals, tests, rankings, early stopping and the number of episodes a question needs.

Importing loads neither numpy nor scipy. docs/statistics.md gives each formula, its source, where it is the
recommended choice, and the simulated coverage, cells that fail included.
"""

from __future__ import annotations

from honing.stats.bootstrap import bootstrap_interval
from honing.stats.differences import mover, newcombe, newcombe_paired, paired_difference, unpaired_difference
from honing.stats.hypothesis import Permutation, holm, mcnemar_exact, paired_permutation, permutation
from honing.stats.intervals import Interval, Method
from honing.stats.means import mean_interval, t_interval
from honing.stats.passk import pass_all_k, pass_at_k, pass_at_k_interval
from honing.stats.power import (
    episodes_for_half_width,
    episodes_to_detect,
    mcnemar_power,
    pairs_to_detect,
    pairs_to_detect_mean,
    smallest_difference,
    smallest_mean_difference,
)
from honing.stats.proportions import (
    clopper_pearson,
    proportion,
    proportion_lower_bound,
    proportion_upper_bound,
    wilson,
)
from honing.stats.racing import (
    Comparison,
    Elimination,
    RaceState,
    Retest,
    Verdict,
    anytime_interval,
    first_shortfall,
    race,
    retest,
    retest_level,
    sequential_comparison,
)
from honing.stats.ranking import (
    ReliabilityBin,
    expected_calibration_error,
    ndcg_at_k,
    precision_at_k,
    reliability,
    spearman,
    spearman_interval,
)

__all__ = [
    "Comparison",
    "Elimination",
    "Interval",
    "Method",
    "Permutation",
    "RaceState",
    "ReliabilityBin",
    "Retest",
    "Verdict",
    "anytime_interval",
    "bootstrap_interval",
    "clopper_pearson",
    "episodes_for_half_width",
    "episodes_to_detect",
    "expected_calibration_error",
    "first_shortfall",
    "holm",
    "mcnemar_exact",
    "mcnemar_power",
    "mean_interval",
    "mover",
    "ndcg_at_k",
    "newcombe",
    "newcombe_paired",
    "paired_difference",
    "paired_permutation",
    "pairs_to_detect",
    "pairs_to_detect_mean",
    "pass_all_k",
    "pass_at_k",
    "pass_at_k_interval",
    "permutation",
    "precision_at_k",
    "proportion",
    "proportion_lower_bound",
    "proportion_upper_bound",
    "race",
    "reliability",
    "retest",
    "retest_level",
    "sequential_comparison",
    "smallest_difference",
    "smallest_mean_difference",
    "spearman",
    "spearman_interval",
    "t_interval",
    "unpaired_difference",
    "wilson",
]
