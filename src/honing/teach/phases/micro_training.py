"""Phase 1B, micro-train: is the patch test worth believing? Each of some snapshots is learned in a tiny
training of its own; the gain is held against what the patch test foretold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from honing.environments import Task
from honing.teach.apart import hashes_of, world_document
from honing.teach.desk import Desk
from honing.teach.micro.agreement import PLACES, agreement
from honing.teach.micro.similar import similar_tasks, task_pool
from honing.teach.micro.unit import micro_train_chunk
from honing.teach.micro.verdict import criteria_of
from honing.teach.phase import Cost, Phase, PhaseOutcome
from honing.teach.phases.prepare import STUDENT
from honing.teach.snapshot import Quadrant, Route, Snapshot
from honing.teach.study_spec import MicroSetting
from honing.teach.supervision import examples_of
from honing.teach.training.arms import by_quadrant, trainable
from honing.teach.training.summary import CORRELATION, student_with_weights

Json = Any

LABELLED = "phase1/labeled_snapshots.jsonl"
RESULTS = "phase1b/micro_training_results.json"
_SNAPSHOTS_PER_UNIT = 10
"""Fixed, so that results do not depend on the number of workers; times the settings, as many adapters are
trained in one pass."""


def micro_training(desk: Desk) -> PhaseOutcome:
    """Train, play, compare."""
    spec = desk.spec.micro_training
    chosen = chosen_snapshots(desk.snapshots(LABELLED), spec.n_per_quadrant, seed=desk.spec.seed)
    similar = _similar(desk, chosen)
    found = desk.map("micro-train.train", micro_train_chunk, _chunks(desk, chosen, similar))
    trained = [row for chunk in found for row in chunk]
    rows = [
        row
        for snapshot, result in zip(chosen, trained, strict=True)
        for row in rows_of(snapshot, result, spec.settings)
    ]
    figures = {
        setting.label: agreement([row for row in rows if row["setting"] == setting.label])
        for setting in spec.settings
    }
    criteria = criteria_of(spec.settings, figures)
    deciding = [one for one in criteria if one.decides]
    passed = all(one.met for one in deciding) if all(one.met is not None for one in deciding) else None
    desk.run.write_json(RESULTS, rows)
    desk.run.write_json(
        CORRELATION,
        {
            "schema": 1,
            "passed": passed,
            "n_snapshots": len(chosen),
            "settings": {
                setting.label: {**setting.model_dump(), **figures[setting.label]} for setting in spec.settings
            },
            "criteria": [one.as_document() for one in criteria],
        },
    )
    return PhaseOutcome(
        summary={
            "snapshots": len(chosen),
            "trainings": len(rows),
            "passed": passed,
            **{
                f"rho_{label}": None if figure["same"]["rho"] is None else figure["same"]["rho"]["estimate"]
                for label, figure in figures.items()
            },
        },
        criteria=criteria,
        artifacts=(RESULTS, CORRELATION),
    )


def chosen_snapshots(labelled: Sequence[Snapshot], n: int, *, seed: int) -> list[Snapshot]:
    """Up to `n` training snapshots of each quadrant that have a patch test, valid advice and a saved state,
    drawn by their ids."""
    usable = [
        snapshot
        for snapshot in trainable(labelled, drop_abstained=False)
        if snapshot.cpt is not None and snapshot.env_state is not None
    ]
    quadrants = by_quadrant(usable, seed=seed)
    return [snapshot for quadrant in Quadrant for snapshot in quadrants[quadrant][:n]]


def rows_of(
    snapshot: Snapshot, result: Mapping[str, Json], settings: Sequence[MicroSetting]
) -> Iterator[dict[str, Json]]:
    """The rows of one snapshot in micro_training_results.json, one per setting."""
    cpt, leverage = snapshot.cpt, snapshot.leverage
    for setting, found in zip(settings, result["settings"], strict=True):
        yield {
            "snapshot_id": snapshot.id,
            "task_hash": snapshot.task_hash,
            "quadrant": None if snapshot.quadrant is None else snapshot.quadrant.value,
            "setting": setting.label,
            "n_steps": found["n_steps"],
            "learning_rate": setting.learning_rate,
            "ELP_net": None if cpt is None else cpt.ELP_net,
            "ELP_net_retest": None if cpt is None else cpt.ELP_net_retest,
            "L_local": None if leverage is None else leverage.L_local,
            "U": snapshot.U,
            "first_loss": found["first_loss"],
            "final_loss": found["final_loss"],
            **{place: _gain(result[f"{place}_before"], found[f"{place}_after"]) for place in PLACES},
        }


def _gain(before: Sequence[int], after: Sequence[int]) -> dict[str, Json] | None:
    """Success after minus before on the same draws; of two halves of the episodes too. None without any."""
    if not after:
        return None
    gains = [late - early for early, late in zip(before, after, strict=True)]
    halves = [gains[0::2], gains[1::2]] if len(gains) > 1 else []
    return {
        "n": len(gains),
        "before": sum(before) / len(before),
        "after": sum(after) / len(after),
        "gain": sum(gains) / len(gains),
        "halves": [sum(half) / len(half) for half in halves] or None,
    }


def _similar(desk: Desk, chosen: Sequence[Snapshot]) -> dict[str, list[Task]]:
    """By snapshot: the tasks like its own. None of them shows what a chosen snapshot's task shows."""
    spec, seed = desk.spec.micro_training, desk.spec.seed
    if not spec.similar_tasks or not chosen:
        return {snapshot.id: [] for snapshot in chosen}
    tasks = {snapshot.id: snapshot.the_task() for snapshot in chosen}
    tags = {frozenset(task.tags) for task in tasks.values()}
    pool = task_pool(desk.world(), tags, spec.similar_tasks, seed=seed)
    trained = {snapshot.task_hash for snapshot in chosen}
    hashes = hashes_of(desk, pool)
    fresh = {task_id for shown, task_id in hashes.items() if shown not in trained}
    free = [task for task in pool if task.id in fresh]
    return {name: similar_tasks(task, free, spec.similar_tasks, seed=seed) for name, task in tasks.items()}


