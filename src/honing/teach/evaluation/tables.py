"""The tables of phase 3: one function per file, each gives its columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from honing.stats import Interval
from honing.teach.evaluation.drift import Drift
from honing.teach.evaluation.estimates import cells, mean
from honing.teach.evaluation.mechanism import Mechanism
from honing.teach.evaluation.players import BASE, Player
from honing.teach.evaluation.results import RETENTION, SNAPSHOTS, TASKS, Results, counts
from honing.teach.evaluation.stuckness import (
    Stuckness,
    escape_latency,
    loops,
    repeat_action_rate,
    wasted_steps,
)
from honing.teach.evaluation.transfer import COLUMNS as TRANSFER_COLUMNS
from honing.teach.evaluation.transfer import transfer_rows
from honing.teach.snapshot import Quadrant

Json = Any
Table = tuple[Sequence[str], list[dict[str, Json]]]

WHO = ("run_id", "quadrant", "supervision", "temperature")
OVERALL = (
    *WHO, "n", "success", "low", "high", "difference", "difference_low", "difference_high",
    "reward", "reward_low", "reward_high", "mean_steps",
)  # fmt: skip
PER_QUADRANT = (
    *WHO, "evaluated_quadrant", "n", "success", "low", "high",
    "difference", "difference_low", "difference_high",
)  # fmt: skip
RETAINED = (
    *WHO, "n", "retained", "low", "high", "drop", "drop_low", "drop_high",
    "kl_succeeding", "kl_failing", "kept",
)  # fmt: skip
STUCK_METRICS: tuple[tuple[str, Callable[[Sequence[Stuckness]], list[float]]], ...] = (
    ("repeat_action_rate", repeat_action_rate),
    ("loops", loops),
    ("wasted_steps", wasted_steps),
    ("escape_latency", escape_latency),
)
STUCK = (*WHO, "metric", "n", "value", "low", "high")
MECHANISTIC = (
    *WHO, "evaluated_quadrant", "n", "first_action_correct", "low", "high",
    "teacher_probability", "probability_shift", "shift_low", "shift_high",
)  # fmt: skip


def overall_table(results: Results) -> Table:
    """Held-out tasks: success, its paired difference to the base, reward, length."""
    rows = []
    for player, temperature in _turns(results):
        found = results.rows(player.run_id, TASKS, temperature)
        if not found:
            continue
        reward = results.estimate(player.run_id, TASKS, temperature, lambda row: row.reward)
        rows.append(
            {
                **_who(player, temperature),
                "n": len(found),
                **cells(results.success(player.run_id, TASKS, temperature), "success"),
                **_difference(results, player, TASKS, temperature),
                **cells(reward, "reward", prefix="reward_"),
                "mean_steps": sum(row.n_steps for row in found) / len(found),
            }
        )
    return OVERALL, rows


def per_quadrant_table(results: Results) -> Table:
    """Held-out failure snapshots: success from there on, per quadrant."""
    rows = []
    for player, temperature in _turns(results):
        for quadrant in Quadrant:
            found = results.rows(player.run_id, SNAPSHOTS, temperature, quadrant)
            if not found:
                continue
            rows.append(
                {
                    **_who(player, temperature),
                    "evaluated_quadrant": quadrant.value,
                    "n": len(found),
                    **cells(results.success(player.run_id, SNAPSHOTS, temperature, quadrant), "success"),
                    **_difference(results, player, SNAPSHOTS, temperature, quadrant),
                }
            )
    return PER_QUADRANT, rows


def transfer_table(results: Results) -> Table:
    """Trained quadrant against evaluated quadrant."""
    return TRANSFER_COLUMNS, [
        row for temperature in results.temperatures for row in transfer_rows(results, temperature)
    ]


def retention_table(results: Results, drifts: Sequence[Drift]) -> Table:
    """Tasks that the base solves: what is left, with the verdict of the gate."""
    by_run = {drift.run_id: drift for drift in drifts}
    rows = []
    for player, temperature in _turns(results):
        found = results.rows(player.run_id, RETENTION, temperature)
        if not found:
            continue
        drift = by_run.get(player.run_id)
        lost = results.against_base(player.run_id, RETENTION, temperature) if drift else None
        rows.append(
            {
                **_who(player, temperature),
                "n": len(found),
                **cells(results.success(player.run_id, RETENTION, temperature), "retained"),
                **cells(turned(lost), "drop", prefix="drop_"),
                "kl_succeeding": _estimate(drift.kl_succeeding) if drift else None,
                "kl_failing": _estimate(drift.kl_failing) if drift else None,
                "kept": drift.kept if drift else None,
            }
        )
    return RETAINED, rows


def stuckness_table(results: Results) -> Table:
    """How episodes on held-out tasks got stuck, one row per metric; `stuckness.py` defines each."""
    rows = []
    for player, temperature in _turns(results):
        found = results.rows(player.run_id, TASKS, temperature)
        values = {name: metric(counts(found)) for name, metric in STUCK_METRICS}
        values["efficiency"], _ = results.efficiencies(found)
        for name, observed in values.items():
            if not observed:
                continue
            bounded = name in ("repeat_action_rate", "efficiency")
            # One episode per task: every value is a cluster of its own.
            interval = mean(observed, [str(n) for n in range(len(observed))], (0.0, 1.0) if bounded else None)
            rows.append(
                {
                    **_who(player, temperature),
                    "metric": name,
                    "n": len(observed),
                    **cells(interval, "value"),
                }
            )
    return STUCK, rows


def mechanistic_table(players: Sequence[Player], mechanisms: Sequence[Mechanism]) -> Table:
    """First action on held-out failure snapshots, against the teacher's."""
    by_run = {player.run_id: player for player in players}
    rows = [
        {
            **_who(by_run[found.run_id], 0.0),
            "evaluated_quadrant": found.quadrant or "all",
            "n": found.n,
            **cells(found.correct, "first_action_correct"),
            "teacher_probability": found.probability,
            **cells(found.shift, "probability_shift", prefix="shift_"),
        }
        for found in mechanisms
    ]
    return MECHANISTIC, rows


def turned(found: Interval | None) -> Interval | None:
    """The interval of the negative: a gain as a drop."""
    if found is None:
        return None
    limits = (0.0 - found.estimate, 0.0 - found.high, 0.0 - found.low)
    return Interval(*limits, found.level, found.method, found.n)


def _turns(results: Results) -> list[tuple[Player, float]]:
    return [(player, temperature) for player in results.players for temperature in results.temperatures]


def _who(player: Player, temperature: float) -> dict[str, Json]:
    return {
        "run_id": player.run_id,
        "quadrant": player.quadrant,
        "supervision": player.supervision,
        "temperature": temperature,
    }


def _difference(
    results: Results, player: Player, panel: str, temperature: float, quadrant: str = ""
) -> dict[str, Json]:
    found = None
    if player.run_id != BASE:
        found = results.against_base(player.run_id, panel, temperature, quadrant)
    return cells(found, "difference", prefix="difference_")


def _estimate(found: Interval | None) -> float | None:
    return None if found is None else found.estimate
