"""One measurement: rollout and evaluate under one answerer.

The model and every control are measured by this same code, through the same gateway, on throw-away copies of
the same prepared tree; only the source that answers differs.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract.controls import AnswerBook
from honing.contract.copies import fresh_copy
from honing.contract.evaluate import (
    Evaluation,
    Judge,
    foreign,
    in_place,
    journaled,
    judge_samples,
    summarise,
)
from honing.contract.gold import Gold
from honing.contract.metrics import Reading, read_metrics
from honing.contract.rollout import Plan, ask_rows, samples_of_calls
from honing.contract.samples import Sample, SampleStatus, sample_from_row
from honing.contract.scorers import Row, Scorer
from honing.contract.spec import Answers, ContractSpec
from honing.contract.stages import StageContext, StageResult, checked, run_stage
from honing.contract.task import DatasetTask
from honing.executors import Executor, MapOptions, Progress, UnitStatus, inline, run_map
from honing.llm import Channel, Client, Gateway, Source
from honing.store import Run, TreeId, TreeStore, jsonl_bytes

COMMANDS_VERSION = "1"
"""Changes when the same commands would be run differently."""
INLINE = inline()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything a measurement stands on, fixed once a target is set up."""

    run: Run
    contract: ContractSpec
    task: DatasetTask | None
    scorer: Scorer | None
    rows: Mapping[str, Row]
    """Rows of the task by id; empty without a task."""
    gold: Gold | None
    """The right answers, where the target or the user gives them."""
    book: AnswerBook | None
    """Joins a prompt of the target's own to its row; None without gold."""
    trees: TreeStore
    prepared: TreeId
    """The tree that setup left; every rollout begins with a fresh copy of it."""
    gateway: Gateway
    context: Callable[[Path, Channel | None, Plan | None], StageContext]
    """Where a measurement's commands run."""
    client: Callable[[Channel], Client]
    asking: Executor
    """For units that wait for a model."""
    judging: Executor | None
    """For scorers whose judging costs something; None judges in place."""
    sandbox_name: str
    """What contains foreign code; "" where the contract has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What a rollout left."""

    plan: Plan
    samples: tuple[Sample, ...]
    tree: TreeId | None
    """The working copy after the rollout's commands; None where no command ran."""
    counts: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    """Why the rollout is not valid; empty where it is."""

    @property
    def ok(self) -> bool:
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """A rollout with its evaluation."""

    rollout: Rollout
    samples: tuple[Sample, ...]
    """Judged, where we or the target judged them."""
    evaluation: Evaluation
    reason: str = ""
    """Why there is no score; empty where there is one."""


def measure(bench: Bench, plan: Plan, source: Source, options: MapOptions) -> Measurement:
    """Rollout and evaluate under one source of answers."""
    return evaluate(bench, roll_out(bench, plan, source, options), options.progress)


def roll_out(bench: Bench, plan: Plan, source: Source, options: MapOptions) -> Rollout:
    """Let `source` answer what the plan asks, by the target's own commands where it has some."""
    with closing(bench.gateway.channel(plan.name, source)) as channel:
        if bench.contract.stages.rollout.commands:
            return _roll_out_commands(bench, plan, channel, options.progress)
        assert bench.task is not None  # ContractSpec: no commands, no task, then nobody answers
        with closing(bench.client(channel)) as client:
            samples = ask_rows(bench.run, plan, bench.task, client, bench.asking, options)
        return Rollout(plan=plan, samples=tuple(samples), tree=None, counts=_counts(samples))


def evaluate(bench: Bench, rollout: Rollout, progress: Progress) -> Measurement:
    """Judge a rollout, by the target's own commands where it has some."""
    if rollout.reason:
        return _without_score(rollout, rollout.reason)
    if bench.contract.stages.evaluate.commands:
        return _evaluate_commands(bench, rollout, progress)
    assert bench.scorer is not None
    judge: Judge = in_place
    if bench.judging is not None:
        judge = journaled(bench.run, rollout.plan.name, bench.scorer, bench.judging, progress)
    samples = judge_samples(bench.rows, bench.scorer, rollout.samples, judge)
    evaluation = summarise(samples, bench.contract.metric, rollout.plan.planned)
    reason = "" if evaluation.score is not None else _why_none(samples)
    return Measurement(rollout=rollout, samples=tuple(samples), evaluation=evaluation, reason=reason)


def _roll_out_commands(bench: Bench, plan: Plan, channel: Channel, progress: Progress) -> Rollout:
    def work(_: Any) -> dict[str, Any]:
        folder = fresh_copy(bench.run, bench.trees, bench.prepared, f"{plan.name}.rollout")
        # The log goes on over sessions; only this attempt's calls are this rollout's samples.
        before = max((call.ordinal for call in channel.calls()), default=0)
        checked(run_stage("rollout", bench.contract.stages.rollout, bench.context(folder, channel, plan)))
        calls = [call for call in channel.calls() if call.ordinal > before]
        samples = [_join(bench, sample) for sample in samples_of_calls(calls, plan)]
        return {
            "samples": [sample.as_row() for sample in samples],
            "tree": bench.trees.snapshot(folder),
            "counts": _counts(samples),
        }

    found, failure = _once(bench, plan, "rollout", work, progress)
    if found is None:
        return Rollout(plan=plan, samples=(), tree=None, reason=failure)
    samples = tuple(sample_from_row(row) for row in found["samples"])
    reason = _why_invalid(bench.contract, samples)
    return Rollout(plan=plan, samples=samples, tree=found["tree"], counts=found["counts"], reason=reason)


