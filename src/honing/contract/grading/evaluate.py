"""Evaluate: samples become a score, by our scorer or by the target's own command.

A sample lost to infrastructure is never a reward; a score over fewer samples than planned says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from honing.contract.grading.metrics import Reading
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.scorers import Row, Scorer, ScoreStatus
from honing.contract.spec import MetricSpec
from honing.errors import ExecutorError
from honing.executors import Executor, MapOptions, Observation, Progress, UnitResult, UnitStatus, run_map
from honing.stats import Interval, mean_interval, pass_at_k_interval, proportion
from honing.store import Run

SCORING_VERSION = "1"
"""Changes when the same completion would be judged differently; finished units of another version are not
reused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A measurement's figure and what stands behind it."""

    score: float | None
    """In the metric's unit; None where nothing could be judged."""
    n_planned: int
    n_scored: int
    interval: Interval | None = None
    """95%, in the metric's unit; None where a foreign score allows none."""
    pass_at: Mapping[int, Interval] | None = None
    """pass@k by k, where every row was asked more than once and rewards are right or wrong."""
    document: Mapping[str, Any] | None = None
    """The target's own metrics file, where it wrote one."""
    results: Mapping[str, Any] | None = None
    """What became of the target's own results for each sample, where it wrote some."""

    @property
    def coverage(self) -> float:
        """Samples judged, over samples planned."""
        return self.n_scored / self.n_planned if self.n_planned else 1.0


Unit = dict[str, Any]
Judge = Callable[[Callable[[Unit], Unit], list[Unit]], list[Unit]]
"""How many judgements are made: given the work and the units, their details in the same order."""


def in_place(work: Callable[[Unit], Unit], units: list[Unit]) -> list[Unit]:
    """Judge one after the other. For cheap scorers: they are pure, so doing it again changes nothing."""
    return [work(unit) for unit in units]


def journaled(run: Run, name: str, scorer: Scorer, executor: Executor, progress: Progress) -> Judge:
    """Judge as units of a run's journal. For scorers whose judging costs something (tests in a sandbox)."""

    def judge(work: Callable[[Unit], Unit], units: list[Unit]) -> list[Unit]:
        options = MapOptions(
            version=f"{SCORING_VERSION}:{scorer.name}", progress=progress, observe=_reward_of
        )
        results = run_map(run, f"{name}.score", retried(work), units, executor=executor, options=options)
        return [_detail_of(result) for result in results]

    return judge


def retried(work: Callable[[Unit], Unit]) -> Callable[[Unit], Unit]:
    """The same work, a failure of ours raised: it is no verdict to be kept, the next session tries again."""

    def attempt(unit: Unit) -> Unit:
        detail = work(unit)
        if detail["status"] == ScoreStatus.INFRA_ERROR:
            raise ExecutorError(detail["why"])
        return detail

    return attempt


def _reward_of(detail: Unit) -> Observation:
    return Observation(value=detail["reward"], cost_usd=0.0)


def judge_samples(
    rows: Mapping[str, Row], scorer: Scorer, samples: Sequence[Sample], judge: Judge = in_place
) -> list[Sample]:
    """Every answered sample with its reward.

    Args:
        rows: Rows by id.
        scorer: The judge.
        samples: As the rollout left them.
        judge: How the judgements are made.
    """
    answered = [one for one in samples if one.status is SampleStatus.COMPLETED and one.id in rows]
    units = [{"id": one.id, "epoch": one.epoch, "completion": one.completion} for one in answered]
    details = judge(lambda unit: _detail(scorer, rows[unit["id"]], unit["completion"]), units)
    judged = {one.key: _judged(one, detail) for one, detail in zip(answered, details, strict=True)}
    return [judged.get(one.key) or _not_judged(one, known=one.id in rows) for one in samples]


def summarise(samples: Sequence[Sample], metric: MetricSpec, n_planned: int) -> Evaluation:
    """The score over judged samples, with its interval.

    Rewards lie in [0, 1] and are stretched to the metric's range. Repeated answers to the same row are not
    independent, so the interval is clustered by row.
    """
    judged = [sample for sample in samples if sample.judged]
    if not judged:
        return Evaluation(score=None, n_planned=n_planned, n_scored=0)
    rewards = [float(sample.reward or 0.0) for sample in judged]
    repeated = any(sample.epoch for sample in judged)
    binary = all(reward in (0.0, 1.0) for reward in rewards)
    if binary and not repeated:
        interval = proportion(int(sum(rewards)), len(rewards))
    else:
        clusters = [sample.id for sample in judged] if repeated else None
        interval = mean_interval(rewards, clusters=clusters, bounds=(0.0, 1.0))
    stretched = _stretch(interval, metric)
    pass_at = _pass_at(judged) if repeated and binary else None
    return Evaluation(
        score=stretched.estimate,
        n_planned=n_planned,
        n_scored=len(judged),
        interval=stretched,
        pass_at=pass_at,
    )


