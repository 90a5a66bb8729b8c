"""A pilot: phases 0 to 4 at the smallest size, to see that everything is wired before anything is scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.store import Run
from honing.teach.desk import read_rows
from honing.teach.phase import Criterion
from honing.teach.running.imports import hand_out
from honing.teach.running.outcomes import StudyResult
from honing.teach.running.request import StudyOptions
from honing.teach.study import run_study
from honing.teach.study_file import with_choices
from honing.teach.study_spec import StudySpec

PHASES = (
    "prepare",
    "collect",
    "mine",
    "advise",
    "uncertainty",
    "leverage",
    "cpt",
    "quadrants",
    "train",
    "evaluate",
    "predictor",
)
FOLDERS: Mapping[str, str] = {
    "phase1": "phase1_labeling",
    "phase2": "phase2_training",
    "phase3": "phase3_eval",
    "phase4": "phase4_predictor",
}
"""Where a pilot's parts go, by the run's own folders."""

_SMALL: Mapping[str, Any] = {
    "student.architecture": "gpt2",
    "student.warm_start": {"hidden": 16, "layers": 1, "steps": 20, "demonstrations": 40},
    "collect.expert_tasks": 2,
    "mine.per_episode": 8,
    "mine.failure_panel": 6,
    "mine.retention_tasks": 4,
    "leverage.n_policy": 2,
    "leverage.n_force": 2,
    "leverage.n_expert": 1,
    "leverage.retest": False,
    "cpt.n_per_condition": 1,
    "cpt.retest": False,
    "cpt.succeeding": 2,
    "quadrants.min_per_quadrant": 1,
    "training.n_steps": 2,
    "training.batch_size": 2,
    "evaluation.n_tasks": 4,
    "evaluation.n_snapshots_per_quadrant": 2,
    "evaluation.sampled": False,
    "predictor.epochs": 2,
    "predictor.folds": 2,
    "predictor.embedding_dim": 16,
}
"""What a pilot does with less of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotResult:
    """How a pilot ended."""

    study: StudyResult
    """Its own criteria (so many snapshots per quadrant ...) say nothing at this size."""
    criteria: tuple[Criterion, ...]
    """Those of a pilot: is everything there?"""
    written: tuple[Path, ...]

    @property
    def passed(self) -> bool:
        return all(criterion.met for criterion in self.criteria)

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "ok": self.passed,
            "run": str(self.study.run),
            "criteria": [criterion.as_document() for criterion in self.criteria],
            "written": [str(path) for path in self.written],
        }


def pilot_spec(choices: Mapping[str, Any], *, spec: StudySpec | None = None) -> StudySpec:
    """The study of a pilot: small everywhere but where a choice says otherwise.

    Args:
        choices: Settings by dotted path.
        spec: The study that is piloted; the defaults where None.

    Raises:
        UsageError: A choice cannot be used.
    """
    return with_choices(spec or StudySpec(), {"name": "pilot", **_SMALL, **choices})


def run_pilot(spec: StudySpec, options: StudyOptions, out: Path | None) -> PilotResult:
    """Run a pilot and look whether everything is there.

    Args:
        spec: From `pilot_spec`.
        options: Of the session; its phases are those of a pilot.
        out: Where the parts go; nowhere but in the run where None.

    Raises:
        HoningError: A phase cannot be run; see `run_study`.
    """
    study = run_study(spec, replace(options, only=PHASES))
    wanted = {} if out is None else {inside: out / name for inside, name in FOLDERS.items()}
    written = hand_out(study.run, wanted)
    run = Run.open(study.run)
    return PilotResult(study=study, criteria=_criteria(run, study, spec), written=tuple(written))


def _criteria(run: Run, study: StudyResult, spec: StudySpec) -> tuple[Criterion, ...]:
    labeled = run.path / "phase1" / "labeled_snapshots.jsonl"
    count = len(read_rows(labeled)) if labeled.is_file() else 0
    tables = len(list((run.path / "phase3").glob("*.csv")))
    found = [
        _there("labeled", "phase1_labeling/labeled_snapshots.jsonl is there and not empty.", count),
        _there(
            "trained",
            "phase2_training/training_summary.json is there.",
            int((run.path / "phase2" / "training_summary.json").is_file()),
        ),
        _there("evaluated", "phase3_eval/*.csv are there.", tables),
        _there(
            "predicted",
            "phase4_predictor/training_result.json is there.",
            int((run.path / "phase4" / "training_result.json").is_file()),
        ),
    ]
    if spec.teacher.kind == "model" and not spec.teacher.skip_api:
        log = run.path / "logs" / "teacher_calls.jsonl"
        # Advice that an earlier run paid for is no call of this one.
        calls = len(log.read_bytes().splitlines()) if log.is_file() else 0
        found.append(_there("teacher", "The teacher was really asked at least once.", calls))
    return tuple(found)


def _there(name: str, sentence: str, count: int) -> Criterion:
    return Criterion(name=f"pilot_{name}", sentence=sentence, value=float(count), met=count > 0)
