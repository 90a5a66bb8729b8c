"""Running the controls: the same measurement, answered by somebody whose score is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from honing.contract.asking.rollout import Plan, choose_rows
from honing.contract.controls.calibrate import (
    CALIBRATION_ROWS,
    JUDGE_AT_LEAST,
    Calibration,
    OracleSource,
    Taken,
    judge,
)
from honing.contract.controls.control import AnswerBook, Control, Silent, Talk
from honing.contract.controls.half_right import (
    half_right,
    known_half,
    once_more,
    why_not_half_way,
    why_not_repeatable,
)
from honing.contract.controls.leaks import why_prompts_leak
from honing.contract.controls.policy_oracle import Misplaced
from honing.contract.measurement import evaluate, measure
from honing.contract.samples.sample import Sample
from honing.contract.scorers import JudgeModelScorer, Row
from honing.contract.workbench.bench import Bench, Measurement
from honing.executors import MapOptions, OneBar, Progress
from honing.llm import Answerer, Answering

COSTLY_FORMAT_ROWS = 16
"""Rows of each format variant where every judgement runs code."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One control, about to be measured."""

    name: str
    answerer: Answerer
    plan: Plan


def run_controls(bench: Bench, shown: Plan, *, progress: Progress) -> Calibration:
    """Measure every control that the target's gold allows, and judge them.

    Args:
        bench: What is calibrated.
        shown: What the model will be asked. Where a target's commands see some of it (the model's name, the
            limit), the controls show the same, so that they cannot be told from the model.
        progress: Is told how each control goes.
    """
    whole = bench.contract.stages.rollout.whole
    rows = choose_rows(list(bench.rows.values()), None if whole else CALIBRATION_ROWS, shown.seed)
    runs = [
        _Run(name, answerer, _plan(bench, name, shown, asked))
        for name, answerer, asked in _answerers(bench, rows, shown.seed)
    ]
    taken: dict[str, Taken] = {}
    further: list[str] = []
    answered: Sequence[Sample] = ()
    with OneBar(progress, "calibrate", total=sum(_units(bench, len(run.plan.rows)) for run in runs)) as bar:
        for run in runs:
            if isinstance(run.answerer, Misplaced):
                run.answerer.learn(answered)
            source = Answering(run.answerer, name=run.name)
            found = measure(bench, run.plan, source, MapOptions(progress=bar))
            taken[run.name] = _taken(found, run.answerer)
            if isinstance(bench.scorer, JudgeModelScorer):
                # A model that judges has been held against known pairs itself; it errs now and then.
                taken[run.name] = replace(taken[run.name], at_least=JUDGE_AT_LEAST)
            answered = found.rollout.samples if run.name == Control.ORACLE else answered
            further += _what_else(bench, run, found, taken, bar)
    gold = bench.gold
    if gold is not None and Control.SHUFFLED not in taken:
        taken[Control.SHUFFLED] = Taken(None, 0, "cannot be made: the golds of these rows do not differ")
    # A target's own commands decide how much they ask; what they asked is what they are about.
    most = max((figure.n for figure in taken.values()), default=0)
    return judge(
        bench.contract.metric,
        taken,
        oracle_source=_source(bench),
        rows=len(rows) or most,
        population=len(bench.rows) or most,
        own_scorer=bench.scorer is not None and not bench.contract.stages.target_judges,
        further=further,
    )


def _source(bench: Bench) -> OracleSource:
    if bench.policy is not None:
        return OracleSource.POLICY
    return bench.gold.source if bench.gold is not None else OracleSource.UNAVAILABLE