def _chunks(
    desk: Desk, chosen: Sequence[Snapshot], similar: Mapping[str, Sequence[Task]]
) -> list[dict[str, Json]]:
    spec, student = desk.spec, desk.run.read_json(STUDENT)
    work = {
        "student": student_with_weights(desk),
        "identity": student["identity"],
        "world": world_document(desk),
        "settings": [_options(desk, setting) for setting in spec.micro_training.settings],
        "n_rollouts": spec.micro_training.n_validation_rollouts,
        "max_steps": spec.micro_training.rollout_max_steps,
        "seed": spec.seed,
    }
    rows = [_row(snapshot, similar[snapshot.id]) for snapshot in chosen]
    starts = range(0, len(rows), _SNAPSHOTS_PER_UNIT)
    return [{**work, "snapshots": rows[first : first + _SNAPSHOTS_PER_UNIT]} for first in starts]


def _options(desk: Desk, setting: MicroSetting) -> dict[str, Json]:
    """A setting, as `SftOptions` takes it: the one snapshot alone, without replay."""
    return {
        "rank": desk.spec.training.lora_rank,
        "alpha": desk.spec.training.lora_alpha,
        "n_steps": setting.n_steps,
        "learning_rate": setting.learning_rate,
        "replay": 0.0,
        "batch_size": 1,
        "seed": desk.spec.seed,
    }


def _row(snapshot: Snapshot, similar: Sequence[Task]) -> dict[str, Json]:
    (example,) = examples_of(snapshot, Route.DEMO)
    return {
        "example": example.as_document(),
        "task": snapshot.task,
        "state": snapshot.env_state,
        "history": snapshot.history,
        "similar": [task.as_document() for task in similar],
    }


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.micro_training
    trained = len(Quadrant) * spec.n_per_quadrant
    episodes = (spec.n_validation_rollouts + spec.similar_tasks) * (1 + len(spec.settings))
    steps = sum(setting.n_steps for setting in spec.settings)
    return Cost(episodes=trained * episodes, optimiser_steps=trained * steps)


PHASE = Phase(
    name="micro-train",
    doing="train on single snapshots and see whether the patch test foretold the gains",
    run=micro_training,
    reads=(LABELLED, STUDENT),
    writes=(RESULTS, CORRELATION),
    cost=_cost,
)
