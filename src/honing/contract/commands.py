"""Rollout and evaluate by the target's own commands.

Each attempt begins with a fresh copy. What the rollout may leave behind for the evaluate stage are new files:
a file of the target that it changed or removed could be the grader, so that makes the rollout invalid.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from honing.contract.bench import Bench, Measurement, Rollout, counts_of, without_score
from honing.contract.copies import fresh_copy, place
from honing.contract.foreign_grades import graded, grades_left
from honing.contract.metrics import Reading, read_metrics
from honing.contract.results_file import Listing, list_results
from honing.contract.rollout import Plan, samples_of_calls
from honing.contract.samples import Sample, SampleStatus, sample_from_row
from honing.contract.samples_columns import ROW_PREFIX, written_samples
from honing.contract.spec import Answers
from honing.contract.stages import StageResult, checked, run_stage
from honing.errors import BudgetExhaustedError, MetricsError, ModelServerError, StageError
from honing.executors import MapOptions, Progress, UnitStatus, inline, run_map
from honing.llm import Channel
from honing.store import TreeId, jsonl_bytes

VERSION = "3"
"""Changes when the same commands would be run differently."""
INLINE = inline()
_OWN_TRACES = ("*/__pycache__", "*.pyc", ".pytest_cache", "*/.pytest_cache")
"""What programs leave beside their source without meaning it."""


def roll_out_commands(bench: Bench, plan: Plan, channel: Channel, progress: Progress) -> Rollout:
    """Run the target's rollout; every call it makes is a sample.

    Raises:
        BudgetExhaustedError: The gateway refused a call for want of budget.
    """

    def work(_: Any) -> dict[str, Any]:
        before = 0

        def fresh() -> None:
            nonlocal before
            fresh_copy(bench.run, bench.trees, bench.prepared, name)
            _hide_oracle(bench, folder)
            # The log goes on over attempts; only the calls of the last one are samples of this rollout.
            before = max((call.ordinal for call in channel.calls()), default=0)

        name = f"{plan.name}.rollout"
        folder = place(bench.run, name)
        context = bench.context(folder, channel, plan)
        result = run_stage("rollout", bench.contract.stages.rollout, context, fresh=fresh)
        if channel.exhausted:
            raise BudgetExhaustedError(channel.exhausted)
        checked(result)
        calls = [call for call in channel.calls() if call.ordinal > before]
        samples = tuple(_join(bench, sample) for sample in samples_of_calls(calls, plan))
        _check_answered(samples)
        tree = bench.trees.snapshot(folder)
        _check_untouched(bench, tree)
        return {"samples": [one.as_row() for one in samples], "tree": tree, "counts": counts_of(samples)}

    found, failure = _once(bench, plan, "rollout", work, progress)
    if found is None:
        return Rollout(plan=plan, samples=(), tree=None, reason=failure)
    samples = tuple(sample_from_row(row) for row in found["samples"])
    reason = _why_nobody_asked(samples) if bench.contract.stages.rollout.answers is Answers.GATEWAY else ""
    return Rollout(plan=plan, samples=samples, tree=found["tree"], counts=found["counts"], reason=reason)


def evaluate_commands(bench: Bench, rollout: Rollout, progress: Progress) -> Measurement:
    """Run the target's own grader on what the rollout left, and read its metric strictly."""
    spec = bench.contract.stages.evaluate
    metrics = f"{spec.workdir}/{spec.metrics_path}"

    def work(_: Any) -> dict[str, Any]:
        before: Listing = {}

        def fresh() -> None:
            nonlocal before
            set_aside(folder, metrics)
            before = list_results(folder)

        name = f"{rollout.plan.name}.evaluate"
        folder = fresh_copy(bench.run, bench.trees, rollout.tree or bench.prepared, name)
        _show_oracle(bench, folder)
        _hand_over(bench, rollout, folder)
        context = bench.context(folder, None, rollout.plan)
        result = checked(run_stage("evaluate", spec, context, fresh=fresh))
        reading = _read(bench, folder, result)
        grades = grades_left(bench, rollout, folder, before, reading.score)
        return {"score": reading.score, "document": reading.document, "grades": grades}

    judged = hashlib.sha256(
        jsonl_bytes([one.id, one.epoch, one.completion, one.status] for one in rollout.samples)
    )
    what = {"rollout": rollout.tree, "samples": judged.hexdigest()}
    found, failure = _once(bench, rollout.plan, "evaluate", work, progress, what)
    if found is None:
        return without_score(rollout, failure)
    return graded(bench, rollout, Reading(found["score"], found["document"]), found["grades"])


