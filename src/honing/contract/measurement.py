"""One measurement: rollout and evaluate under one answerer.

The model and every control are measured by this same code, through the same gateway, on throw-away copies of
the same prepared tree; only the source that answers differs.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import replace
from functools import partial

from honing.contract.asking.dead_server import check_alive
from honing.contract.asking.known_prompts import KnownPrompts, judges_only, planned_from_gold
from honing.contract.asking.rollout import Plan, ask_rows
from honing.contract.commands import evaluate_commands, roll_out_commands
from honing.contract.grading.evaluate import Judge, in_place, journaled, judge_samples, summarise
from honing.contract.samples.sample import JUDGED, Sample, SampleStatus
from honing.contract.workbench.bench import Bench, Measurement, Rollout, counts_of, without_score
from honing.executors import MapOptions, Progress
from honing.llm import Budget, Client, Source


def measure(bench: Bench, plan: Plan, source: Source, options: MapOptions) -> Measurement:
    """Rollout and evaluate under one source of answers."""
    return evaluate(bench, roll_out(bench, plan, source, options), options.progress)


def roll_out(
    bench: Bench, plan: Plan, source: Source, options: MapOptions, budget: Budget | None = None
) -> Rollout:
    """Let `source` answer what the plan asks, by the target's own commands where it has some.

    Raises:
        BudgetExhaustedError: The gateway refused a call for want of budget.
        ModelUnreachableError: Nobody answers at the model's server.
    """
    with closing(bench.gateway.channel(plan.name, source, budget=budget)) as channel:
        if bench.contract.stages.target_asks:
            rollout = roll_out_commands(bench, plan, channel, options.progress)
            if not rollout.ok:
                check_alive(source)
            return rollout
        if judges_only(bench):
            plan = planned_from_gold(bench, plan)
        with closing(bench.client(channel)) as client:
            samples = tuple(_asked(bench, plan, client, source, options))
        return Rollout(plan=plan, samples=samples, tree=None, counts=counts_of(samples))


def _asked(bench: Bench, plan: Plan, client: Client, source: Source, options: MapOptions) -> list[Sample]:
    check = partial(check_alive, source)
    return ask_rows(bench.run, plan, bench.task or KnownPrompts(), client, bench.asking, options, check)


def evaluate(bench: Bench, rollout: Rollout, progress: Progress) -> Measurement:
    """Judge a rollout, by the target's own commands where it has some."""
    if rollout.reason:
        return without_score(rollout, rollout.reason)
    if reason := _why_nobody_answered(rollout.samples):
        return without_score(rollout, reason)
    if bench.contract.stages.target_judges:
        return evaluate_commands(bench, rollout, progress)
    assert bench.scorer is not None
    judge: Judge = in_place
    if bench.judging is not None:
        judge = journaled(bench.run, rollout.plan.name, bench.scorer, bench.judging, progress)
    numbered = _numbered(rollout.samples) if rollout.tree is not None else list(rollout.samples)
    if reason := _why_asked_wrongly(numbered, rollout.plan):
        return without_score(rollout, reason)
    samples = judge_samples(bench.rows, bench.scorer, numbered, judge)
    evaluation = summarise(samples, bench.contract.metric, rollout.plan.planned)
    reason = "" if evaluation.score is not None else _why_none(samples)
    return Measurement(rollout=rollout, samples=tuple(samples), evaluation=evaluation, reason=reason)


def _why_nobody_answered(samples: tuple[Sample, ...]) -> str:
    """Why there is nothing that anybody could judge: a grader's trouble with that would hide the reason."""
    lost = [one for one in samples if one.status is SampleStatus.INFRA_ERROR]
    if not lost or any(one.status in JUDGED for one in samples):
        return ""
    return (
        f"{len(lost)} of {len(samples)} calls failed, so there is no answer to judge; the first: "
        f"{lost[0].error}. Run the same command again to try them again"
    )


def _numbered(samples: tuple[Sample, ...]) -> list[Sample]:
    """Calls of a target's own, the further ones about the same row as further epochs of it."""
    seen: Counter[str] = Counter()
    numbered = []
    for sample in samples:
        numbered.append(replace(sample, epoch=seen[sample.id]))
        seen[sample.id] += 1
    return numbered


def _why_asked_wrongly(samples: list[Sample], plan: Plan) -> str:
    """Why the calls are not what was planned: which of several answers counts cannot be known."""
    planned = {row.id for row in plan.rows}
    for row_id, count in Counter(sample.id for sample in samples if sample.id in planned).items():
        if count > plan.epochs:
            return (
                f"row {row_id!r} was asked {count} times, planned {plan.epochs}: which answer counts is open"
            )
    return ""


def _why_none(samples: list[Sample]) -> str:
    first = next((sample.error or sample.why for sample in samples if not sample.judged), "")
    return f"none of {len(samples)} samples could be judged; the first: {first}"
