"""Rollout, evaluate and benchmark by the target's own commands.

Each attempt begins with a fresh copy. What the rollout may leave behind for the evaluate stage are new files
that cannot take the judge's place (`audit.untouched`). A target whose one command asks and judges
(`stages.benchmark`) leaves its number together with its calls.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.contract.asking.rollout import Plan, samples_of_calls
from honing.contract.asking.samples_file import rollout_from_file
from honing.contract.audit.causes import causes_of
from honing.contract.audit.untouched import check_untouched, traces_left
from honing.contract.controls.gold import ORACLE_BYTES
from honing.contract.derivation.observing import observe
from honing.contract.grading.foreign_grades import graded, grades_left
from honing.contract.grading.metrics import Reading, read_metrics, read_printed
from honing.contract.samples.columns import ROW_PREFIX, written_samples
from honing.contract.samples.results_file import Listing, list_results
from honing.contract.samples.sample import Sample, SampleStatus, sample_from_row
from honing.contract.spec import Answers, EvaluateSpec, MetricsSource, StageSpec
from honing.contract.stages.copies import fresh_copy, inside, place, set_aside
from honing.contract.stages.failures import Failure, FailureKind, StageFailedError, failure_of
from honing.contract.stages.stage import StageResult, checked, run_stage
from honing.contract.workbench.bench import Bench, Measurement, Rollout, counts_of, without_score
from honing.documents import read_plain_file
from honing.errors import BudgetExhaustedError, HoningError, MetricsError, ModelServerError, StageError
from honing.executors import MapOptions, Progress, UnitStatus, inline, run_map
from honing.llm import CallRecord, Channel
from honing.sandbox import remove_tree
from honing.store import jsonl_bytes

VERSION = "4"
"""Changes when the same commands would be run differently."""
INLINE = inline()


@dataclass(frozen=True, slots=True)
class _Asking:
    """The stage that asks the model: the rollout, or a benchmark command that judges as well."""

    name: str
    spec: StageSpec
    judges: bool


def _asking(bench: Bench) -> _Asking:
    stages = bench.contract.stages
    if stages.benchmark.commands:
        # A second command that judges reads what this one left; without one, this one leaves the number.
        return _Asking("benchmark", stages.benchmark, not stages.evaluate.commands)
    return _Asking("rollout", stages.rollout, judges=False)


def roll_out_commands(bench: Bench, plan: Plan, channel: Channel, progress: Progress) -> Rollout:
    """Run the target's rollout, or its combined command; every call it makes is a sample.

    Raises:
        BudgetExhaustedError: The gateway refused a call for want of budget, or the total limit is met.
    """
    asking = _asking(bench)

    def work(_: Any) -> dict[str, Any]:
        before, aside = 0, list[str]()
        listed: Listing = {}

        def fresh() -> None:
            nonlocal before, aside, listed
            fresh_copy(bench.run, bench.trees, bench.prepared, name)
            aside = _hide_oracle(bench, folder) + _set_results_aside(bench, folder)
            listed = list_results(folder)
            # The log goes on over attempts; only the calls of the last one are samples of this rollout.
            before = max((call.ordinal for call in channel.calls()), default=0)

        name = f"{plan.name}.rollout"
        folder = place(bench.run, name)
        context = bench.context(folder, channel, plan)
        result = run_stage(asking.name, asking.spec, context, fresh=fresh)
        if channel.exhausted:
            raise BudgetExhaustedError(channel.exhausted)
        calls = [call for call in channel.calls() if call.ordinal > before]
        _check_ran(result, calls)
        samples = _samples(bench, plan, calls, folder)
        tree = bench.trees.snapshot(folder)
        check_untouched(bench, tree, aside, asking.name)
        found = {"samples": [one.as_row() for one in samples], "tree": tree, "counts": counts_of(samples)}
        if asking.judges:
            left = Rollout(plan=plan, samples=samples, tree=tree)
            found["judged"] = _judged(bench, left, folder, result, listed)
        return found

    found, failure = _once(bench, plan, asking.name, work, progress)
    if found is None:
        return Rollout(plan=plan, samples=(), tree=None, reason=_text(failure), failure=failure)
    return _rolled_out(bench, plan, asking.name, found)


def _check_ran(result: StageResult, calls: Sequence[CallRecord]) -> None:
    """Refuse a stage that failed; where a model call failed before, that is why.

    Raises:
        StageFailedError: It did.
    """
    refused = next((call.error for call in reversed(calls) if call.error), "")
    if result.failure is None or not refused:
        checked(result)
        return
    text = f"{result.failure.text}\nThe last model call that failed: {refused}"
    raise StageFailedError(replace(result.failure, kind=FailureKind.NO_ANSWER, text=text))


def _rolled_out(bench: Bench, plan: Plan, stage: str, found: Mapping[str, Any]) -> Rollout:
    samples = tuple(sample_from_row(row) for row in found["samples"])
    rollout = Rollout(
        plan=plan,
        samples=samples,
        tree=found["tree"],
        counts=found["counts"],
        judged=found.get("judged"),
    )
    if bench.contract.stages.rollout.answers in (Answers.GATEWAY, Answers.POLICY) and not samples:
        return replace(rollout, reason=_NOBODY_ASKED, failure=_nobody_asked(stage))
    return rollout


def evaluate_commands(bench: Bench, rollout: Rollout, progress: Progress) -> Measurement:
    """Run the target's own grader on what the rollout left, and read its metric strictly."""
    if rollout.judged is not None:
        return _measured(bench, rollout, rollout.judged)
    spec = bench.contract.stages.evaluate

    def work(_: Any) -> dict[str, Any]:
        before: Listing = {}

        def fresh() -> None:
            nonlocal before
            set_aside(folder, inside(spec.workdir, spec.metrics_path))
            if rollout.tree is None:
                _set_results_aside(bench, folder)
            before = list_results(folder)

        name = f"{rollout.plan.name}.evaluate"
        folder = fresh_copy(bench.run, bench.trees, rollout.tree or bench.prepared, name)
        _drop(folder, traces_left(bench, rollout.tree) if rollout.tree is not None else ())
        _show_oracle(bench, folder)
        _hand_over(bench, rollout, folder)
        context = bench.context(folder, None, rollout.plan)
        result = checked(run_stage("evaluate", spec, context, fresh=fresh))
        return _judged(bench, rollout, folder, result, before)

    judged = hashlib.sha256(
        jsonl_bytes([one.id, one.epoch, one.completion, one.status] for one in rollout.samples)
    )
    what = {"rollout": rollout.tree, "samples": judged.hexdigest()}
    found, failure = _once(bench, rollout.plan, "evaluate", work, progress, what)
    if found is None:
        return without_score(rollout, _text(failure), failure)
    return _measured(bench, rollout, found)


