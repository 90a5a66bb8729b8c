"""The criteria of phase 3. Temperature 0 decides."""

from __future__ import annotations

from collections.abc import Sequence

from honing.stats import Interval
from honing.teach.evaluation.drift import Drift
from honing.teach.evaluation.results import GREEDY, TASKS, Results
from honing.teach.evaluation.transfer import POOLED, diagonal_minus_rest
from honing.teach.phase import Criterion
from honing.teach.snapshot import Route

DECIDING_RUN = "B2_all"
"""The run that stands for "training on failures" where a criterion speaks of success above the base. Named
beforehand: the best of fourteen would look good by luck."""


def criteria_of(results: Results, drifts: Sequence[Drift], max_drop: float) -> tuple[Criterion, ...]:
    """Success above base, diagonal above the rest, no run of the matrix that forgets. Arms beyond the plan's
    fourteen are judged by the gate alone."""
    return (_success(results), _transfer(results), _retention(results, drifts, max_drop))


def _success(results: Results) -> Criterion:
    sentence = (
        f"{DECIDING_RUN} solves more held-out tasks than the base student (temperature 0, 95% interval of "
        "the paired difference above 0)."
    )
    there = any(player.run_id == DECIDING_RUN for player in results.players)
    found = results.against_base(DECIDING_RUN, TASKS, GREEDY) if there else None
    better = sum(
        1
        for player in results.trained
        if (gain := results.against_base(player.run_id, TASKS, GREEDY)) is not None and gain.low > 0
    )
    note = f"{better} of {len(results.trained)} runs have an interval above 0"
    missing = f"there is no run {DECIDING_RUN}"
    return _above_zero("success_above_base", sentence, found, note if there else missing)


def _transfer(results: Results) -> Criterion:
    sentence = (
        "Training on a quadrant helps that quadrant more than the others: diagonal minus off-diagonal of the "
        "transfer matrix, pooled over supervision (temperature 0, 95% interval above 0)."
    )
    found = diagonal_minus_rest(results, POOLED, GREEDY)
    note = "" if found else "a quadrant has no run or no held-out snapshot"
    return _above_zero("transfer_diagonal", sentence, found, note)


def _above_zero(name: str, sentence: str, found: Interval | None, note: str) -> Criterion:
    if found is None:
        return Criterion(name=name, sentence=sentence, value=None, met=None, note=note)
    return Criterion(
        name=name,
        sentence=sentence,
        value=found.estimate,
        low=found.low,
        high=found.high,
        n=found.n,
        met=found.low > 0,
        note=note,
    )


def _retention(results: Results, drifts: Sequence[Drift], max_drop: float) -> Criterion:
    sentence = (
        f"No run of the matrix forgets: the largest drop on retention tasks is below {max_drop:g} "
        "(temperature 0)."
    )
    formats = {route.value for route in Route}
    matrix = {player.run_id for player in results.players if player.supervision in formats}
    drops = [
        (drift.retention_drop, drift.run_id)
        for drift in drifts
        if drift.retention_drop is not None and drift.run_id in matrix
    ]
    if not drops:
        return Criterion(
            name="retention",
            sentence=sentence,
            value=None,
            met=None,
            note="no retention tasks, or no run of the matrix",
        )
    worst, run_id = max(drops, key=lambda pair: pair[0].estimate)
    passed = sum(drift.kept is True for drift in drifts)
    return Criterion(
        name="retention",
        sentence=sentence,
        value=worst.estimate,
        low=worst.low,
        high=worst.high,
        n=worst.n,
        met=worst.estimate < max_drop,
        note=f"largest: {run_id}; {passed} of {len(drifts)} runs pass the gate",
    )
