"""Running the controls: the same measurement, answered by somebody whose score is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from honing.contract.calibrate import CALIBRATION_ROWS, Calibration, OracleSource, Taken, judge
from honing.contract.controls import AnswerBook, Control, Silent
from honing.contract.measurement import Bench, Measurement, measure
from honing.contract.rollout import Plan, choose_rows
from honing.contract.scorers import Row
from honing.executors import MapOptions, OneBar, Progress
from honing.llm import Answerer, Answering

COSTLY_FORMAT_ROWS = 16
"""Rows of each format variant where every judgement runs code."""


def run_controls(bench: Bench, *, model: str, seed: int, progress: Progress) -> Calibration:
    """Measure every control that the target's gold allows, and judge them.

    Args:
        bench: What is calibrated.
        model: The name under which a target's commands see the controls: that of the model to be measured, so
            that they cannot tell them apart.
        seed: Which rows, and which other row's gold SHUFFLED answers with.
        progress: Is told how each control goes.
    """
    rows = choose_rows(list(bench.rows.values()), CALIBRATION_ROWS, seed)
    answerers = list(_answerers(bench, [row.id for row in rows], seed))
    plans = {name: _plan(bench, name, model, rows, seed) for name, _ in answerers}
    taken: dict[str, Taken] = {}
    with OneBar(progress, "calibrate", total=sum(_units(bench, len(p.rows)) for p in plans.values())) as bar:
        for name, answerer in answerers:
            plan = plans[name]
            found = measure(bench, plan, Answering(answerer, name=name), MapOptions(progress=bar))
            taken[name] = _taken(found, answerer)
    gold = bench.gold
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


def _plan(bench: Bench, name: str, model: str, rows: list[Row], seed: int) -> Plan:
    costly = bench.judging is not None and name.startswith(Control.FORMAT)
    return Plan(name=name, rows=rows[:COSTLY_FORMAT_ROWS] if costly else rows, model=model, seed=seed)


def _answerers(bench: Bench, ids: list[str], seed: int) -> Iterator[tuple[str, Answerer]]:
    """Every control by name. A foreign grader sees each row in one format only: a pass may be expensive."""
    gold = bench.gold
    if gold is not None:
        yield Control.ORACLE, gold.book(gold.right)
    yield Control.NULL, Silent()
    if gold is None:
        return
    shuffled = gold.shuffled(ids, seed)
    if shuffled:
        yield Control.SHUFFLED, gold.book({**gold.right, **shuffled})
    variants = gold.variants(ids)
    if bench.contract.stages.evaluate.commands and variants:
        yield f"{Control.FORMAT}:mixed", gold.book({**gold.right, **_mixed(ids, variants)})
        return
    for name, completions in variants.items():
        yield f"{Control.FORMAT}:{name}", gold.book({**gold.right, **completions})


def _units(bench: Bench, rows: int) -> int:
    """Units of the journal that one control takes."""
    stages = bench.contract.stages
    rollout = 1 if stages.rollout.commands else rows
    judging = 1 if stages.evaluate.commands else rows if bench.judging is not None else 0
    return rollout + judging


def _mixed(ids: list[str], variants: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    names = sorted(variants)
    mixed: dict[str, str] = {}
    for index, row_id in enumerate(ids):
        name = names[index % len(names)]
        if row_id in variants[name]:
            mixed[row_id] = variants[name][row_id]
    return mixed


def _taken(found: Measurement, answerer: Answerer) -> Taken:
    note = found.reason
    if isinstance(answerer, AnswerBook) and answerer.unmatched:
        lost = f"{answerer.unmatched} prompts joined no row of the data, so their gold is unknown."
        note = f"{lost} {note}".strip()
    return Taken(found.evaluation.score, found.evaluation.n_scored, note)
