"""Does what is learned on one quadrant help on the others? The 4 x 4 transfer matrix and its diagonal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from honing.stats import Interval
from honing.teach.evaluation.estimates import cells, difference, mean
from honing.teach.evaluation.players import BASE, Played
from honing.teach.evaluation.results import SNAPSHOTS, Results
from honing.teach.snapshot import Quadrant, Route

Json = Any

POOLED = "pooled"
"""All kinds of supervision together: each place counts with its mean over them."""
SUPERVISIONS = (*(route.value for route in Route), POOLED)
COLUMNS = (
    "supervision", "trained_quadrant", "evaluated_quadrant", "temperature",
    "n", "success", "low", "high", "gain", "gain_low", "gain_high",
)  # fmt: skip


def transfer_rows(results: Results, temperature: float) -> list[dict[str, Json]]:
    """The cells of the matrix: success on the places of one quadrant after training on another, and the gain
    over the base, per supervision and pooled. Cells without runs are left out."""
    rows = []
    for supervision in SUPERVISIONS:
        for trained in Quadrant:
            runs = _runs(results, supervision, trained)
            rows += [
                _cell(results, runs, supervision, trained, there, temperature) for there in Quadrant if runs
            ]
    return rows


def diagonal_minus_rest(results: Results, supervision: str, temperature: float) -> Interval | None:
    """Mean of the four diagonal cells minus mean of the twelve others.

    Of each place the success after training on its own quadrant minus the mean over the other three is taken;
    these are averaged in each evaluated quadrant, then over quadrants. That is the difference of the two
    means of cells, and the base's success cancels out. The interval is that of a mean of the places' values,
    weighted so that every quadrant counts the same, with tasks as clusters.

    Returns:
        None where a quadrant has no run or no place.
    """
    runs = {quadrant: _runs(results, supervision, quadrant) for quadrant in Quadrant}
    places = {quadrant: results.rows(BASE, SNAPSHOTS, temperature, quadrant) for quadrant in Quadrant}
    if not all(runs.values()) or not all(places.values()):
        return None
    total = sum(len(found) for found in places.values())
    values: list[float] = []
    for own, found in places.items():
        weight = total / (len(Quadrant) * len(found))
        by_run = {q: _mean_success(results, runs[q], own, temperature) for q in Quadrant}
        for index in range(len(found)):
            others = [by_run[q][index] for q in Quadrant if q is not own]
            values.append(weight * (by_run[own][index] - sum(others) / len(others)))
    reach = total / (len(Quadrant) * min(len(found) for found in places.values()))
    clusters = [place.cluster for found in places.values() for place in found]
    return mean(values, clusters, (-reach, reach))


def _cell(
    results: Results,
    runs: Sequence[str],
    supervision: str,
    trained: Quadrant,
    there: Quadrant,
    temperature: float,
) -> dict[str, Json]:
    before = results.rows(BASE, SNAPSHOTS, temperature, there)
    after = _mean_success(results, runs, there, temperature)
    clusters = [row.cluster for row in before]
    gain = difference(after, [float(row.success) for row in before], clusters)
    return {
        "supervision": supervision,
        "trained_quadrant": trained.value,
        "evaluated_quadrant": there.value,
        "temperature": temperature,
        "n": len(before),
        **cells(mean(after, clusters), "success"),
        **cells(gain, "gain", prefix="gain_"),
    }


def _runs(results: Results, supervision: str, quadrant: Quadrant) -> list[str]:
    routes = {route.value for route in Route} if supervision == POOLED else {supervision}
    return [
        player.run_id
        for player in results.trained
        if player.quadrant == quadrant and player.supervision in routes
    ]


def _mean_success(results: Results, runs: Sequence[str], there: Quadrant, temperature: float) -> list[float]:
    """Of each place of a quadrant: mean success over runs."""
    by_place: dict[int, list[Played]] = defaultdict(list)
    for run_id in runs:
        for index, row in enumerate(results.rows(run_id, SNAPSHOTS, temperature, there)):
            by_place[index].append(row)
    return [sum(row.success for row in found) / len(found) for _, found in sorted(by_place.items())]
