"""train_and_benchmark_summary.json and its table: written anew as each part of a sweep ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.experiments.sweep.base_model import BaseModel
from honing.experiments.sweep.fixed import KnownTarget
from honing.experiments.sweep.measuring import Outcome, Rows
from honing.experiments.sweep.spec import SweepSpec
from honing.experiments.sweep.stages import Stage, change, ok
from honing.store import Run

SUMMARY = "train_and_benchmark_summary.json"
TABLE = "sweep.tsv"
SCHEMA = 1
SWEEP_COLUMNS = (
    "segment", "mode", "target", "rollout_ok", "evaluation_ok", "score", "ci95_low", "ci95_high", "n",
    "against_base", "against_base_low", "against_base_high", "direction_base",
    "against_previous", "against_previous_low", "against_previous_high", "direction_previous",
    "steps", "first_loss", "last_loss", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a sweep's figures are made from."""

    run: Run
    spec: SweepSpec
    base: BaseModel
    known: Sequence[KnownTarget]

    def write(self, stages: Sequence[Stage]) -> dict[str, Any]:
        """Write the document and the table; the document is returned."""
        document = self.document(stages)
        self.run.write_json(SUMMARY, document)
        self.run.write_tsv(TABLE, SWEEP_COLUMNS, sweep_rows(document))
        return document

    def document(self, stages: Sequence[Stage]) -> dict[str, Any]:
        """The summary as plain data."""
        spec = self.spec
        return {
            "schema": SCHEMA,
            "ok": ok(stages, spec.targets, spec.segments),
            "base_model": {"name": self.base.name, "digest": self.base.digest},
            "targets": list(spec.targets),
            "segments_planned": spec.segments,
            "steps_per_segment": spec.training.steps,
            "rows_per_target": spec.rows_per_target,
            "seed": spec.seed,
            "fixed_samples": "fixed_samples.json",
            "base": self._stage(stages, 0) if stages else None,
            "segments": [self._stage(stages, place) for place in range(1, len(stages))],
        }

    def _stage(self, stages: Sequence[Stage], place: int) -> dict[str, Any]:
        stage = stages[place]
        training = stage.training
        found: dict[str, Any] = {"name": stage.name}
        if place:
            found |= {
                "segment": stage.number,
                "ok": training is not None,
                "steps": 0 if training is None else training.steps,
                "first_loss": None if training is None else training.first_loss,
                "last_loss": None if training is None else training.last_loss,
                "loss_before": None if training is None else training.loss_before,
                "loss_after": None if training is None else training.loss_after,
                "adapter": None if training is None else f"{stage.name}/train/adapter",
                "data": None if stage.data is None else stage.data.about(),
                "too_long": None if training is None else training.too_long,
                "reason": stage.reason,
            }
        for rows, outcomes in stage.outcomes.items():
            found[rows.value] = [self._target(stages, place, rows, one) for one in outcomes]
        return found

    def _target(self, stages: Sequence[Stage], place: int, rows: Rows, outcome: Outcome) -> dict[str, Any]:
        slug = next(one.sample.slug for one in self.known if one.sample.target == outcome.target)
        found: dict[str, Any] = {
            "target": outcome.target,
            "rollout_ok": outcome.rollout_ok,
            "evaluation_ok": outcome.evaluation_ok,
            "metrics": dict(outcome.metrics),
            "used_anchors": list(outcome.used_anchors),
            "reason": outcome.reason,
            "model": outcome.model,
            "folder": f"{stages[place].name}/{rows.value}/{slug}",
            "run": outcome.run,
        }
        if rows is Rows.FULL:
            found["not_trained_on"] = dict(stages[place].untouched.get(outcome.target, {}))
        elif place:
            found["change"] = {
                "base": _change(stages[0], stages[place], outcome.target),
                "previous": _change(stages[place - 1], stages[place], outcome.target),
            }
        return found


def _change(before: Stage, after: Stage, target: str) -> dict[str, Any]:
    found, reason = change(before, after, target)
    return {"direction": None, "reason": reason} if found is None else {**found.as_document(), "reason": ""}


def sweep_rows(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The summary as rows of the table: one for each stage, mode and target, in the order of the file."""
    stages = [] if document["base"] is None else [document["base"]]
    return [
        _row(stage, rows.value, one)
        for stage in [*stages, *document["segments"]]
        for rows in Rows
        for one in stage.get(rows.value, [])
    ]


def _row(stage: Mapping[str, Any], mode: str, one: Mapping[str, Any]) -> dict[str, Any]:
    metrics = one["metrics"]
    low, high = metrics.get("ci95") or (None, None)
    row = {
        "segment": stage["name"],
        "mode": mode,
        "target": one["target"],
        "rollout_ok": one["rollout_ok"],
        "evaluation_ok": one["evaluation_ok"],
        "score": metrics.get("score"),
        "ci95_low": low,
        "ci95_high": high,
        "n": metrics.get("n_scored"),
        "steps": stage.get("steps"),
        "first_loss": stage.get("first_loss"),
        "last_loss": stage.get("last_loss"),
        "reason": one["reason"],
    }
    for against, found in one.get("change", {}).items():
        low, high = found.get("ci95") or (None, None)
        row |= {
            f"against_{against}": found.get("difference"),
            f"against_{against}_low": low,
            f"against_{against}_high": high,
            f"direction_{against}": found["direction"],
        }
    return {column: row.get(column) for column in SWEEP_COLUMNS}
