"""What a matrix would do and may cost, before anything is done."""

from __future__ import annotations

from typing import Any

from honing.errors import HoningError
from honing.experiments.matrix.opening import kind_of
from honing.experiments.matrix.plan import cells_of
from honing.experiments.matrix.request import MatrixOptions
from honing.experiments.matrix.spec import MatrixSpec

_SUMMED = ("calls", "input_tokens", "output_tokens_assumed", "cost_usd", "proposals", "task_runs_at_most")
"""Figures of one trial that add up; None in any cell makes the sum unknown."""


def forecast_matrix(spec: MatrixSpec, options: MatrixOptions | None = None) -> dict[str, Any]:
    """Cells, trials, and what each would ask. Nothing is run or asked, and no run is made.

    Returns:
        Plain data. A cell that could not be run says why under `would_stop`.
    """
    kind = kind_of(spec, options or MatrixOptions())
    cells = []
    for cell in cells_of(spec):
        try:
            found = kind.forecast(cell)
        except HoningError as error:
            found = {"would_stop": f"{type(error).__name__.removesuffix('Error')}: {error}"}
        # What the user named goes before what the forecast calls it.
        cells.append({**found, "cell": cell.number, **cell.values})
    names = [name for name in _SUMMED if any(name in cell for cell in cells)]
    return {
        "name": spec.name,
        "kind": spec.kind,
        "cells": len(cells),
        "trials": len(cells) * spec.trials,
        "of_all_trials": {name: _total(cells, name, spec.trials) for name in names},
        "would_stop": sum(bool(cell.get("would_stop")) for cell in cells),
        "budget": spec.budget.model_dump(),
        "each": cells,
    }


def _total(cells: list[dict[str, Any]], name: str, trials: int) -> float | None:
    values = [cell.get(name) for cell in cells if not cell.get("would_stop")]
    return None if None in values else trials * sum(value for value in values if value is not None)