def _judged(
    bench: Bench, rollout: Rollout, folder: Path, result: StageResult, before: Listing
) -> dict[str, Any]:
    """What the stage that judges left, as plain data for the journal."""
    if bench.contract.metric.discover:
        return {"observed": observe(folder, result.printed, before)}
    reading = _read(bench, folder, result, [one.completion for one in rollout.samples])
    return {
        "score": reading.score,
        "document": reading.document,
        "grades": grades_left(bench, rollout, folder, before, reading.score),
        "causes": causes_of(bench, rollout, result).as_document(),
    }


def _measured(bench: Bench, rollout: Rollout, found: Mapping[str, Any]) -> Measurement:
    if "observed" in found:
        unknown = without_score(rollout, "the contract does not say yet which number is the score")
        return replace(unknown, evaluation=replace(unknown.evaluation, document=found["observed"]))
    measured = graded(bench, rollout, Reading(found["score"], found["document"]), found["grades"])
    return replace(measured, causes=found["causes"])


def _once(
    bench: Bench,
    plan: Plan,
    stage: str,
    work: Callable[[Any], dict[str, Any]],
    progress: Progress,
    what: dict[str, Any] | None = None,
) -> tuple[dict[str, Any] | None, Failure | None]:
    """Run a stage as one unit of the journal: its result, or why it failed."""
    failures: list[Failure] = []

    def typed(unit: Any) -> dict[str, Any]:
        try:
            return work(unit)
        except HoningError as error:
            failures.append(failure_of(error, stage))
            raise

    unit = {"plan": plan.as_document(), "tree": bench.prepared, **(what or {})}
    options = MapOptions(version=f"{VERSION}:{bench.contract.digest}", progress=progress)
    (result,) = run_map(bench.run, f"{plan.name}.{stage}", typed, [unit], executor=INLINE, options=options)
    if result.status is UnitStatus.DONE:
        return result.result, None
    failure = failures[-1] if failures else failure_of(StageError(result.error), stage)
    bench.run.evidence().append("failure", {"plan": plan.name, **failure.as_document()})
    return None, failure