def _what_else(
    bench: Bench, run: _Run, found: Measurement, taken: dict[str, Taken], progress: Progress
) -> list[str]:
    """What a control shows beside its figure: prompts that tell the answer, a mixture out of its place."""
    gold, metric = bench.gold, bench.contract.metric
    reasons = []
    if gold is not None and run.name == Control.ORACLE:
        reasons.append(why_prompts_leak(found.samples, gold))
    if gold is not None and run.name == Control.HALF and taken[run.name].score is not None:
        ids = [row.id for row in run.plan.rows] or list(gold.right)
        reasons.append(why_not_half_way(metric, taken, found, known_half(ids, run.plan.seed), gold))
        if bench.contract.stages.target_judges:
            again = evaluate(bench, once_more(found.rollout), progress)
            reasons.append(why_not_repeatable(metric, taken[run.name].score, again))
    return [reason for reason in reasons if reason]


def _plan(bench: Bench, name: str, shown: Plan, rows: Sequence[Row]) -> Plan:
    costly = bench.judging is not None and name.startswith((Control.FORMAT, Control.TALK))
    return Plan(
        name=f"calibrate.{name}",
        rows=rows[:COSTLY_FORMAT_ROWS] if costly and not bench.contract.stages.rollout.whole else rows,
        model=shown.model,
        limit=shown.limit,
        system=shown.system,
        folders=shown.folders,
        template=shown.template,
        env=shown.env,
        seed=shown.seed,
        source=name,
        free=True,
    )


def _answerers(bench: Bench, rows: Sequence[Row], seed: int) -> Iterator[tuple[str, Answerer, Sequence[Row]]]:
    """Every control: its name, who answers, and on which rows.

    A foreign grader sees each row in one format only: a pass may be expensive.
    """
    gold = bench.gold
    if bench.policy is not None:
        yield Control.ORACLE, bench.policy, rows
        yield Control.NULL, Silent(), rows
        yield Control.SHUFFLED, Misplaced(seed), rows
        return
    if gold is not None:
        yield Control.ORACLE, gold.book(gold.right), rows
    yield Control.NULL, Silent(), rows
    if gold is None:
        return
    ids = [row.id for row in rows] or list(gold.right)
    shuffled = gold.shuffled(ids, seed)
    if shuffled:
        partnered = [row for row in rows if row.id in shuffled]
        yield Control.SHUFFLED, gold.book({**gold.right, **shuffled}), partnered
    if bench.contract.stages.target_judges or bench.contract.stages.benchmark.commands:
        yield Control.HALF, half_right(gold, known_half(ids, seed)), rows
    yield Control.TALK, Talk(), rows
    variants = gold.variants(ids)
    if bench.contract.stages.target_judges and variants:
        yield f"{Control.FORMAT}:mixed", gold.book({**gold.right, **_mixed(ids, variants)}), rows
        return
    for name, completions in variants.items():
        yield f"{Control.FORMAT}:{name}", gold.book({**gold.right, **completions}), rows


def _units(bench: Bench, rows: int) -> int:
    """Units of the journal that one control takes."""
    stages = bench.contract.stages
    rollout = 1 if stages.target_asks else rows
    judging = 1 if stages.target_judges else rows if bench.judging is not None else 0
    return rollout + judging


def _mixed(ids: Sequence[str], variants: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    names = sorted(variants)
    mixed: dict[str, str] = {}
    for index, row_id in enumerate(ids):
        name = names[index % len(names)]
        if row_id in variants[name]:
            mixed[row_id] = variants[name][row_id]
    return mixed


def _taken(found: Measurement, answerer: Answerer) -> Taken:
    """A control's figure; none where it did not answer everything, for then its score is not known
    beforehand."""
    n = found.evaluation.n_scored
    if isinstance(answerer, Misplaced) and not answerer.possible:
        return Taken(None, n, "cannot be made: the policy answers every prompt alike")
    if isinstance(answerer, AnswerBook) and answerer.unmatched:
        lost = f"{answerer.unmatched} prompts joined no row of the data, so their gold is unknown"
        return Taken(None, n, f"{lost}. {found.reason}".strip())
    if found.evaluation.score is not None and found.evaluation.coverage < 1:
        return Taken(None, n, f"only {n} of {found.evaluation.n_planned} answers were judged")
    return Taken(found.evaluation.score, n, found.reason)
