"""What the tests of matrices share: small matrices, and trials whose ends are written down."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.experiments import MatrixOptions, MatrixResult, MatrixSpec, load_matrix, run_matrix
from honing.experiments.matrix.kinds.base import Ended, Limits, Spent, TrialOutcome
from honing.experiments.matrix.kinds.scripted import Play, ScriptedTrials
from honing.experiments.matrix.plan import Trial
from honing.store import Run

SCORES = {"one": 0.25, "two": 0.75}
"""Of the models of `small`, in their first trial."""


def small(**choices: Any) -> MatrixSpec:
    """One target, two models, two trials."""
    return load_matrix(
        None,
        {
            "name": "small",
            "seed": 5,
            "trials": 2,
            "measure.targets": ["sums"],
            "measure.models": ["one", "two"],
            **choices,
        },
    )


def ended(trial: Trial, **changed: Any) -> Ended:
    """A trial's end: its model's score, a little more in each further trial."""
    score = SCORES[trial.cell.values["model"]] + 0.125 * (trial.number - 1)
    plain = Ended(
        outcome=TrialOutcome.SCORED,
        score=score,
        spent=Spent(tokens=100, calls=2, cost_usd=0.5, duration_s=1.5),
        columns={"played": trial.name},
    )
    return Ended(**{**{name: getattr(plain, name) for name in plain.__slots__}, **changed})


def play(trial: Trial, limits: Limits, run: Run) -> Ended:
    return ended(trial)


def ran(home: Path, acting: Play = play, spec: MatrixSpec | None = None, **options: Any) -> MatrixResult:
    """A matrix named `m`, run to its end."""
    return run_matrix(
        spec or small(),
        MatrixOptions(home=home, run_name="m", **options),
        kind=ScriptedTrials(home, acting),
    )


def rows(path: Path) -> list[dict[str, str]]:
    """A table as it is written."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def picked(row: Mapping[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)
