"""One mode of an experiment, from commands to result. Kill it anywhere and run it again: it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from honing._version import __version__
from honing.errors import BudgetExhaustedError, HoningError, StoppedError
from honing.executors import Memo, StopWatch
from honing.experiments.registry.checkout import commit_of
from honing.experiments.registry.evidence import OUTPUT, Evidence, Places, relative_to
from honing.experiments.registry.judging import Verdict
from honing.experiments.registry.page import report_of
from honing.experiments.registry.planning import ExperimentPlan
from honing.experiments.registry.process import ProcessEnd, ProcessEnding, run_process
from honing.experiments.registry.results import (
    ArtifactRecord,
    CommandEnd,
    ExperimentResult,
    SignalRecord,
    write_result,
)
from honing.store import REPORT_FILE, Run, RunStatus, list_runs

KIND = "experiment"
RESULT = "result.json"
BUDGET_SPENT, STOPPED, INTERRUPTED = 4, 5, 130
"""Exit codes of commands that go on when they are run again."""


def run_experiment(plan: ExperimentPlan) -> ExperimentResult:
    """Run what remains of a mode's commands, judge its signals, write its result.

    Returns:
        The result; `exit_code` is that of the command line.

    Raises:
        BudgetExhaustedError: A command's budget is spent. The result is written; running again goes on.
        StoppedError: A command was stopped or killed, or we were; likewise.
        KeyboardInterrupt: Ctrl-C; likewise.
        StoreError: Another supervisor works on the run, or its folder cannot be written.
    """
    run = open_run(plan)
    places = plan.places(run.path, run.created)
    with run.supervise(), run.journal() as journal, StopWatch(run.stop_requested) as stop:
        ends, unfinished = _run_commands(run, Memo(run, journal), plan, stop)
        result = _conclude(run, plan, places, ends, _exit_of(unfinished))
        stop.raise_if_asked("What has ended is kept; running the experiment again goes on.")
        if unfinished is not None:
            raise unfinished
    if not result.ok:
        run.set_status(RunStatus.FAILED, result.reason)
    return result


def open_run(plan: ExperimentPlan) -> Run:
    """The newest unfinished run of the same work, otherwise a new one."""
    home, config = plan.options.home, plan.config()
    entries = list_runs(home, kind=KIND)
    ended = (RunStatus.DONE, RunStatus.FAILED)
    for entry in reversed(entries if not plan.options.fresh else []):
        if not entry.damage and entry.status not in ended and Run.open(entry.path).config == config:
            return Run.open(entry.path)
    return Run.create(
        home,
        kind=KIND,
        config=config,
        command=plan.command,
        seed=0,
        name=_free_name(home, plan.name),
    )


def _free_name(home: Path, name: str) -> str:
    taken = {path.name for path in home.iterdir()} if home.is_dir() else set()
    names = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(one for one in names if one not in taken)


def _run_commands(
    run: Run, memo: Memo, plan: ExperimentPlan, stop: StopWatch
) -> tuple[list[CommandEnd], HoningError | KeyboardInterrupt | None]:
    """How each command ended, up to the first that ended badly, and why the work is unfinished, if it is."""
    places = plan.places(run.path, run.created)
    _make_home(run, plan.options.home)
    ends: list[CommandEnd] = []
    for number, (text, words) in enumerate(plan.commands(places), start=1):
        key = {"number": number, "words": words}
        try:
            end = memo.remember("commands", key, lambda: _run_one(run, plan, places, key, text, stop))  # noqa: B023
        except _UnfinishedError as error:
            return [*ends, error.end], error.why
        ends.append(CommandEnd.model_validate(end))
        if ends[-1].exit_code != 0:
            break
    return ends, None


def _make_home(run: Run, home: Path) -> None:
    """The folder of runs of the commands. Environments of targets are shared with all other runs: one takes
    minutes to make."""
    inner, shared = run.path / "runs", home.absolute() / "cache"
    inner.mkdir(exist_ok=True)
    shared.mkdir(exist_ok=True)
    if not (inner / "cache").is_symlink():
        (inner / "cache").symlink_to(shared, target_is_directory=True)


class _UnfinishedError(HoningError):
    """A command that is to be run again: nothing of it is remembered."""

    def __init__(self, end: CommandEnd, why: HoningError | KeyboardInterrupt) -> None:
        super().__init__(str(why))
        self.end, self.why = end, why


def _run_one(
    run: Run, plan: ExperimentPlan, places: Places, key: Mapping[str, Any], text: str, stop: StopWatch
) -> dict[str, Any]:
    spec = plan.experiment.mode(plan.mode)
    assert spec is not None
    number, words = key["number"], key["words"]
    folder = run.artifact(f"commands/{number}/stdout.txt").parent
    output = (folder / "stdout.txt", folder / "stderr.txt")
    plan.options.told(f"command {number}: {text}")
    end = run_process(
        words,
        folder=plan.file.root,
        env=plan.env(places),
        output=output,
        limit_s=spec.commands[number - 1].time_limit_s,
        should_stop=stop.asked,
    )
    ended = CommandEnd(
        command=text,
        words=tuple(words),
        exit_code=_code_of(end),
        ending="killed" if end.ending is ProcessEnding.STOPPED else end.ending.value,
        duration_s=round(end.duration_s, 3),
        stdout=str(output[0].relative_to(run.path)),
        stderr=str(output[1].relative_to(run.path)),
    )
    document = ended.model_dump(mode="json")
    run.evidence().append("command", document)
    plan.options.told(
        f"command {number}: {ended.ending}, exit code {ended.exit_code}, {ended.duration_s:.1f} s"
    )
    if (why := _unfinished(end, number)) is not None:
        raise _UnfinishedError(ended, why)
    _keep_output(run, output[0])
    return document


def _unfinished(end: ProcessEnd, number: int) -> HoningError | KeyboardInterrupt | None:
    """Why a command must be run again; None where it has ended for good."""
    again = "Running the experiment again goes on where it was."
    if end.ending in (ProcessEnding.STOPPED, ProcessEnding.KILLED) or end.exit_code == STOPPED:
        return StoppedError(f"Command {number} was stopped or killed. {again}")
    if end.ending is ProcessEnding.TIMEOUT:
        return BudgetExhaustedError(f"Command {number} met its time limit. {again}")
    if end.exit_code == BUDGET_SPENT:
        return BudgetExhaustedError(f"Command {number} has spent its budget. {again}")
    if end.exit_code == INTERRUPTED:
        return KeyboardInterrupt(f"Command {number} was interrupted. {again}")
    return None


def _code_of(end: ProcessEnd) -> int:
    if end.ending is ProcessEnding.TIMEOUT:
        return BUDGET_SPENT
    return end.exit_code if end.exit_code >= 0 else STOPPED


def _exit_of(unfinished: BaseException | None) -> int:
    if unfinished is None:
        return 0
    return unfinished.exit_code if isinstance(unfinished, HoningError) else INTERRUPTED


def _keep_output(run: Run, stdout: Path) -> None:
    """What the last command printed, as a document where it is one: the artifact `output`."""
    content = stdout.read_bytes()
    try:
        json.loads(content)
        kept, other = "output.json", "output.txt"
    except (ValueError, RecursionError):
        kept, other = "output.txt", "output.json"
    run.write_bytes(f"commands/{kept}", content)
    run.artifact(f"commands/{other}").unlink(missing_ok=True)


def _conclude(
    run: Run, plan: ExperimentPlan, places: Places, ends: list[CommandEnd], interrupted: int
) -> ExperimentResult:
    """Judge every signal, and write the result where people and `hone experiment table` look for it."""
    row, evidence = plan.experiment, plan.evidence(places)
    verdicts = [evidence.judge(signal) for signal in row.signals_of(plan.mode)]
    bad = next((end for end in ends if end.exit_code != 0), None)
    holds = all(verdict.holds for verdict in verdicts)
    baseline, best = score_of(row.score, evidence)
    code = interrupted or (bad.exit_code if bad is not None else 0) or (0 if holds else 1)
    result = ExperimentResult(
        id=row.id,
        name=row.name,
        mode=plan.mode,
        ok=code == 0,
        exit_code=code,
        reason=_reason(bad, verdicts),
        honing=__version__,
        commit=commit_of(plan.file.root),
        started=run.created,
        ended=plan.options.clock(),
        run=relative_to(run.path.absolute(), plan.file.root),
        runs=tuple(
            relative_to(entry.path.absolute(), plan.file.root) for entry in list_runs(run.path / "runs")
        ),
        values=dict(plan.values),
        commands=tuple(ends),
        signals=tuple(SignalRecord.model_validate(verdict.as_document()) for verdict in verdicts),
        metrics={expression: evidence.value_of(expression) for expression in row.metrics},
        baseline=baseline,
        best=best,
        artifacts=tuple(_artifacts(evidence, plan.file.root)),
    )
    run.write_json(RESULT, result.as_document())
    report_of(result, row).write(run.path / REPORT_FILE)
    for path in write_result(result, plan.options.results):
        plan.options.told(f"wrote {path}")
    return result


def score_of(expressions: tuple[str, str] | None, evidence: Evidence) -> tuple[float | None, float | None]:
    """The baseline's and the best number, where they can be read."""
    if expressions is None:
        return None, None
    baseline, best = (_plain(evidence.value_of(expression)) for expression in expressions)
    return baseline, best


def _plain(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number else None


def _reason(bad: CommandEnd | None, verdicts: list[Verdict]) -> str:
    if bad is not None:
        what = f"`{bad.command}` ended with code {bad.exit_code}"
        return f"{what} ({bad.ending}); its messages are in {bad.stderr}"
    failed = [verdict for verdict in verdicts if not verdict.holds]
    return "; ".join(f"`{verdict.expression}`: {verdict.reason}" for verdict in failed)


def _artifacts(evidence: Evidence, root: Path) -> Iterator[ArtifactRecord]:
    for name in (*sorted(set(evidence.patterns) - {OUTPUT}), OUTPUT):
        for one in evidence.files(name):
            yield ArtifactRecord(
                name=name,
                path=relative_to(one.path.absolute(), root),
                bytes=one.path.stat().st_size,
                sha256=one.sha256(),
            )
