"""Running the controls: the same measurement, answered by somebody whose score is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from honing.contract.bench import Bench, Measurement
from honing.contract.calibrate import CALIBRATION_ROWS, Calibration, OracleSource, Taken, judge
from honing.contract.controls import AnswerBook, Control, Silent
from honing.contract.measurement import measure
from honing.contract.rollout import Plan, choose_rows
from honing.contract.scorers import Row
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
    rows = choose_rows(list(bench.rows.values()), CALIBRATION_ROWS, shown.seed)
    runs = [
        _Run(name, answerer, _plan(bench, name, shown, asked))
        for name, answerer, asked in _answerers(bench, rows, shown.seed)
    ]
    taken: dict[str, Taken] = {}
    with OneBar(progress, "calibrate", total=sum(_units(bench, len(run.plan.rows)) for run in runs)) as bar:
        for run in runs:
            source = Answering(run.answerer, name=run.name)
            taken[run.name] = _taken(measure(bench, run.plan, source, MapOptions(progress=bar)), run.answerer)
    gold = bench.gold
    if gold is not None and Control.SHUFFLED not in taken:
        taken[Control.SHUFFLED] = Taken(None, 0, "cannot be made: the golds of these rows do not differ")
    # A target's own commands decide how much they ask; what they asked is what they are about.
    most = max((figure.n for figure in taken.values()), default=0)
    return judge(
        bench.contract.metric,
        taken,
        oracle_source=gold.source if gold is not None else OracleSource.UNAVAILABLE,
        rows=len(rows) or most,
        population=len(bench.rows) or most,
        own_scorer=bench.scorer is not None and not bench.contract.stages.evaluate.commands,
    )


def _plan(bench: Bench, name: str, shown: Plan, rows: Sequence[Row]) -> Plan:
    costly = bench.judging is not None and name.startswith(Control.FORMAT)
    return Plan(
        name=f"calibrate.{name}",
        rows=rows[:COSTLY_FORMAT_ROWS] if costly else rows,
        model=shown.model,
        limit=shown.limit,
        system=shown.system,
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
    variants = gold.variants(ids)
    if bench.contract.stages.evaluate.commands and variants:
        yield f"{Control.FORMAT}:mixed", gold.book({**gold.right, **_mixed(ids, variants)}), rows
        return
    for name, completions in variants.items():
        yield f"{Control.FORMAT}:{name}", gold.book({**gold.right, **completions}), rows


def _units(bench: Bench, rows: int) -> int:
    """Units of the journal that one control takes."""
    stages = bench.contract.stages
    rollout = 1 if stages.rollout.commands else rows
    judging = 1 if stages.evaluate.commands else rows if bench.judging is not None else 0
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
    if isinstance(answerer, AnswerBook) and answerer.unmatched:
        lost = f"{answerer.unmatched} prompts joined no row of the data, so their gold is unknown"
        return Taken(None, n, f"{lost}. {found.reason}".strip())
    if found.evaluation.score is not None and found.evaluation.coverage < 1:
        return Taken(None, n, f"only {n} of {found.evaluation.n_planned} answers were judged")
    return Taken(found.evaluation.score, n, found.reason)