def _once(
    bench: Bench,
    plan: Plan,
    stage: str,
    work: Callable[[Any], dict[str, Any]],
    progress: Progress,
    what: dict[str, Any] | None = None,
) -> tuple[dict[str, Any] | None, str]:
    """Run a stage as one unit of the journal: its result, or why it failed."""
    unit = {"plan": plan.as_document(), "tree": bench.prepared, **(what or {})}
    options = MapOptions(version=f"{VERSION}:{bench.contract.digest}", progress=progress)
    (result,) = run_map(bench.run, f"{plan.name}.{stage}", work, [unit], executor=INLINE, options=options)
    return (result.result, "") if result.status is UnitStatus.DONE else (None, result.error)


def _check_answered(samples: Sequence[Sample]) -> None:
    """Refuse a rollout in which a task got no answer: run again, it may.

    Raises:
        ModelServerError: The text counts the tasks and gives the first failure.
    """
    answered = {one.id for one in samples if one.status is SampleStatus.COMPLETED}
    lost = [one for one in samples if one.status is not SampleStatus.COMPLETED and one.id not in answered]
    if lost:
        tasks = len({one.id for one in samples})
        raise ModelServerError(
            f"{len({one.id for one in lost})} of {tasks} tasks got no answer; the first: {lost[0].error}. "
            "Run the same command again to try them again"
        )


def _check_untouched(bench: Bench, tree: TreeId) -> None:
    """Refuse a rollout that changed or removed what the target brought.

    Raises:
        StageError: The text names the files.
    """
    diff = bench.trees.diff(bench.prepared, tree)
    pairs = (*diff.changed, *diff.type_changed, *diff.renamed, *diff.mode_changed)
    gone = {entry.name for entry in diff.removed} | {pair.before.name for pair in pairs}
    allowed = [*bench.contract.stages.rollout.writes, *_OWN_TRACES]
    if bench.contract.oracle is not None and bench.contract.oracle.file is not None:
        allowed.append(bench.contract.oracle.file)
    touched = sorted(name for name in gone if not any(fnmatch(name, pattern) for pattern in allowed))
    if touched:
        raise StageError(
            f"the rollout changed what the target brought ({', '.join(touched[:5])}): one of them may "
            "judge. If it "
            "means to, name them in stages.rollout.writes"
        )


def _hide_oracle(bench: Bench, folder: Path) -> None:
    """Take the right answers out of the copy that the rollout sees."""
    if bench.contract.oracle is not None and bench.contract.oracle.file is not None:
        (folder / bench.contract.oracle.file).unlink(missing_ok=True)


def _show_oracle(bench: Bench, folder: Path) -> None:
    if bench.contract.oracle is not None and bench.contract.oracle.file is not None:
        file = bench.contract.oracle.file
        set_aside(folder, file)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bench.original / file, folder / file)


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
    """Remove a result that lies there before the stage that must write it. Links are removed, never followed.

    Raises:
        MetricsError: A file stands where a folder of the path must be.
    """
    path = folder
    for part in Path(relative).parts[:-1]:
        path = path / part
        if path.is_symlink():
            path.unlink()
            return
        if path.exists() and not path.is_dir():
            raise MetricsError(
                f"{relative!r}: {part!r} is a file of the target, so no result can lie below it."
            )
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
    columns = bench.contract.stages.rollout.samples_columns
    asks_rows = any(what.startswith(ROW_PREFIX) for what in columns.values())
    raw = bench.task.columns() if asks_rows and bench.task is not None else {}
    path.write_bytes(written_samples(rollout.samples, columns, where, rows=bench.rows, raw=raw))


def _join(bench: Bench, sample: Sample) -> Sample:
    """The sample with its row's id and gold, where the prompt can be joined to a row."""
    row_id = bench.book.find(sample.prompt) if bench.book is not None else None
    if row_id is None:
        return sample
    target = bench.task.expected(bench.rows[row_id]) if bench.task is not None else ""
    return replace(sample, id=row_id, target=target)


def _why_nobody_asked(samples: Sequence[Sample]) -> str:
    if samples:
        return ""
    return (
        "no call reached the gateway during the rollout, so no model was measured. The rollout command must "
        "send "
        "its requests to $OPENAI_BASE_URL (or say `answers: none` if nothing is asked of a model)"
    )
