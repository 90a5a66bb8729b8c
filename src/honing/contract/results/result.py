"""The result of a measurement as its user reads it: metrics.json, and whether a score may be given at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.contract.audit.rules import as_rows, verdicts
from honing.contract.controls.calibrate import Calibration, Level
from honing.contract.options import RolloutOptions
from honing.contract.samples.answer_lines import answers_without, line_asked
from honing.contract.samples.required import why_samples_fail
from honing.contract.samples.sample import Sample, outcomes
from honing.contract.spec import ContractSpec, MetricSpec
from honing.contract.workbench.bench import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one measurement came to. `score` is None whenever `ok` is False, and `reason` then says why."""

    ok: bool
    score: float | None
    reason: str
    level: Level
    label: str
    """`calibrated`, `uncalibrated` (accepted by the user) or `unverified`."""
    model: str
    mode: str
    metric: Mapping[str, Any]
    ci95: tuple[float, float] | None
    interval_method: str
    n_planned: int
    n_scored: int
    population: int
    """Rows of the whole target."""
    epochs: int
    pass_at: Mapping[str, Any]
    calibration: Mapping[str, Any]
    outcomes: Mapping[str, int]
    calls: int
    tokens: Mapping[str, int]
    cost_usd: float | None
    """None where a price is unknown; never 0 for want of a price."""
    contract_hash: str
    commit: str
    """The target's commit where it has one, else the hash of its content."""
    sandbox: str
    """What contained foreign code; "" where none ran."""
    audit: Sequence[Mapping[str, Any]] = ()
    """The causal rules and what was found (`audit.rules`)."""
    failure: Mapping[str, Any] | None = None
    """Why there is no score, typed, where a command of the target failed."""
    results: Mapping[str, Any] | None = None
    """What became of the target's own results for each sample; None where it wrote none."""
    unmarked: tuple[str, int] | None = None
    """How the line begins with which prompts ask answers to end, and how many answers lack it; None where
    they ask for none."""
    judge: Mapping[str, Any] | None = None
    """The model that judged, with its own calibration, calls and tokens; None where no model judged."""

    @property
    def coverage(self) -> float:
        """Samples judged, over samples planned."""
        return self.n_scored / self.n_planned if self.n_planned else 1.0

    def _counts(self) -> dict[str, int]:
        counts = {"samples": self.n_scored, "calls": self.calls}
        return counts if self.unmarked is None else {**counts, "without_answer_line": self.unmarked[1]}

    def as_document(self, *, run_id: str, ts: str) -> dict[str, Any]:
        """metrics.json."""
        return {
            "ok": self.ok,
            "score": self.score,
            "reason": self.reason,
            "level": self.level.value,
            "label": self.label,
            "model": self.model,
            "mode": self.mode,
            "metric": dict(self.metric),
            "ci95": None if self.ci95 is None else list(self.ci95),
            "interval_method": self.interval_method,
            "n_planned": self.n_planned,
            "n_scored": self.n_scored,
            "coverage": round(self.coverage, 6),
            "population": self.population,
            "epochs": self.epochs,
            "counts": self._counts(),
            "judged_by": None if self.judge is None else self.judge["model"],
            "judge": None if self.judge is None else dict(self.judge),
            "results": None if self.results is None else dict(self.results),
            "pass_at": dict(self.pass_at),
            "calibration": dict(self.calibration),
            "outcomes": dict(self.outcomes),
            "calls": self.calls,
            "tokens": dict(self.tokens),
            "cost_usd": self.cost_usd,
            "contract_hash": self.contract_hash,
            "commit": self.commit,
            "sandbox": self.sandbox,
            "audit": [dict(one) for one in self.audit],
            "failure": None if self.failure is None else dict(self.failure),
            "run_id": run_id,
            "ts": ts,
        }


def conclude(
    measurement: Measurement,
    calibration: Calibration,
    contract: ContractSpec,
    options: RolloutOptions,
    *,
    commit: str,
    sandbox: str,
    cost_usd: float | None,
) -> Result:
    """The result: the score where every condition for one holds, otherwise the first reason why not."""
    evaluation = measurement.evaluation
    reason = _first_reason(measurement, calibration, options)
    ok = not reason
    interval = evaluation.interval if ok else None
    plan = measurement.rollout.plan
    return Result(
        ok=ok,
        score=evaluation.score if ok else None,
        reason=reason,
        level=calibration.level,
        label=_label(calibration, ok=ok),
        model=plan.model,
        mode="limit" if options.limit is not None else options.mode.value,
        metric=_declared(contract.metric),
        ci95=(interval.low, interval.high) if interval is not None else None,
        interval_method=interval.method if interval is not None else "",
        n_planned=evaluation.n_planned,
        n_scored=evaluation.n_scored,
        population=calibration.population,
        epochs=plan.epochs,
        pass_at=_pass_at(measurement) if ok else {},
        calibration=calibration.as_document(),
        outcomes=outcomes(measurement.samples),
        calls=measurement.rollout.counts.get("calls", 0),
        tokens={
            "input": measurement.rollout.counts.get("input_tokens", 0),
            "output": measurement.rollout.counts.get("output_tokens", 0),
        },
        cost_usd=cost_usd,
        contract_hash=contract.digest,
        commit=commit,
        sandbox=sandbox,
        audit=as_rows(verdicts(measurement, calibration, contract)),
        failure=None if measurement.failure is None else measurement.failure.as_document(),
        results=evaluation.results,
        unmarked=_unmarked(measurement, contract),
    )


def _declared(metric: MetricSpec) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "direction": metric.direction,
        "range": list(metric.range),
        "chance": metric.chance,
    }


def _unmarked(measurement: Measurement, contract: ContractSpec) -> tuple[str, int] | None:
    """Answers without the line that prompts ask for, where Honing's own scorer reads it."""
    line = line_asked(str((contract.task or {}).get("template", "")))
    if not line or contract.stages.target_judges:
        return None
    return line, answers_without(measurement.samples, line)


def _first_reason(measurement: Measurement, calibration: Calibration, options: RolloutOptions) -> str:
    if measurement.reason:
        return measurement.reason
    if not calibration.ok and not options.allow_uncalibrated:
        return f"not calibrated: {calibration.reasons[0]}"
    evaluation = measurement.evaluation
    if evaluation.coverage < options.min_coverage:
        lost = evaluation.n_planned - evaluation.n_scored
        return (
            f"{lost} of {evaluation.n_planned} samples were not judged ({_endings(measurement.samples)}). "
            "Run the same "
            "command again to retry just those, or accept the gap with --min-coverage "
            f"{evaluation.coverage:.3f}"
        )
    if options.require_samples:
        return why_samples_fail(measurement.samples, evaluation.n_planned)
    return ""


def _endings(samples: tuple[Sample, ...]) -> str:
    found = {name: count for name, count in outcomes(samples).items() if count and name != "completed"}
    first = next((sample.error for sample in samples if sample.error), "")
    return ", ".join(f"{count} {name}" for name, count in found.items()) + (
        f"; the first: {first}" if first else ""
    )


def _label(calibration: Calibration, *, ok: bool) -> str:
    if calibration.ok:
        return "calibrated"
    return "uncalibrated" if ok else "unverified"


def _pass_at(measurement: Measurement) -> dict[str, Any]:
    found = measurement.evaluation.pass_at or {}
    return {str(k): {"estimate": one.estimate, "ci95": [one.low, one.high]} for k, one in found.items()}
