"""Phase 2, train: four quadrants by three kinds of supervision, two baselines, an arm of recovery
trajectories and, on request, arms of preference pairs. All share one replay mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task
from honing.errors import TrainingError
from honing.store import digest
from honing.teach.apart import check_apart, hashes_by_group, reserved
from honing.teach.desk import Desk, read_rows
from honing.teach.phase import Cost, Criterion, Phase, PhaseOutcome
from honing.teach.phases.mine import RETENTION
from honing.teach.phases.prepare import REPLAY, STUDENT
from honing.teach.snapshot import Quadrant, Route, Snapshot
from honing.teach.study_spec import StudySpec
from honing.teach.supervision import recoverable, recovery_examples
from honing.teach.training.arms import (
    TrainRun,
    by_quadrant,
    equal_share,
    matrix_runs,
    recovery_run,
    trainable,
)
from honing.teach.training.summary import (
    FOLDER,
    SUMMARY,
    UNVALIDATED,
    adapter_digest,
    student_with_weights,
    validation_of,
)
from honing.teach.training.unit import train as train_unit
from honing.teach.training.unit import train_stacked

Json = Any

LABELLED = "phase1/labeled_snapshots.jsonl"
_BASELINES = 2


def train(desk: Desk) -> PhaseOutcome:
    """Train the matrix."""
    spec = desk.spec
    labelled = desk.snapshots(LABELLED)
    usable = trainable(labelled, drop_abstained=spec.quadrants.drop_abstained)
    runs = matrix_runs(usable, seed=spec.seed, preference=spec.training.dpo)
    share = equal_share(by_quadrant(usable, seed=spec.seed))
    if not runs:
        raise TrainingError(
            f"{LABELLED}: no snapshot of the training split has both a quadrant and valid advice, so there "
            "is nothing to train on. Label them first (`hone teach label --assign-quadrants`)."
        )
    if spec.training.recovery:
        recovery = recovery_run(
            recoverable(usable), share, lambda chosen: recovery_examples(desk, "train.recovery", chosen)
        )
        runs += [recovery] if recovery is not None else []
    check_nothing_leaked(desk, runs, labelled)
    summary = train_runs(desk, runs, FOLDER)
    return PhaseOutcome(
        summary={
            "runs": len(runs),
            "snapshots_per_run": share,
            "n_steps": sum(row["n_steps"] for row in summary["runs"]),
            "validated": summary["validated"],
        },
        criteria=(_complete(runs),),
        artifacts=(SUMMARY, *(f"{FOLDER}/{row['run_id']}" for row in summary["runs"])),
    )


def train_runs(desk: Desk, runs: Sequence[TrainRun], folder: str, *, step: str = "train") -> dict[str, Json]:
    """Train each run into `<folder>/<run_id>/adapter` and write `<folder>/training_summary.json`.

    Args:
        desk: Of the study.
        runs: Their ids are unique.
        folder: Relative to the run.
        step: Name of the journal's step.

    Returns:
        The summary, with the optimiser's own count of steps.

    Raises:
        TrainingError: A training failed, or an adapter that was made in an earlier session is gone or
            changed.
    """
    for run in runs:
        desk.run.write_jsonl(_examples_path(folder, run), [example.as_document() for example in run.examples])
    results = _trained(desk, runs, folder, step)
    for run, result in zip(runs, results, strict=True):
        _check_adapter(desk, f"{folder}/{run.run_id}/adapter", result["adapter_digest"])
    summary = _summary(desk, runs, results, folder)
    desk.run.write_json(f"{folder}/training_summary.json", summary)
    return summary


def check_nothing_leaked(desk: Desk, runs: Sequence[TrainRun], labelled: Sequence[Snapshot]) -> None:
    """Refuse to train on a task that is measured on: the failure panel, held-out tasks, retention tasks,
    validation tasks. Compared by what tasks show, not by their names.

    Raises:
        LeakageError: There is one.
    """
    groups = reserved(desk)
    if (desk.run.path / RETENTION).is_file():
        rows = read_rows(desk.run.path / RETENTION)
        groups["retention tasks"] = [Task.from_document(row) for row in rows]
    measured = {
        "failure panel": {one.task_hash: one.id for one in labelled if one.split == "panel"},
        **hashes_by_group(desk, groups),
    }
    trained = {run.run_id: {one.task_hash: one.id for one in run.snapshots} for run in runs}
    check_apart(trained, measured)


def planned_runs(spec: StudySpec) -> int:
    """Runs that phase 2 trains where every quadrant has snapshots."""
    quadrants = len(Quadrant)
    arms = quadrants * len(Route) + _BASELINES + int(spec.training.recovery)
    return arms + quadrants * int(spec.training.dpo)


def sft_options(desk: Desk) -> dict[str, Json]:
    """The study's options of a training, as `SftOptions` takes them."""
    spec = desk.spec
    asked = spec.training
    return {
        "rank": asked.lora_rank,
        "alpha": asked.lora_alpha,
        "n_steps": asked.n_steps,
        "epochs": asked.epochs,
        "batch_size": asked.batch_size,
        "gradient_accumulation_steps": asked.gradient_accumulation_steps,
        "learning_rate": asked.learning_rate,
        "replay": asked.replay,
        "seed": spec.seed,
        "history": spec.student.history,
        "device": spec.student.device,
        "wandb_project": desk.tracking,
        **({"prompt": spec.student.harness["prompt"]} if spec.student.harness.get("prompt") else {}),
    }


