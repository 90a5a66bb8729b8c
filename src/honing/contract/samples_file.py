"""Starting from answers that exist already: a samples file instead of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.contract.bench import Bench, Rollout
from honing.contract.rollout import Plan
from honing.contract.samples import Sample, SampleStatus
from honing.contract.strict_json import parse
from honing.errors import MetricsError, UsageError

_TEXT_KEYS = ("completion", "answer", "output", "response", "prediction")
"""Names under which a completion is found, in this order."""


def rollout_from_file(path: Path, plan: Plan, bench: Bench) -> Rollout:
    """The rollout that a samples file holds (JSONL: `completion`, and `id` or `prompt` to find its row).

    Rows that were planned but stand not in the file are samples with status `skipped`, so they count in the
    denominator.

    Raises:
        UsageError: The target has no task to judge samples by.
        MetricsError: The file cannot be read, or a line names no row or no completion; the text names the
            line.
    """
    task = bench.task
    if task is None:
        raise UsageError(
            "--samples needs a target whose data have golds: this one is judged by its own commands."
        )
    wanted = {row.id: row for row in plan.rows}
    found: dict[str, list[Sample]] = {row_id: [] for row_id in wanted}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        entry = parse(line, source=where)
        row_id = _row_of(entry, bench, where)
        if row_id in wanted and len(found[row_id]) == plan.epochs:
            raise MetricsError(
                f"{where}: a further answer to row {row_id!r}, for which {plan.epochs} are wanted. Which one "
                "counts is not ours to choose: leave one, or give --epochs."
            )
        if row_id in wanted:
            sample = Sample(
                id=row_id,
                epoch=len(found[row_id]),
                prompt=task.prompt(wanted[row_id]),
                completion=_completion(entry, where),
                target=task.expected(wanted[row_id]),
                status=SampleStatus.COMPLETED,
                model=plan.model,
                seed=plan.seed,
            )
            found[row_id].append(sample)
    samples = [
        found[row_id][epoch] if epoch < len(found[row_id]) else _skipped(row_id, epoch, plan, bench)
        for row_id in wanted
        for epoch in range(plan.epochs)
    ]
    return Rollout(plan=plan, samples=tuple(samples), tree=None, counts={"calls": 0})


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}). Pass a JSONL file of samples."
        ) from None


def _row_of(entry: Any, bench: Bench, where: str) -> str:
    if not isinstance(entry, Mapping):
        raise MetricsError(f"{where}: a sample is a JSON object, got {type(entry).__name__}.")
    named = next((str(entry[key]) for key in ("id", "task_id", "sample_id") if key in entry), None)
    if named in bench.rows:
        return str(named)
    prompt = entry.get("prompt")
    joined = bench.book.find(prompt) if isinstance(prompt, str) and bench.book is not None else None
    if joined is None:
        known = ", ".join(list(bench.rows)[:3])
        raise MetricsError(
            f"{where}: names no row of the target. Give its 'id' (such as {known}) or its 'prompt'."
        )
    return joined


def _completion(entry: Mapping[str, Any], where: str) -> str:
    for key in _TEXT_KEYS:
        if isinstance(entry.get(key), str):
            return str(entry[key])
    raise MetricsError(f"{where}: has no text under {', '.join(map(repr, _TEXT_KEYS))}.")


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
