"""The closed loop: measure, rewrite the harness, teach the weights, measure again on tasks never seen. Start
reading here."""

from __future__ import annotations

from honing.experiments.improve.artifacts import write_artifacts
from honing.experiments.improve.base import Panel, Part, Proposal, Sized, Sizes, StepName, Subject, Version
from honing.experiments.improve.bench import Bench, open_bench
from honing.experiments.improve.gate import Ending, Pair, Verdict, first_look, judged
from honing.experiments.improve.opening import done_run
from honing.experiments.improve.result import ImproveResult, result_of
from honing.experiments.improve.spec import ImproveOptions, ImproveSpec
from honing.experiments.improve.split import BudgetSplit, split_budget
from honing.experiments.improve.table import Stage, last_look, mean_of


def improve_subject(
    subject: Subject, spec: ImproveSpec | None = None, options: ImproveOptions | None = None
) -> ImproveResult:
    """Improve a subject's harness and weights, keep what holds, and prove it on sealed tasks.

    A loop that was interrupted, however, is gone on with by the same call: nothing that ended is done again,
    and its artifacts are those it would have had. Of one that is done, its result.

    Args:
        subject: What is improved.
        spec: What decides the result.
        options: Where the run lies, what it may spend.

    Raises:
        UsageError: The run's name belongs to another run, or the budget does not pay for the proof.
        HoningError: No score on the target can be believed (see `Subject.panel`).
        BudgetExhaustedError: A limit is met; with a larger one the same call goes on.
        StoppedError: Somebody asked to stop; the same call goes on.
    """
    spec, options = spec or ImproveSpec(), options or ImproveOptions()
    done = done_run(subject, spec, options)
    if done is not None:
        return result_of(done)
    with open_bench(subject, spec, options) as bench:
        start, panel = _prepared(bench)
        _told_baseline(bench, start)
        stages: list[Stage] = []
        for step in spec.steps:
            stages.append(_stage(bench, panel, step, stages[-1].after if stages else start))
        rows = last_look(bench, start, stages)
        write_artifacts(bench, panel, stages, rows)
    return result_of(bench.run)


def plan_improvement(subject: Subject, spec: ImproveSpec, options: ImproveOptions) -> BudgetSplit | None:
    """How the budget will be divided; None where the subject cannot say beforehand how much there is to
    attempt. Nothing is spent and nothing written.

    Raises:
        UsageError: The budget does not pay for the proof.
    """
    return split_budget(spec, options.limits, subject.sizes()) if isinstance(subject, Sized) else None


def _prepared(bench: Bench) -> tuple[Version, Panel]:
    """The budget's split, said before anything is spent; what is improved; and tasks to prove it on."""
    bench.split = plan_improvement(bench.subject, bench.spec, bench.options)
    for line in bench.split.lines() if bench.split is not None else ():
        bench.told(line)
    start = bench.subject.start(bench.desk)
    panel = bench.panel()
    if bench.split is None:
        sizes = Sizes(
            tasks={part: len(panel.tasks[part]) for part in Part},
            search_runs_each=len(panel.tasks[Part.SEARCH]),
        )
        bench.split = split_budget(bench.spec, bench.options.limits, sizes)
        for line in bench.split.lines():
            bench.told(line)
    bench.split = bench.settled(bench.split)
    counts = ", ".join(f"{len(panel.tasks[part])} {part.value.replace('_', '-')}" for part in Part)
    bench.told(f"panel {panel.id}: {counts} tasks")
    return start, panel


def _told_baseline(bench: Bench, start: Version) -> None:
    """The baseline on the check tasks, under the seeds that the first step is compared by. Where no step is
    made nothing is compared, and nothing is spent on it."""
    first = next((step for step in bench.spec.steps if _asked_for(bench, step)), None)
    if first is None:
        return
    found = bench.measure(start, Part.CHECK, _seeds(bench, first))
    score = mean_of(found)
    bench.told(f"baseline on the check tasks: {'no score' if score is None else format(score, '.3f')}")


def _stage(bench: Bench, panel: Panel, step: StepName, before: Version) -> Stage:
    """One step: a proposal, and whether it is kept."""
    if not _asked_for(bench, step):
        verdict = Verdict(ending=Ending.SKIPPED, reason="the step was not asked for")
        return Stage(step=step, before=before, proposal=Proposal(version=None), verdict=verdict)
    bench.told(f"{step.value}: begins")
    proposal = bench.propose(step, before)
    stage = _gated(
        bench, panel, Stage(step=step, before=before, proposal=proposal, verdict=_undecided(proposal))
    )
    bench.told(f"{step.value}: {stage.verdict.ending.value}; {stage.verdict.reason}")
    return stage


def _asked_for(bench: Bench, step: StepName) -> bool:
    assert bench.split is not None
    return (bench.split.proposals if step is StepName.HARNESS else bench.split.training_steps) > 0


def _gated(bench: Bench, panel: Panel, stage: Stage) -> Stage:
    """The stage with the gate's verdict on its proposal."""
    before, after = stage.before, stage.proposal.version
    if after is None or after == before:
        return stage
    first = _pair(bench, before, after, _seeds(bench, stage.step))
    again, gain = None, first_look(first, panel)
    if not first.deterministic and gain is not None and gain.difference > 0:
        again = _pair(bench, before, after, _seeds(bench, stage.step, again=True))
    verdict = judged(first, again, panel, bench.spec)
    spent = first.spent if again is None else first.spent.plus(again.spent)
    return Stage(step=stage.step, before=before, proposal=stage.proposal, verdict=verdict, checking=spent)


def _undecided(proposal: Proposal) -> Verdict:
    """The verdict where there turns out to be nothing to judge."""
    same = "what is proposed is what there was"
    reason = same if proposal.version is not None else proposal.reason or "nothing is proposed"
    return Verdict(ending=Ending.NOTHING, reason=reason)


def _pair(bench: Bench, before: Version, after: Version, seeds: list[int]) -> Pair:
    return Pair(
        before=bench.measure(before, Part.CHECK, seeds),
        after=bench.measure(after, Part.CHECK, seeds),
    )


def _seeds(bench: Bench, step: StepName, *, again: bool = False) -> list[int]:
    """Seeds of one step's comparison: nothing of an earlier step was chosen on them."""
    if again:
        return bench.seeds(f"{step.value}: again", bench.spec.retest_repeats)
    return bench.seeds(f"{step.value}: first", bench.spec.check_repeats)
