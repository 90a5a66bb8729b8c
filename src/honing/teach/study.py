"""The study: its phases in order, each resumable, each leaving its artifacts in one run folder. Start reading
here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from honing.errors import StudyError
from honing.executors import Executor, ResidentExecutor
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.phase import PhaseOutcome
from honing.teach.phases import ORDER, phase_named
from honing.teach.running.imports import bring_in
from honing.teach.running.opening import open_run
from honing.teach.running.outcomes import StudyResult, forget_from, keep_outcome, kept_outcome, result_of
from honing.teach.running.request import StudyOptions
from honing.teach.running.timing import timed
from honing.teach.study_file import load_study
from honing.teach.study_spec import StudySpec


@dataclass(frozen=True, slots=True)
class Study:
    """A study and how it is run."""

    spec: StudySpec

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Open study.yaml.

        Raises:
            StudyError: It cannot be read or used; the text names the line.
        """
        return cls(load_study(Path(path)))

    def run(self, options: StudyOptions | None = None) -> StudyResult:
        """Run every phase that is not done yet; see `run_study`."""
        return run_study(self.spec, options)


def run_study(spec: StudySpec, options: StudyOptions | None = None) -> StudyResult:
    """Run the phases in order; what ended in an earlier session is neither done again nor lost.

    Args:
        spec: What decides the result.
        options: Which phases, and what has no influence on the result.

    Returns:
        Every phase's figures and criteria. A criterion that is not met is a result, not an error.

    Raises:
        StudyError: A phase lacks what an earlier one leaves.
        LeakageError: Data that must be apart share a task.
        BudgetExhaustedError: A budget is spent; with a larger one the same call goes on.
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    options = options or StudyOptions()
    run = open_run(spec, options)
    # Processes stay from phase to phase: loading what they need takes longer than many a step.
    with run.supervise(), ResidentExecutor(options.workers) as own:
        executor = options.executor or own
        desk = _desk(run, spec, options, executor)
        bring_in(desk, options.inputs)
        if options.begin:
            forget_from(run, options.begin)
        for name in chosen(options):
            outcome = kept_outcome(run, name) or _work(desk, name, executor)
            if options.strict and outcome.unmet:
                break
    return result_of(run)


def chosen(options: StudyOptions) -> tuple[str, ...]:
    """The phases that a request asks for, in order.

    Raises:
        StudyError: There is no such phase, or the last comes before the first.
    """
    if options.only:
        return tuple(options.only)
    for name in filter(None, (options.begin, options.until)):
        phase_named(name)
    first = ORDER.index(options.begin) if options.begin else 0
    last = ORDER.index(options.until) if options.until else len(ORDER) - 1
    if last < first:
        raise StudyError(f"--until {options.until} comes before --from {options.begin}: {', '.join(ORDER)}.")
    return ORDER[first : last + 1]


def _work(desk: Desk, name: str, executor: Executor) -> PhaseOutcome:
    """Do one phase and keep how it ended."""
    phase = phase_named(name)
    missing = [path for path in phase.reads if not (desk.run.path / path).exists()]
    if missing:
        raise StudyError(
            f"Phase '{name}' reads {', '.join(missing)}, which {desk.run.path} lacks. The phases before it "
            f"write that: `hone teach run` makes all in order."
        )
    desk.told(f"{name}: {phase.doing}")
    cpu_s = executor.cpu_s if isinstance(executor, ResidentExecutor) else float
    with timed(desk.run, name, workers_cpu_s=cpu_s):
        outcome = phase.run(desk)
    keep_outcome(desk.run, name, outcome)
    return outcome


def _desk(run: Run, spec: StudySpec, options: StudyOptions, executor: Executor) -> Desk:
    return Desk(
        run=run,
        spec=spec,
        executor=executor,
        workers=options.workers,
        endpoints=options.endpoints,
        cache=options.cache,
        budget=options.budget,
        tracking=options.tracking,
        progress=options.progress,
        told=options.told,
    )
