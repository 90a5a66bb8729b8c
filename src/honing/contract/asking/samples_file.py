"""Starting from answers that exist already: a samples file instead of a rollout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from honing.contract.asking.rollout import Plan
from honing.contract.samples.columns import Answer, AnswersRead, read_answers
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import Answers
from honing.contract.workbench.bench import Bench, Rollout
from honing.errors import MetricsError, UsageError

SAMPLES_FILE = "samples_file"
"""Key under which a rollout's counts say which columns were read."""
ROLES = ("id", "completion", "prompt")
"""What the user may name a column for."""


def rollout_from_file(
    path: Path, plan: Plan, bench: Bench, columns: Mapping[str, str] | None = None
) -> Rollout:
    """The rollout that a samples file holds.

    Rows that were planned but stand not in the file are samples with status `skipped`, so they count in the
    denominator. Where the target brings no data that Honing reads, every answer of the file is a sample, to
    be judged by the target's own commands.

    Args:
        path: The file; see `read_answers`.
        plan: What is asked.
        bench: The target.
        columns: Columns by role (`id`, `completion`, `prompt`) that the user names.

    Raises:
        UsageError: The target's own rollout makes the answers, so that none can be given.
        MetricsError: The file cannot be read, or a line names no row or no completion; the text names the
            line.
    """
    stages = bench.contract.stages
    takes_file = not stages.rollout.commands or stages.rollout.answers is Answers.SAMPLES
    if bench.task is None and (stages.rollout.samples is None or not takes_file):
        raise UsageError(
            "--samples needs a target whose data have golds, or one whose contract names the file that its "
            "evaluate commands read (stages.rollout.samples): this one is judged by its own commands."
        )
    if not path.is_file():
        raise UsageError(f"{path}: cannot be read (no such file). Pass a file of samples.")
    read = read_answers(path, stages.rollout.samples_columns, asked=columns)
    samples = _of_rows(read, plan, bench) if bench.task is not None else _as_they_are(read.answers, plan)
    counts = {"calls": 0, SAMPLES_FILE: read.as_document(path.name)}
    return Rollout(plan=plan, samples=tuple(samples), tree=None, counts=counts)


def _of_rows(read: AnswersRead, plan: Plan, bench: Bench) -> list[Sample]:
    task = bench.task
    assert task is not None
    wanted = {row.id: row for row in plan.rows}
    found: dict[str, list[Sample]] = {row_id: [] for row_id in wanted}
    by_column = _ids_by_column(read, bench)
    for answer in read.answers:
        row_id = _row_of(answer, bench, by_column)
        if row_id not in wanted:
            continue
        if len(found[row_id]) == plan.epochs:
            raise MetricsError(
                f"{answer.where}: a further answer to row {row_id!r}, for which {plan.epochs} are wanted. "
                "Which one counts is not ours to choose: leave one, or give --epochs."
            )
        sample = Sample(
            id=row_id,
            epoch=len(found[row_id]),
            prompt=task.prompt(wanted[row_id]),
            completion=answer.completion,
            target=task.expected(wanted[row_id]),
            status=SampleStatus.COMPLETED,
            model=plan.model,
            seed=plan.seed,
        )
        found[row_id].append(sample)
    return [
        found[row_id][epoch] if epoch < len(found[row_id]) else _skipped(row_id, epoch, plan, bench)
        for row_id in wanted
        for epoch in range(plan.epochs)
    ]


def _as_they_are(answers: Sequence[Answer], plan: Plan) -> list[Sample]:
    """Every answer as a sample; the further ones about the same task as further epochs of it."""
    seen: Counter[str] = Counter()
    samples = []
    for number, answer in enumerate(answers, 1):
        task = answer.id if answer.id is not None else f"line-{number}"
        samples.append(
            Sample(
                id=task,
                epoch=seen[task],
                prompt=answer.prompt or "",
                completion=answer.completion,
                status=SampleStatus.COMPLETED,
                model=plan.model,
                seed=plan.seed,
            )
        )
        seen[task] += 1
    return samples


def _ids_by_column(read: AnswersRead, bench: Bench) -> Mapping[str, str]:
    """Row ids by the value of the data's own column, as far as a value is one row's alone."""
    column = read.data_column
    if not column or bench.task is None or all(answer.id in bench.rows for answer in read.answers):
        return {}
    pairs = [
        (str(values[column]), row_id)
        for row_id, values in bench.task.columns().items()
        if row_id in bench.rows and values.get(column) is not None
    ]
    times = Counter(value for value, _ in pairs)
    return {value: row_id for value, row_id in pairs if times[value] == 1}


def _row_of(answer: Answer, bench: Bench, by_column: Mapping[str, str]) -> str:
    if answer.id is not None and answer.id in bench.rows:
        return answer.id
    if answer.id is not None and answer.id in by_column:
        return by_column[answer.id]
    joined = bench.book.find(answer.prompt) if answer.prompt is not None and bench.book is not None else None
    if joined is None:
        known = ", ".join(list(bench.rows)[:3])
        raise MetricsError(
            f"{answer.where}: names no row of the target. Give its 'id' (such as {known}) or its 'prompt'."
        )
    return joined


def _skipped(row_id: str, epoch: int, plan: Plan, bench: Bench) -> Sample:
    assert bench.task is not None
    row = bench.rows[row_id]
    return Sample(
        id=row_id,
        epoch=epoch,
        prompt=bench.task.prompt(row),
        target=bench.task.expected(row),
        model=plan.model,
        error="the samples file has no answer for this row",
    )


def columns_asked(texts: Sequence[str]) -> dict[str, str]:
    """Columns by role from `ROLE=NAME` texts.

    Raises:
        UsageError: A text is not of that form, or names no role.
    """
    asked: dict[str, str] = {}
    for text in texts:
        role, equals, name = text.partition("=")
        if not equals or not name or role not in ROLES:
            raise UsageError(
                f"--samples-column takes ROLE=NAME with ROLE one of {', '.join(ROLES)}, got {text!r}."
            )
        asked[role] = name
    return asked