def _text(failure: Failure | None) -> str:
    return "" if failure is None else failure.text


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


def _samples(bench: Bench, plan: Plan, calls: Sequence[CallRecord], folder: Path) -> tuple[Sample, ...]:
    """What was asked and answered: the calls, or the answers that the commands wrote without a model."""
    if bench.contract.stages.rollout.answers is Answers.SAMPLES:
        return _samples_left(bench, plan, folder)
    samples = tuple(_join(bench, sample) for sample in samples_of_calls(calls, plan))
    _check_answered(samples)
    return samples


def _samples_left(bench: Bench, plan: Plan, folder: Path) -> tuple[Sample, ...]:
    """The answers that the rollout's commands wrote without asking anybody."""
    where = bench.contract.stages.rollout.samples
    assert where is not None  # ContractSpec: answers `samples` names the file
    return rollout_from_file(folder / where, plan, bench).samples


def _set_results_aside(bench: Bench, folder: Path) -> list[str]:
    """Take away results that the target brought, so that only new ones can be read."""
    spec = bench.contract.stages.evaluate
    removed = []
    if spec.source is MetricsSource.FILE:
        removed += set_aside(folder, inside(spec.workdir, spec.metrics_path))
    if spec.results is not None:
        removed += set_aside(folder, inside(spec.workdir, spec.results.path))
    return removed


def _drop(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        remove_tree(folder / name)


def _oracle_files(bench: Bench) -> list[str]:
    """Files of the working copy that hold or play the right answers."""
    return list(bench.contract.oracle.files) if bench.contract.oracle is not None else []


def _hide_oracle(bench: Bench, folder: Path) -> list[str]:
    """Take the right answers out of the copy that the rollout sees; returns which."""
    return [name for file in _oracle_files(bench) for name in set_aside(folder, glob.escape(file))]


def _show_oracle(bench: Bench, folder: Path) -> None:
    """Put the target's own files of right answers back for the judge; what Honing made stays away.

    A link in such a file's place stays away as well: it may lead to a file of this machine.
    """
    for name in _oracle_files(bench):
        set_aside(folder, glob.escape(name))
        with contextlib.suppress(MetricsError):
            content = read_plain_file(bench.original, name, max_bytes=ORACLE_BYTES)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)


def _read(bench: Bench, folder: Path, result: StageResult, answers: Sequence[str]) -> Reading:
    spec: EvaluateSpec = bench.contract.stages.evaluate
    try:
        if spec.source is MetricsSource.STDOUT:
            return read_printed(*result.printed, spec.pattern, bench.contract.metric, answers=answers)
        return read_metrics(
            folder,
            inside(spec.workdir, spec.metrics_path),
            bench.contract.metric,
            required_keys=spec.required_keys,
            not_before=result.started,
        )
    except MetricsError as error:
        missing = "was not written" in str(error) or "no such file was written" in str(error)
        kind = FailureKind.NOTHING_WRITTEN if missing else FailureKind.METRICS_INVALID
        raise StageFailedError(Failure(kind=kind, stage=result.name, text=str(error))) from error


def _hand_over(bench: Bench, rollout: Rollout, folder: Path) -> None:
    """Write the samples where the target's evaluate command expects them, if Honing asked for them."""
    where = bench.contract.stages.rollout.samples
    if where is None or bench.contract.stages.target_asks:
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


_NOBODY_ASKED = (
    "no call reached the gateway during the rollout, so no model was measured. The rollout command must send "
    "its requests to $OPENAI_BASE_URL (or say `answers: none` if nothing is asked of a model)"
)


def _nobody_asked(stage: str) -> Failure:
    return Failure(kind=FailureKind.NO_MODEL_CALL, stage=stage, text=_NOBODY_ASKED)
