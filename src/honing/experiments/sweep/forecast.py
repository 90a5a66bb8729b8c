"""What a sweep would ask and train, before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from honing.contract import asked_rows
from honing.errors import HoningError
from honing.experiments.sweep.spec import SweepOptions, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """Rows of one target."""

    population: int | None
    """None where they are not known."""
    reason: str = ""


def forecast_sweep(spec: SweepSpec, options: SweepOptions) -> dict[str, Any]:
    """Counts of answers and optimiser steps. No model is loaded, no run is made, nothing of a target is run.

    Returns:
        Plain data: one entry per target in the file's order, with `smoke_answers` over all stages,
        `training_answers` and `full_answers` (None where only the target's own commands decide), and the
        totals. Answers of a local model cost no money.
    """
    targets = [_forecast(spec, options, target) for target in spec.targets]
    counted = ("smoke_answers", "training_answers", "full_answers")
    totals = {name: _sum([one[name] for one in targets]) for name in counted}
    steps = spec.segments * spec.training.steps
    return {
        "base_model": spec.base_model,
        "targets": targets,
        "segments": spec.segments,
        "optimiser_steps": steps,
        "rows_trained_on": steps * spec.training.batch_size * spec.training.gradient_accumulation_steps,
        **totals,
        "cost_usd": 0.0,
    }


def _forecast(spec: SweepSpec, options: SweepOptions, target: str) -> dict[str, Any]:
    found = _population(target, spec, options)
    fixed = min(spec.rows_per_target, found.population or spec.rows_per_target)
    left = spec.samples_per_target
    if found.population is not None:
        left = min(left, found.population - fixed)
    return {
        "target": target,
        "population": found.population,
        "fixed_rows": fixed,
        "smoke_answers": fixed * (spec.segments + 1),
        "training_answers": left * spec.segments if spec.trains_on(target) else 0,
        "full_answers": found.population if spec.full_after_last else 0,
        "reason": found.reason,
    }


def _population(target: str, spec: SweepSpec, options: SweepOptions) -> _Rows:
    try:
        read = asked_rows(options.place_of(target), options.setting_up(options.home, spec.seed))
    except HoningError as error:
        return _Rows(population=None, reason=str(error))
    if read.own_commands:
        return _Rows(population=None, reason="the target asks with commands of its own")
    return _Rows(population=len(read.rows))


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
