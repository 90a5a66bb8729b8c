"""From what a target's own grader left, its number and its results for each sample, to a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.contract.grading.evaluate import Evaluation, foreign, foreign_over
from honing.contract.grading.metrics import Reading
from honing.contract.samples.results_file import Listing
from honing.contract.samples.results_join import (
    Judged,
    Results,
    episodes,
    names_of_tasks,
    results_from,
    results_of,
    rewarded,
)
from honing.contract.samples.sample import JUDGED, Sample
from honing.contract.spec import Answers
from honing.contract.workbench.bench import Bench, Measurement, Rollout, without_score


def grades_left(
    bench: Bench, rollout: Rollout, folder: Path, before: Listing, score: float
) -> dict[str, Any] | None:
    """The grader's results for each sample, as plain data for the journal; None where it wrote none.

    Args:
        bench: The target.
        rollout: What was judged.
        folder: The working copy the evaluate stage ran in.
        before: The result files that lay there when the stage began (`list_results`).
        score: The declared number, which the rewards must have as their mean.
    """
    raw = bench.task.columns() if bench.task is not None else {}
    judged = Judged(
        folder=folder,
        spec=bench.contract.stages.evaluate,
        metric=bench.contract.metric,
        samples=rollout.samples,
        score=score,
        before=before,
        earlier=_written_by(bench, rollout),
        aliases=names_of_tasks(rollout.samples, raw),
    )
    found = results_of(judged)
    return None if found is None else found.as_document()


def _written_by(bench: Bench, rollout: Rollout) -> frozenset[str]:
    """Files that the rollout's commands wrote."""
    if rollout.tree is None:
        return frozenset()
    diff = bench.trees.diff(bench.prepared, rollout.tree)
    return frozenset(
        [entry.name for entry in diff.added] + [pair.after.name for pair in (*diff.changed, *diff.renamed)]
    )


def graded(bench: Bench, rollout: Rollout, reading: Reading, grades: Mapping[str, Any] | None) -> Measurement:
    """The measurement that a foreign score and its results for each sample make."""
    results = results_from(grades)
    if bench.contract.stages.rollout.answers is Answers.POLICY:
        return _of_episodes(bench, rollout, reading, results)
    n_planned, n_scored, tasks = denominator(bench, rollout)
    if results is None or not results.usable:
        metric = bench.contract.metric
        found = foreign(reading, metric, n_planned=n_planned, n_scored=n_scored, tasks=tasks)
        evaluation = replace(found, results=None if results is None else results.summary())
        return Measurement(rollout=rollout, samples=rollout.samples, evaluation=evaluation)
    by_sample = rollout.tree is None and bool(rollout.plan.rows)
    judged = results.scored if by_sample else {task for task, _ in results.scored}
    if tasks is None and not by_sample:
        # How many tasks the calls were about is known from the results alone.
        n_planned = len({task for task, _ in results.rewards})
    evaluation = _over(bench, reading, results, n_planned, min(len(judged), n_planned))
    samples = rewarded(rollout.samples, results)
    return Measurement(rollout=rollout, samples=samples, evaluation=evaluation)


def _of_episodes(bench: Bench, rollout: Rollout, reading: Reading, results: Results | None) -> Measurement:
    """What a target that acts came to: its results say how many episodes there were."""
    if results is None or not results.usable:
        reason = results.reason if results is not None else "the target wrote no results for its episodes"
        failed = without_score(rollout, f"no episode is known: {reason}")
        summary = None if results is None else results.summary()
        return replace(failed, evaluation=replace(failed.evaluation, results=summary))
    samples = episodes(results, rollout.samples)
    evaluation = _over(bench, reading, results, len(samples), len(results.scored))
    return Measurement(rollout=rollout, samples=samples, evaluation=evaluation)


def _over(bench: Bench, reading: Reading, results: Results, n_planned: int, n_scored: int) -> Evaluation:
    metric = bench.contract.metric
    found = foreign_over(reading, metric, results.scored, n_planned=n_planned, n_scored=n_scored)
    return replace(found, results=results.summary())


def denominator(bench: Bench, rollout: Rollout) -> tuple[int, int, int | None]:
    """Samples planned, samples answered, and how many different tasks they are; None where that is not
    known."""
    # An answer that the provider withheld was handed over as well, empty: it is wrong, not lost.
    answered: list[Sample] = [one for one in rollout.samples if one.status in JUDGED]
    if rollout.plan.rows and rollout.tree is None:
        return rollout.plan.planned, len(answered), len({one.id for one in answered})
    if bench.book is None or not answered:
        return len(rollout.samples), len(answered), None
    asked = {one.id for one in answered if bench.gold is not None and one.id in bench.gold.right}
    # Asked for everything, a target that leaves out tasks has not been measured on them.
    everything = asked if rollout.plan.limit is not None or bench.gold is None else set(bench.gold.right)
    planned = len(rollout.plan.rows) or len(everything)
    return planned, min(len(asked), planned), len(asked)
