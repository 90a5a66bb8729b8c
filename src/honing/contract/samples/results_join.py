"""A grader's own results for each sample, joined with the samples, and held against the score it declares.

Rewards are used only where their mean is the declared score: two numbers that contradict each other cannot
both be about these samples.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.contract.samples.results_file import (
    Entry,
    Listing,
    TaskResult,
    declared_results,
    list_results,
    new_files,
    read_document,
    reward_of,
    tables_in,
)
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import EvaluateSpec, MetricSpec
from honing.errors import MetricsError

DISAGREE = "results_disagree"
_FILES_TRIED = 40
_ID_NAMES = ("id", "task_id", "sample_id", "question_id", "problem_id", "instance_id", "uid", "name", "task")
_REWARD_NAMES = (
    "reward",
    "score",
    "passed",
    "correct",
    "success",
    "is_correct",
    "resolved",
    "verdict",
    "pass",
    "accuracy",
    "acc",
    "result",
    "status",
    "",
)
"""Names under which a reward is looked for where nothing is declared, the surest first."""
_SURE = frozenset(_REWARD_NAMES[:8])
"""Names that hardly mean anything else, so that rewards under them that contradict the score are reported."""
_EXACT = 1e-6
_USUAL_DECIMALS, _SMALL_RANGE = 2, 2.0
"""A fraction is rounded to two decimals or more; a percentage, whose range is wide, to one or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a grader wrote about each sample, as found and as judged against its score."""

    file: str
    by: str
    """`contract` where the contract names the file, `found` where it was recognised."""
    column: str
    rewards: tuple[tuple[str, float | None], ...]
    """(task as our samples name it where it joins one, reward in the metric's unit), in the file's order."""
    texts: tuple[tuple[str, str], ...] = ()
    """(prompt, completion) of each, where the contract names these columns."""
    reason: str = ""
    """Why the rewards are not used; empty where they are."""

    @property
    def usable(self) -> bool:
        return not self.reason and any(reward is not None for _, reward in self.rewards)

    @property
    def scored(self) -> list[tuple[str, float]]:
        return [(task, reward) for task, reward in self.rewards if reward is not None]

    def as_document(self) -> dict[str, Any]:
        """For the journal; `results_from` is the way back."""
        return {
            "file": self.file,
            "by": self.by,
            "column": self.column,
            "rewards": [list(pair) for pair in self.rewards],
            "texts": [list(pair) for pair in self.texts],
            "reason": self.reason,
        }

    def summary(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "file": self.file,
            "by": self.by,
            "column": self.column,
            "n": len(self.rewards),
            "n_scored": len(self.scored),
            "agrees": self.usable,
            "reason": self.reason,
        }


def results_from(document: Mapping[str, Any] | None) -> Results | None:
    """The results that a journal holds."""
    if document is None:
        return None
    return Results(
        file=document["file"],
        by=document["by"],
        column=document["column"],
        rewards=tuple((task, reward) for task, reward in document["rewards"]),
        texts=tuple((prompt, completion) for prompt, completion in document["texts"]),
        reason=document["reason"],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """An evaluate stage that has ended: where, what it was about, and what it declares."""

    folder: Path
    spec: EvaluateSpec
    metric: MetricSpec
    samples: Sequence[Sample]
    score: float
    before: Listing
    """Result files as they lay there before the stage."""
    earlier: frozenset[str] = frozenset()
    """Files that the rollout wrote."""
    aliases: Mapping[str, str]
    """Further names of tasks: row ids by the values of the data's own columns."""


def results_of(judged: Judged) -> Results | None:
    """The results for each sample that the target's stages left; None where there are none."""
    new = new_files(judged.before, list_results(judged.folder), judged.earlier)
    if judged.spec.results is not None:
        return _declared(judged, new)
    doubtful: Results | None = None
    for file in new[:_FILES_TRIED]:
        for found in _recognised(judged, file):
            if found.usable:
                return found
            doubtful = doubtful or found
    return doubtful


def _declared(judged: Judged, new: Sequence[str]) -> Results:
    spec = judged.spec.results
    assert spec is not None
    blank = Results(file=spec.path, by="contract", column=spec.reward, rewards=())
    try:
        rows = declared_results(judged.folder, judged.spec.workdir, spec, new)
    except MetricsError as error:
        return replace(blank, reason=str(error))
    joined = _joined(rows, judged)
    found = replace(blank, texts=tuple((row.prompt, row.completion) for row in rows))
    return _held_against(replace(found, rewards=joined), judged)


def _recognised(judged: Judged, file: str) -> Iterator[Results]:
    """Tables of one file that have one record for every task that was asked, and a column of rewards."""
    try:
        document = read_document(judged.folder, file)
    except MetricsError:
        return
    textual = file.lower().endswith((".csv", ".tsv"))
    for entries in tables_in(document):
        tasks = _tasks(entries, judged)
        if tasks is None:
            continue
        doubtful: Results | None = None
        for column in _reward_columns(entries, textual=textual):
            values = [reward_of(entry[column], textual=textual) for _, entry in entries]
            pairs = tuple(zip(tasks, values, strict=True))
            blank = Results(file=file, by="found", column=column, rewards=pairs)
            found = _held_against(blank, judged)
            if found.usable:
                yield found
                return
            named = column.lower() in _SURE
            doubtful = doubtful or (found if named else None)
        if doubtful is not None:
            yield doubtful


def _tasks(entries: Sequence[Entry], judged: Judged) -> list[str] | None:
    """Which of our tasks each record is about; None unless all that were asked stand there, no other, and
    each as often as any.
    """
    asked = _answered_tasks(judged.samples)
    for name_of in _names(entries):
        names = [name_of(entry) for entry in entries]
        tasks = [_task_of(name, judged) for name in names]
        known = [task for task in tasks if task is not None]
        if len(known) == len(tasks) and set(known) == asked and len(known) % len(asked) == 0:
            return known
    return None


def _names(entries: Sequence[Entry]) -> Iterator[Callable[[Entry], Any]]:
    """Ways to name the task of a record: its key, an id column, any other column of texts."""
    if all(key is not None for key, _ in entries):
        yield lambda entry: entry[0]
    columns = [name for name in entries[0][1] if all(name in values for _, values in entries)]
    for name in sorted(columns, key=lambda name: name.lower() not in _ID_NAMES):
        yield lambda entry, name=name: entry[1][name]  # type: ignore[misc]


def _reward_columns(entries: Sequence[Entry], *, textual: bool) -> list[str]:
    """Columns with a reward in every record, the likeliest first."""
    columns = [
        name
        for name in entries[0][1]
        if all(reward_of(values.get(name), textual=textual) is not None for _, values in entries)
    ]
    order = {name: place for place, name in enumerate(_REWARD_NAMES)}
    return sorted(columns, key=lambda name: order.get(name.lower(), len(order)))


def _joined(rows: Iterable[TaskResult], judged: Judged) -> tuple[tuple[str, float | None], ...]:
    """Every result under the name that our samples have for its task, or its own where none joins.

    All are named in one way, by id, prompt or completion: a mixture could take the id `4` for the answer `4`.
    """
    found = list(rows)
    own = [row.id for row in found]
    for names in (own, [row.prompt for row in found], [row.completion for row in found]):
        tasks = [_task_of(name, judged) if name else None for name in names]
        known = [task for task in tasks if task is not None]
        if len(known) == len(found) and len(set(known)) == len(set(names)):
            return tuple((task, row.reward) for task, row in zip(known, found, strict=True))
    return tuple((row.id, row.reward) for row in found)


def _task_of(name: Any, judged: Judged) -> str | None:
    if not isinstance(name, str | int) or isinstance(name, bool):
        return None
    return judged.aliases.get(_fold(str(name)))


def names_of_tasks(samples: Sequence[Sample], raw: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Everything by which a grader may name a task, with the task's id: the id, the prompt, the completion,
    and the data's own columns, each only where it names one task alone.

    Args:
        samples: What was asked.
        raw: The data's own columns by row id.
    """
    asked = _answered_tasks(samples)
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for one in samples:
        for text in (one.prompt, one.completion):
            if text.strip():
                meant[_fold(text)].add(one.id)
    for task in asked:
        for value in raw.get(task, {}).values():
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                meant[_fold(str(value))].add(task)
    found = {name: next(iter(tasks)) for name, tasks in meant.items() if len(tasks) == 1}
    return found | {_fold(task): task for task in asked}


def _answered_tasks(samples: Sequence[Sample]) -> set[str]:
    return {one.id for one in samples if one.status is not SampleStatus.INFRA_ERROR}


def _fold(text: str) -> str:
    return " ".join(text.split())


def _held_against(results: Results, judged: Judged) -> Results:
    """The results with their rewards in the metric's unit, or with the reason why they are not used."""
    if not results.scored:
        return replace(results, reason=f"{results.file}: no result has a reward")
    tolerance = _tolerance(judged.score, judged.metric)
    for convert in _readings(judged.metric, [reward for _, reward in results.scored]):
        rewards = tuple(
            (task, None if reward is None else convert(reward)) for task, reward in results.rewards
        )
        scored = [(task, reward) for task, reward in rewards if reward is not None]
        if any(abs(mean - judged.score) <= tolerance for mean in _means(scored)):
            return replace(results, rewards=rewards)
    mean = next(iter(_means(results.scored)))
    return replace(
        results,
        reason=(
            f"{DISAGREE}: the {len(results.scored)} rewards under {results.column!r} in {results.file} have "
            f"the mean {mean:.6g}, but the declared score is {judged.score:.6g}"
        ),
    )


def _readings(metric: MetricSpec, rewards: Sequence[float]) -> Iterator[Callable[[float], float]]:
    """How rewards may stand to the metric's unit: they have it, are shares of its range, or, where less is
    better, say right as 1."""
    low, high = metric.range
    if all(low <= reward <= high for reward in rewards):
        yield lambda reward: reward
    if all(0 <= reward <= 1 for reward in rewards):
        yield lambda reward: low + (high - low) * reward
        if metric.direction == "minimize":
            yield lambda reward: high - (high - low) * reward


def _means(scored: Sequence[tuple[str, float]]) -> Iterator[float]:
    """Over results, and over tasks."""
    yield _mean([reward for _, reward in scored])
    by_task: defaultdict[str, list[float]] = defaultdict(list)
    for task, reward in scored:
        by_task[task].append(reward)
    yield _mean([_mean(rewards) for rewards in by_task.values()])


def _mean(rewards: Sequence[float]) -> float:
    try:
        return math.fsum(rewards) / len(rewards)
    except OverflowError:
        return math.fsum(reward / len(rewards) for reward in rewards)


def _tolerance(score: float, metric: MetricSpec) -> float:
    """How far a mean may lie from a score that was rounded before it was written down.

    A score with fewer decimals than scores are commonly rounded to has lost zeros, not digits: one more is
    asked of it.
    """
    _, _, decimals = format(score, ".12f").rstrip("0").partition(".")
    usual = _USUAL_DECIMALS if metric.range[1] - metric.range[0] <= _SMALL_RANGE else _USUAL_DECIMALS - 1
    digits = len(decimals) if len(decimals) >= usual else usual + 1
    return max(_EXACT, 0.5 * 10.0**-digits)


def rewarded(samples: Sequence[Sample], results: Results) -> tuple[Sample, ...]:
    """The samples with the rewards of the grader's own results.

    The i-th result of a task is about its i-th sample; a single result of a task with several calls is about
    all of them.
    """
    if not results.usable:
        return tuple(samples)
    given: defaultdict[str, list[float | None]] = defaultdict(list)
    for task, reward in results.rewards:
        given[task].append(reward)
    seen: defaultdict[str, int] = defaultdict(int)
    found = []
    for one in samples:
        rewards, place = given.get(one.id, []), seen[one.id]
        seen[one.id] += 1
        reward = rewards[0] if len(rewards) == 1 else rewards[place] if place < len(rewards) else None
        answered = one.status is not SampleStatus.INFRA_ERROR
        found.append(replace(one, reward=reward) if answered else one)
    return tuple(found)


def episodes(results: Results, samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Samples of a target that acts: one for each episode that its results name.

    What was said in an episode is taken from the results where the contract names the columns, else from the
    one call that joins it; the calls themselves stay in logs/calls.jsonl.
    """
    by_task: defaultdict[str, list[Sample]] = defaultdict(list)
    for one in samples:
        by_task[one.id].append(one)
    texts = results.texts or (("", ""),) * len(results.rewards)
    seen: defaultdict[str, int] = defaultdict(int)
    found = []
    for (task, reward), (prompt, completion) in zip(results.rewards, texts, strict=True):
        calls = by_task[task]
        found.append(
            Sample(
                id=task,
                epoch=seen[task],
                prompt=prompt or "\n\n".join(call.prompt for call in calls),
                completion=completion or "\n\n".join(call.completion for call in calls),
                reward=reward,
                status=SampleStatus.COMPLETED if reward is not None else SampleStatus.INVALID,
                why="" if reward is not None else "the target's results give this episode no reward",
                model=samples[0].model if samples else "",
            )
        )
        seen[task] += 1
    return tuple(found)
