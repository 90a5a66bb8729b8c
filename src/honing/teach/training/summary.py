"""training_summary.json: what was trained, on what, and where the adapters lie."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.errors import StudyError, UsageError
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.evaluation.players import BASE, Player
from honing.teach.phases.prepare import STUDENT, student_policy

Json = Any

FOLDER = "phase2"
SUMMARY = f"{FOLDER}/training_summary.json"
CORRELATION = "phase1b/cpt_correlation.json"
UNVALIDATED = (
    "the patch test did not foretell the gains of micro-training, so what is built on its labels is not "
    "validated"
)


def validation_of(run: Run) -> bool | None:
    """Whether micro-training validated the patch test in this run; None where it was not tried."""
    if not (run.path / CORRELATION).is_file():
        return None
    passed: bool | None = run.read_json(CORRELATION)["passed"]
    return passed


def adapter_digest(folder: Path) -> str:
    """sha256 of an adapter's weights; "nothing" where they are not there."""
    weights = folder / "adapter_model.safetensors"
    return hashlib.sha256(weights.read_bytes()).hexdigest() if weights.is_file() else "nothing"


def student_with_weights(desk: Desk) -> dict[str, Json]:
    """The run's student, as `learn.policy_from` reads it.

    Raises:
        UsageError: It is a mock, or another policy without weights of its own.
    """
    student = student_policy(desk.run)
    if student.get("kind") != "student":
        raise UsageError(
            f"The student of this run is of the kind {student.get('kind')!r}, which has no weights to train. "
            "Name a checkpoint (`--student-checkpoint`), or let a tiny student be made."
        )
    return student


def only(summary: Mapping[str, Json], run_ids: Sequence[str]) -> dict[str, Json]:
    """The same summary of some of its runs."""
    return {**summary, "runs": [row for row in summary["runs"] if row["run_id"] in run_ids]}


def players_of(desk: Desk, summary: Mapping[str, Json]) -> list[Player]:
    """The base student, then every run of a summary.

    Raises:
        StudyError: An adapter is gone, or was trained on another student: on this one its figures would mean
            nothing.
    """
    student, identity = student_policy(desk.run), desk.run.read_json(STUDENT)["identity"]
    trained_on = summary.get("base_identity", identity)
    if trained_on != identity:
        raise StudyError(
            f"The adapters of {SUMMARY} were trained on the student {summary['base_model']!r} "
            f"({trained_on[:12]}); the student of this run is another one ({identity[:12]}). Name theirs "
            "(--base-model), with the same --seed and history where it was made from scratch."
        )
    players = [Player(run_id=BASE, policy=student, identity=identity)]
    for row in summary["runs"]:
        adapter = (desk.run.path / row["adapter"]).resolve()
        if not (adapter / "adapter_config.json").is_file():
            raise StudyError(
                f"{adapter}: the adapter of run {row['run_id']} is not there. `hone teach train` makes it."
            )
        players.append(
            Player(
                run_id=row["run_id"],
                policy={**student, "adapter": str(adapter)},
                identity=adapter_digest(adapter),
                quadrant=row["quadrant"] or "",
                supervision=row["supervision"],
            )
        )
    return players