def foreign(
    reading: Reading, metric: MetricSpec, *, n_planned: int, n_scored: int, tasks: int | None
) -> Evaluation:
    """A score the target's own grader wrote.

    Its interval takes the score for a share of `tasks` different tasks; there is none where their number is
    not known, since calls are no tasks.
    """
    low, high = metric.range
    interval = None
    if tasks:
        share = (reading.score - low) / (high - low)
        interval = _stretch(proportion(round(share * tasks), tasks), metric)
        interval = replace(interval, estimate=reading.score)
    return Evaluation(
        score=reading.score,
        n_planned=n_planned,
        n_scored=n_scored,
        interval=interval,
        document=reading.document,
    )


def foreign_over(
    reading: Reading,
    metric: MetricSpec,
    rewards: Sequence[tuple[str, float]],
    *,
    n_planned: int,
    n_scored: int,
) -> Evaluation:
    """A score the target's own grader wrote, over the rewards that it gave and whose mean it is.

    Args:
        reading: The score.
        metric: Its range.
        rewards: (task, reward in the metric's unit). Several of one task are one cluster of the interval.
        n_planned: Tasks or samples planned.
        n_scored: Of these, those with a reward.
    """
    low, high = metric.range
    shares = [(reward - low) / (high - low) for _, reward in rewards]
    tasks = [task for task, _ in rewards]
    repeated = len(set(tasks)) < len(tasks)
    if not repeated and all(share in (0.0, 1.0) for share in shares):
        interval = proportion(int(sum(shares)), len(shares))
    else:
        interval = mean_interval(shares, clusters=tasks if repeated else None, bounds=(0.0, 1.0))
    return Evaluation(
        score=reading.score,
        n_planned=n_planned,
        n_scored=n_scored,
        interval=replace(_stretch(interval, metric), estimate=reading.score),
        document=reading.document,
    )


def _detail(scorer: Scorer, row: Row, completion: str) -> dict[str, Any]:
    detail = scorer.score(row, completion)
    return {
        "reward": detail.reward,
        "extracted": detail.extracted,
        "expected": detail.expected,
        "why": detail.why,
        "status": detail.status.value,
        "scores": dict(detail.scores),
    }


def _detail_of(result: UnitResult) -> dict[str, Any]:
    if result.status is UnitStatus.DONE:
        found: dict[str, Any] = result.result
        return found
    why = f"{result.error_kind}: {result.error}"
    return {
        "reward": None,
        "extracted": None,
        "expected": None,
        "why": why,
        "status": "infra_error",
        "scores": {},
    }


_ENDINGS = {
    ScoreStatus.SCORED: SampleStatus.COMPLETED,
    ScoreStatus.INVALID: SampleStatus.INVALID,
    ScoreStatus.INFRA_ERROR: SampleStatus.INFRA_ERROR,
}


def _judged(sample: Sample, detail: Mapping[str, Any]) -> Sample:
    status = _ENDINGS[ScoreStatus(detail["status"])]
    return replace(
        sample,
        reward=detail["reward"],
        extracted=detail["extracted"],
        target=sample.target if detail["expected"] is None else detail["expected"],
        why=detail["why"],
        status=status,
        error=detail["why"] if status is SampleStatus.INFRA_ERROR else sample.error,
        scores=detail["scores"],
    )


def _not_judged(sample: Sample, *, known: bool) -> Sample:
    """A model that withheld its answer is wrong; a failure of ours or the provider's is no judgement at
    all."""
    if sample.status is SampleStatus.MODEL_FAILED:
        return replace(sample, reward=0.0)
    if not known and sample.status is SampleStatus.COMPLETED:
        return replace(
            sample,
            status=SampleStatus.INVALID,
            why="the prompt joins no row of the task, so no gold is known",
        )
    return sample


def _stretch(interval: Interval, metric: MetricSpec) -> Interval:
    low, high = metric.range
    if (low, high) == (0.0, 1.0):
        return interval
    width = high - low
    return replace(
        interval,
        estimate=low + width * interval.estimate,
        low=low + width * interval.low,
        high=low + width * interval.high,
    )


def _pass_at(judged: Sequence[Sample]) -> dict[int, Interval]:
    """pass@k for k = 1, 2, 4, ... up to the fewest answers any row has."""
    right: dict[str, list[int]] = {}
    for sample in judged:
        right.setdefault(sample.id, []).append(int(sample.reward or 0))
    fewest = min(len(rewards) for rewards in right.values())
    counts = [(sum(rewards), len(rewards)) for rewards in right.values()]
    return {k: pass_at_k_interval(counts, k) for k in (2**power for power in range(fewest.bit_length()))}
