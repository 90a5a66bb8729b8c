"""Settling what a contract's number is, before any model is asked.

The evaluation is run under right, empty and wrong answers, each through the same stages that the model's
answers will go through; `metric.choose_metric` then finds the number that they move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from honing.contract.asking.rollout import Plan
from honing.contract.controls.calibrate import Level
from honing.contract.controls.control import Control, Silent
from honing.contract.derivation.metric import MetricFound, MetricMissing, choose_metric
from honing.contract.derivation.observing import observation_from
from honing.contract.measurement import measure
from honing.contract.scorers import Row
from honing.contract.spec import ContractSpec, Provenance, with_provenance
from honing.contract.spec_file import dump_contract
from honing.contract.stages.failures import Failure
from honing.contract.workbench.bench import Bench
from honing.errors import CalibrationError, MetricsError
from honing.executors import MapOptions, Progress
from honing.llm import Answerer, Answering

FINDINGS = "metric_discovery.json"
"""Name of the record in a run: what every number did under each control."""
_FEW = 8
"""Rows with which it is tried whether a grader takes samples of only some."""


_MOST_SEEN = 5
"""Numbers that a message lists; contract_gap.json lists them all."""


class NoMetricError(MetricsError):
    """The number could not be found; `document` is what contract_gap.json says."""

    def __init__(
        self,
        text: str,
        *,
        level: Level,
        closes: str,
        tried: Sequence[str] = (),
        failure: Failure | None = None,
    ) -> None:
        self.stage = "metric"
        self.failure = failure
        self.document = _gap("no_metric", text, level=level, closes=closes, tried=tried)
        shown = "".join(f"\n  {line}" for line in tried[:_MOST_SEEN])
        more = f"\n  and {len(tried) - _MOST_SEEN} more" if len(tried) > _MOST_SEEN else ""
        super().__init__(f"{text}.{shown}{more}\nNext: {closes}.")


class NoRightAnswersError(CalibrationError):
    """The number cannot even be looked for; `document` is what contract_gap.json says."""

    def __init__(self) -> None:
        self.stage = "metric"
        text = (
            "the metric is not declared, and without right answers it cannot be found: nothing shows which "
            "number they move"
        )
        closes = (
            "declare the number (metric.path, or evaluate.source and evaluate.pattern, in a contract.yaml "
            "that `hone contract derive --out FILE` writes), or, where tasks have right answers, give them "
            "with --oracle FILE"
        )
        self.document = _gap("no_right_answers", text, level=Level.COMMANDS_FOUND, closes=closes)
        super().__init__(f"{text}.\nNext: {closes}.")


def _gap(reason: str, text: str, *, level: Level, closes: str, tried: Sequence[str] = ()) -> dict[str, Any]:
    return {
        "level": level.value,
        "reason": reason,
        "found": text,
        "closes": closes,
        "candidates": [],
        "tried": list(tried),
        "hints": [],
        "foreign": None,
    }


def refuse_no_answers(spec: ContractSpec, *, known: bool) -> None:
    """Refuse a contract whose number nothing can show, before anything of it is built.

    Args:
        spec: The contract.
        known: Whether right answers are known by row, the user's or the target's.

    Raises:
        NoRightAnswersError: It must be found and there are none, nor a program that makes them.
    """
    made = spec.oracle is not None and bool(spec.oracle.commands)
    if spec.metric.discover and not known and not made:
        raise NoRightAnswersError


@dataclass(frozen=True, slots=True)
class _Trial:
    """One evaluation whose worth is known."""

    name: str
    answerer: Answerer
    rows: Sequence[Row]


def settle(bench: Bench, shown: Plan, *, progress: Progress) -> Bench:
    """The bench with a contract whose metric is declared.

    Args:
        bench: As set up; nothing happens where its contract declares its metric.
        shown: What the model will be asked: the target sees the same model name and limit.
        progress: Is told how each trial goes.

    Raises:
        MetricsError: No number behaves as a score; the text lists what was seen.
        CalibrationError: There are no right answers to try it with.
    """
    if not bench.contract.metric.discover:
        return bench
    seen = {trial.name: _observed(bench, trial, shown, progress) for trial in _trials(bench)}
    found = choose_metric(
        {name: observation_from(document) for name, document in seen.items()},
        chance=bench.contract.metric.chance,
        model=shown.model,
    )
    bench.run.write_json(FINDINGS, _document(found))
    if isinstance(found, MetricMissing):
        raise NoMetricError(
            f"no metric: {found.reason}",
            level=Level.RUNS,
            tried=found.seen,
            closes=(
                "declare the number in contract.yaml (metric.path, or evaluate.source: stdout with "
                "evaluate.pattern); `hone contract derive` writes one to edit"
            ),
        )
    settled = replace(bench, contract=_settled(bench.contract, found))
    settled = _with_whole(settled, found, shown, progress)
    bench.run.write_text("contract.yaml", dump_contract(settled.contract))
    return settled


def _trials(bench: Bench) -> list[_Trial]:
    """Right, empty and wrong answers to every row: free, since no model is asked."""
    gold = bench.gold
    if gold is None:
        raise NoRightAnswersError
    rows = list(bench.rows.values())
    trials = [
        _Trial(Control.ORACLE, gold.book(gold.right), rows),
        _Trial(Control.NULL, Silent(), rows),
    ]
    wrong = gold.shuffled(list(gold.right), 0)
    if wrong:
        trials.append(_Trial(Control.SHUFFLED, gold.book({**gold.right, **wrong}), rows))
    return trials


def _observed(bench: Bench, trial: _Trial, shown: Plan, progress: Progress) -> Mapping[str, Any]:
    """What the evaluation left under one trial.

    Raises:
        MetricsError: A stage failed under right answers; the text is the stage's own.
    """
    plan = Plan(
        name=f"metric.{trial.name}",
        rows=trial.rows,
        model=shown.model,
        limit=shown.limit,
        seed=shown.seed,
        source=trial.name,
        free=True,
        env=shown.env,
        folders=shown.folders,
    )
    source = Answering(trial.answerer, name=trial.name)
    found = measure(bench, plan, source, MapOptions(progress=progress))
    document = found.evaluation.document
    if document is not None:
        return document
    if trial.name == Control.ORACLE:
        next_step = found.failure.next_step if found.failure is not None else ""
        raise NoMetricError(
            f"the metric could not be found: under right answers {found.reason}".rstrip(". \n"),
            level=Level.COMMANDS_FOUND,
            closes=next_step
            or "correct the command, or the form in which it is given answers, in contract.yaml",
            failure=found.failure,
        )
    # A grader may refuse empty answers altogether: then it says nothing about them.
    return {"output": "", "figures": {}, "files": [], "failed": found.reason}


def _settled(spec: ContractSpec, found: MetricFound) -> ContractSpec:
    stages = spec.stages.model_copy(update={"evaluate": found.placed(spec.stages.evaluate)})
    others = f"; others: {'; '.join(found.alternatives)}" if found.alternatives else ""
    part = Provenance(part="metric", by="derivation", anchor="", why=f"{found.why}{others}")
    return with_provenance(spec.model_copy(update={"metric": found.metric, "stages": stages}), [part])


def _with_whole(bench: Bench, found: MetricFound, shown: Plan, progress: Progress) -> Bench:
    """Whether the target's grader takes samples of only some rows: tried with right answers to a few."""
    spec = bench.contract
    asks_itself = not spec.stages.rollout.commands and not spec.stages.benchmark.commands
    rows = list(bench.rows.values())
    if not asks_itself or len(rows) <= _FEW or bench.gold is None:
        return bench
    plan = Plan(
        name="metric.few", rows=rows[:_FEW], model=shown.model, seed=shown.seed, source="few", free=True
    )
    source = Answering(bench.gold.book(bench.gold.right), name="few")
    few = measure(bench, plan, source, MapOptions(progress=progress))
    best = found.values[Control.ORACLE]
    if few.evaluation.score is not None and few.evaluation.score == best:
        return bench
    why = f"its grader does not take right answers to {_FEW} of {len(rows)} rows ({few.reason[-300:]})"
    rollout = spec.stages.rollout.model_copy(update={"whole": True})
    spec = spec.model_copy(update={"stages": spec.stages.model_copy(update={"rollout": rollout})})
    part = Provenance(part="stages.rollout.whole", by="derivation", why=why)
    return replace(bench, contract=with_provenance(spec, [part]))


def _document(found: MetricFound | MetricMissing) -> dict[str, Any]:
    if isinstance(found, MetricMissing):
        return {"found": False, "reason": found.reason, "seen": list(found.seen)}
    return {
        "found": True,
        "metric": found.metric.model_dump(mode="json"),
        "evaluate": {name: str(value) for name, value in found.evaluate.items()},
        "values": dict(found.values),
        "alternatives": list(found.alternatives),
        "why": found.why,
    }