def _evaluate_commands(bench: Bench, rollout: Rollout, progress: Progress) -> Measurement:
    spec = bench.contract.stages.evaluate
    metrics = f"{spec.workdir}/{spec.metrics_path}"
    tree = rollout.tree or bench.prepared

    def work(_: Any) -> dict[str, Any]:
        folder = fresh_copy(bench.run, bench.trees, tree, f"{rollout.plan.name}.evaluate")
        _hand_over(bench, rollout, folder)
        context = bench.context(folder, None, rollout.plan)
        result = checked(run_stage("evaluate", spec, context, fresh=lambda: set_aside(folder, metrics)))
        reading = _read(bench, folder, result)
        return {"score": reading.score, "document": reading.document}

    found, failure = _once(bench, rollout.plan, "evaluate", work, progress)
    if found is None:
        return _without_score(rollout, failure)
    answered = [sample for sample in rollout.samples if sample.status is SampleStatus.COMPLETED]
    planned = max(rollout.plan.planned, len(rollout.samples))
    scored = planned if not rollout.samples else len(answered)
    reading = Reading(found["score"], found["document"])
    evaluation = foreign(reading, bench.contract.metric, n_planned=planned, n_scored=scored)
    return Measurement(rollout=rollout, samples=rollout.samples, evaluation=evaluation)


def _once(
    bench: Bench, plan: Plan, stage: str, work: Callable[[Any], dict[str, Any]], progress: Progress
) -> tuple[dict[str, Any] | None, str]:
    """Run a stage as one unit of the journal: its result, or why it failed."""
    unit = {
        "model": plan.model,
        "sampling": plan.sampling.as_dict(),
        "rows": plan.planned,
        "tree": bench.prepared,
    }
    options = MapOptions(version=f"{COMMANDS_VERSION}:{bench.contract.digest}", progress=progress)
    (result,) = run_map(bench.run, f"{plan.name}.{stage}", work, [unit], executor=INLINE, options=options)
    if result.status is UnitStatus.DONE:
        return result.result, ""
    return None, result.error


def _read(bench: Bench, folder: Path, result: StageResult) -> Reading:
    spec = bench.contract.stages.evaluate
    return read_metrics(
        folder,
        f"{spec.workdir}/{spec.metrics_path}",
        bench.contract.metric,
        required_keys=spec.required_keys,
        not_before=result.started,
    )


def set_aside(folder: Path, relative: str) -> None:
    """Remove a result that lies there before the stage that must write it. Links are removed, never
    followed."""
    path = folder
    for part in Path(relative).parts[:-1]:
        path = path / part
        if path.is_symlink():
            path.unlink()
            return
    path = path / Path(relative).name
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _hand_over(bench: Bench, rollout: Rollout, folder: Path) -> None:
    """Write the samples where the target's evaluate command expects them, if Honing asked for them."""
    where = bench.contract.stages.rollout.samples
    if where is None or bench.contract.stages.rollout.commands:
        return
    path = folder / where
    set_aside(folder, where)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(jsonl_bytes(sample.as_row() for sample in rollout.samples))


def _join(bench: Bench, sample: Sample) -> Sample:
    """The sample with its row's id, where the prompt can be joined to a row."""
    row = bench.book.find(sample.prompt) if bench.book is not None else None
    return sample if row is None else _renamed(sample, row, bench)


def _renamed(sample: Sample, row_id: str, bench: Bench) -> Sample:
    target = bench.task.expected(bench.rows[row_id]) if bench.task is not None else ""
    return replace(sample, id=row_id, target=target)


def _why_invalid(contract: ContractSpec, samples: Sequence[Sample]) -> str:
    if contract.stages.rollout.answers is not Answers.GATEWAY:
        return ""
    if not samples:
        return (
            "no call reached the gateway during the rollout, so no model was measured. The rollout command "
            "must send "
            "its requests to $OPENAI_BASE_URL (or say `answers: none` if nothing is asked of a model)"
        )
    if not any(sample.status is SampleStatus.COMPLETED for sample in samples):
        return f"every call of the rollout failed; the first: {samples[0].error}"
    return ""


def _why_none(samples: Sequence[Sample]) -> str:
    first = next((sample.error or sample.why for sample in samples if not sample.judged), "")
    return f"none of {len(samples)} samples could be judged; the first: {first}"


def _without_score(rollout: Rollout, reason: str) -> Measurement:
    evaluation = Evaluation(score=None, n_planned=rollout.plan.planned, n_scored=0)
    return Measurement(rollout=rollout, samples=rollout.samples, evaluation=evaluation, reason=reason)


def _counts(samples: Sequence[Sample]) -> dict[str, Any]:
    """Calls and tokens of samples, also of those a former session asked."""
    return {
        "calls": len(samples),
        "input_tokens": sum(sample.usage.get("input_tokens") or 0 for sample in samples),
        "output_tokens": sum(sample.usage.get("output_tokens") or 0 for sample in samples),
    }
