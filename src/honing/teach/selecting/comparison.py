"""Methods against each other: paired on the same held-out tasks, all tests corrected together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.stats import holm, mcnemar_exact, paired_difference
from honing.teach.evaluation.results import GREEDY, TASKS
from honing.teach.phase import Criterion
from honing.teach.phases.evaluate import Evaluation

Json = Any

ORDERED = (("predictor", "entropy"), ("entropy", "random"))
"""What the plan's hypothesis says: the first gains more than the second."""
CONTROLS = (
    ("predictor", "random"),
    ("predictor", "random_same_kind"),
    ("oracle", "random_same_kind"),
    ("oracle", "predictor"),
    ("random_same_kind", "random"),
)
"""Compared beside, decide nothing."""
LEVEL = 0.05


def comparisons(found: Evaluation, methods: Sequence[str]) -> list[dict[str, Json]]:
    """Success on held-out tasks of one method minus another's, temperature 0, in pairs.

    p is McNemar's exact; `p_holm` corrects the hypothesis' two tests together, and the controls together.
    """
    rows: list[dict[str, Json]] = []
    for family, pairs in (("hypothesis", ORDERED), ("control", CONTROLS)):
        made = [_compared(found, *pair) for pair in pairs if set(pair) <= set(methods)]
        kept = [row for row in made if row is not None]
        adjusted = holm([row["p"] for row in kept])
        rows += [{**row, "family": family, "p_holm": p} for row, p in zip(kept, adjusted, strict=True)]
    return rows


def selection_criteria(
    found: Sequence[Mapping[str, Json]], drops: Mapping[str, float | None], limit: float, *, seen: int = 0
) -> tuple[Criterion, ...]:
    """The criteria of phase 5.

    Args:
        found: As `comparisons` gives them.
        drops: By method, the drop of success on retention tasks.
        limit: Largest drop that is no large one.
        seen: Snapshots whose task the predictor was trained on. Where there are any, it chose by what it had
            been told, so nothing about it is decided.
    """
    by_pair = {(row["first"], row["second"]): row for row in found}
    compared = (
        *(_greater(pair, by_pair.get(pair), decides=True) for pair in ORDERED),
        *(_greater(pair, by_pair[pair], decides=False) for pair in CONTROLS if pair in by_pair),
    )
    told = [one if not seen or "predictor" not in one.name else _undecided(one, seen) for one in compared]
    return (*told, _retention(drops, limit))


def _compared(found: Evaluation, first: str, second: str) -> dict[str, Json] | None:
    sides = [
        [float(row.success) for row in found.results.rows(name, TASKS, GREEDY)] for name in (first, second)
    ]
    if not sides[0]:
        return None
    interval = paired_difference(*sides, bounds=(0.0, 1.0))
    only_first = sum(a > b for a, b in zip(*sides, strict=True))
    only_second = sum(a < b for a, b in zip(*sides, strict=True))
    return {
        "first": first,
        "second": second,
        "temperature": GREEDY,
        "estimate": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "n": interval.n,
        "only_first": only_first,
        "only_second": only_second,
        "test": "McNemar exact, Holm",
        "p": mcnemar_exact(only_first, only_second),
    }


def _greater(pair: tuple[str, str], row: Mapping[str, Json] | None, *, decides: bool) -> Criterion:
    first, second = pair
    shown = row or {}
    met = None if row is None else row["estimate"] > 0 and row["p_holm"] < LEVEL
    note = "one of the two was not trained" if row is None else f"p (Holm) {row['p_holm']:.3g}"
    return Criterion(
        name=f"select_{first}_over_{second}",
        sentence=f"Selection by {first} gains more on held-out tasks than by {second} (paired, p < {LEVEL}).",
        value=shown.get("estimate"),
        low=shown.get("low"),
        high=shown.get("high"),
        n=shown.get("n"),
        met=met,
        decides=decides,
        note=note,
    )


def _undecided(criterion: Criterion, seen: int) -> Criterion:
    return replace(
        criterion,
        met=None,
        note=(
            f"the predictor was trained on the tasks of {seen} of these snapshots; without --predictor-path "
            "they are predicted out of fold"
        ),
    )


def _retention(drops: Mapping[str, float | None], limit: float) -> Criterion:
    known = {name: drop for name, drop in drops.items() if drop is not None}
    worst = max(known, key=lambda name: known[name], default="")
    return Criterion(
        name="select_retention_comparable",
        sentence=f"No selection method loses {limit:.0%} or more of the tasks that the base solves.",
        value=known[worst] if worst else None,
        n=len(known),
        met=known[worst] < limit if worst else None,
        note=f"largest drop: {worst}; methods differ by {max(known.values()) - min(known.values()):.3f}"
        if worst
        else "retention was not measured",
    )