def _trained(desk: Desk, runs: Sequence[TrainRun], folder: str, step: str) -> list[Json]:
    """What the units said, per run: one unit each, or one for all that can be stacked."""
    stacked = [run for run in runs if desk.spec.training.trainer == "stacked" and not run.preference]
    alone = [run for run in runs if run not in stacked]
    found = dict(
        zip(
            (run.run_id for run in alone),
            desk.map(step, train_unit, [_work(desk, run, folder) for run in alone]),
            strict=True,
        )
    )
    if stacked:
        work = {"runs": [_work(desk, run, folder) for run in stacked]}
        (rows,) = desk.map(f"{step}.stacked", train_stacked, [work])
        found |= {run.run_id: row for run, row in zip(stacked, rows, strict=True)}
    return [found[run.run_id] for run in runs]


def _work(desk: Desk, run: TrainRun, folder: str) -> dict[str, Json]:
    return {
        "run": str(desk.run.path.resolve()),
        "out": f"{folder}/{run.run_id}",
        "examples": _examples_path(folder, run),
        "examples_digest": digest([example.as_document() for example in run.examples]),
        "replay": REPLAY,
        "replay_digest": digest(read_rows(desk.run.path / REPLAY)),
        "student": student_with_weights(desk),
        "identity": desk.run.read_json(STUDENT)["identity"],
        "options": sft_options(desk),
        "preference": run.preference,
    }


def _summary(
    desk: Desk, runs: Sequence[TrainRun], results: Sequence[Mapping[str, Json]], folder: str
) -> dict[str, Json]:
    student = desk.run.read_json(STUDENT)
    validated = validation_of(desk.run)
    return {
        "schema": 1,
        "base_model": student["checkpoint"],
        "base_identity": student["identity"],
        "validated": validated,
        "note": UNVALIDATED if validated is False else "",
        "runs": [_row(run, result, folder) for run, result in zip(runs, results, strict=True)],
    }


def _row(run: TrainRun, result: Mapping[str, Json], folder: str) -> dict[str, Json]:
    return {
        "run_id": run.run_id,
        "quadrant": None if run.quadrant is None else run.quadrant.value,
        "supervision": run.supervision,
        "n_snapshots": len(run.snapshots),
        "snapshot_ids": [snapshot.id for snapshot in run.snapshots],
        "note": run.note,
        **result,
        "learning_rate": result["options"]["learning_rate"],
        "replay": result["options"]["replay"],
        "adapter": f"{folder}/{run.run_id}/adapter",
    }


def _check_adapter(desk: Desk, adapter: str, expected: str) -> None:
    place = desk.run.path / adapter
    found = adapter_digest(place)
    if found != expected:
        raise TrainingError(
            f"{place}: the journal says that this adapter was trained with digest {expected[:12]}, found "
            f"{found[:12]}. It was changed or removed afterwards; begin a new run, or put it back."
        )


def _examples_path(folder: str, run: TrainRun) -> str:
    return f"{folder}/{run.run_id}/examples.jsonl"


def _complete(runs: Sequence[TrainRun]) -> Criterion:
    wanted = len(Quadrant) * len(Route) + _BASELINES
    routes = {route.value for route in Route}
    found = sum(1 for run in runs if run.supervision in routes)
    lacking = [q.value for q in Quadrant if not any(run.quadrant is q for run in runs)]
    return Criterion(
        name="matrix_complete",
        sentence=f"All {wanted} runs of the matrix were trained.",
        value=float(found),
        n=wanted,
        met=found == wanted,
        note=f"no snapshots in {', '.join(lacking)}" if lacking else "",
    )


def _cost(desk: Desk) -> Cost:
    spec = desk.spec.training
    return Cost(optimiser_steps=planned_runs(desk.spec) * (spec.n_steps or 0))


PHASE = Phase(
    name="train",
    doing="train the matrix of quadrants and kinds of supervision",
    run=train,
    reads=(LABELLED, REPLAY, STUDENT),
    writes=(SUMMARY,),
    cost=_cost,
)
