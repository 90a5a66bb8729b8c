"""Beside the study's order, lessons: one adapter that is meant to help, and its control.

Where the labels of a whole study would cost more than they are worth, the first mistake decides what is
taught: the first moment of a failed episode at which the teacher would have acted otherwise. From there the
expert shows the way to the goal. The control is trained alike on as many moments of failed episodes that
chance drew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.errors import TrainingError
from honing.learn import draw
from honing.teach.desk import Desk
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.advise import LABELLED
from honing.teach.phases.matrix import check_nothing_leaked, train_runs
from honing.teach.snapshot import Snapshot
from honing.teach.supervision import lesson_of, recovery_examples
from honing.teach.training.arms import RECOVERED, TrainRun

Json = Any

FOLDER = "lessons"
TAUGHT, RANDOM = "taught", "random"
"""The adapter, and its control."""
SUMMARY = f"{FOLDER}/training_summary.json"
_LOSSES = ("loss_before", "loss_after")


def lessons(desk: Desk) -> PhaseOutcome:
    """Take the first mistakes, and train on the expert's way from them; then the control."""
    labelled = desk.snapshots(f"{LABELLED}.jsonl")
    pool = [
        one
        for one in labelled
        if one.split == "train" and one.env_state is not None and lesson_of(one) is not None
    ]
    first = first_mistakes(pool)
    if not first:
        raise TrainingError(
            f"{LABELLED}.jsonl: at none of {len(pool)} moments of failed episodes would the teacher have "
            "acted otherwise, so there is nothing to teach. Collect more episodes, or ask another teacher."
        )
    runs = [
        _shown(desk, TAUGHT, first),
        _shown(desk, RANDOM, _by_chance(pool, len(first), seed=desk.spec.seed)),
    ]
    check_nothing_leaked(desk, runs, labelled)
    summary = train_runs(desk, runs, FOLDER, step="lessons.train")
    rows = {row["run_id"]: row for row in summary["runs"]}
    return PhaseOutcome(
        summary={
            "moments": len(pool),
            "first_mistakes": len(first),
            **{f"{name}_examples": row["n_examples"] for name, row in rows.items()},
            **{f"{name}_{part}": row[part] for name, row in rows.items() for part in _LOSSES},
            "n_steps": sum(row["n_steps"] for row in summary["runs"]),
        },
        artifacts=(SUMMARY, *(f"{FOLDER}/{name}" for name in rows)),
    )


def first_mistakes(snapshots: Sequence[Snapshot]) -> list[Snapshot]:
    """Of each task the earliest moment at which the teacher would have acted otherwise, in the order of the
    tasks as they come."""
    found: dict[str, Snapshot] = {}
    for one in snapshots:
        lesson = lesson_of(one)
        if lesson is None or lesson.action == one.action:
            continue
        known = found.get(one.task["id"])
        if known is None or one.step_index < known.step_index:
            found[one.task["id"]] = one
    return list(found.values())


def _by_chance(snapshots: Sequence[Snapshot], count: int, *, seed: int) -> list[Snapshot]:
    drawn = sorted(snapshots, key=lambda one: (draw(seed, "lessons", one.id), one.id))
    return drawn[:count]


def _shown(desk: Desk, name: str, snapshots: Sequence[Snapshot]) -> TrainRun:
    """The expert's way from these moments. Those from which it does not reach the goal teach nothing."""
    examples = recovery_examples(desk, f"lessons.{name}", snapshots)
    if not examples:
        raise TrainingError(
            f"The expert reaches the goal from none of {len(snapshots)} moments, so it can show no way."
        )
    sources = {example.source for example in examples}
    return TrainRun(
        run_id=name,
        supervision=RECOVERED,
        snapshots=tuple(one for one in snapshots if one.id in sources),
        examples=tuple(examples),
    )


def _cost(desk: Desk) -> Cost:
    return Cost(episodes=2 * desk.spec.collect.n_tasks, optimiser_steps=2 * (desk.spec.training.n_steps or 0))


PHASE = Phase(
    name="lessons",
    doing="train on the expert's way from the first mistakes",
    run=lessons,
    reads=(f"{LABELLED}.jsonl",),
    writes=(SUMMARY,),
    cost=_cost,
)
