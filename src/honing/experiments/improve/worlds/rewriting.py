"""The harness step: a search over a student's harness, judged by episodes on search tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.agents import Agent
from honing.environments import Task, World
from honing.errors import UsageError
from honing.experiments.improve.base import Proposal, Spending, Version
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.worlds.evidence import Clue, clues_of, trace_of
from honing.experiments.improve.worlds.playing import (
    at_once,
    chunks_of,
    episodes_of,
    mapped,
    play_chunk,
)
from honing.experiments.improve.worlds.proposer import NAME, programmatic_proposer
from honing.experiments.improve.worlds.versions import (
    acting_document,
    harness_document,
    harness_of,
    model_of,
    policy_document,
    stored_folder,
    write_harness,
)
from honing.harness import (
    AgentChoice,
    Asked,
    CallableTask,
    Candidate,
    Control,
    Judging,
    OptimizeOptions,
    OptimizeResult,
    Project,
    Rules,
    SearchSettings,
    optimize_project,
    read_ledger,
    resume,
)
from honing.harness import Spending as SearchSpending
from honing.learn import HARNESS_FILES, Keep, read_acting
from honing.sandbox import remove_tree
from honing.store import TREES, Run, RunStatus, TreeId, TreeStore, digest

Json = Any
STEPS = "steps"
RUN = "harness"
BLOCKS = 2
"""Tasks of the harness project: search tasks in so many blocks, so that a hopeless candidate is stopped after
the first."""
OBJECTIVE = (
    "Make the student solve more tasks of the world {world!r}. Its weights stay as they are. What may change "
    "is how it is asked and how it acts: prompt.txt is the template of its prompt; harness.yaml says how "
    "many past actions are shown, how boldly it acts (temperature), what it may not do again (loop_breaker, "
    "retry), and what it is told to remember (notes)."
)


def rewritten(
    desk: Desk,
    version: Version,
    *,
    world: World,
    document: Mapping[str, Json],
    tasks: Sequence[Task],
    device: str,
    choice: AgentChoice,
) -> Proposal:
    """Search for a better harness.

    Args:
        desk: Of the loop.
        version: Where the search begins.
        world: Of the tasks.
        document: The same as a unit of work names it.
        tasks: Search tasks: candidates meet no others.
        device: Where the student runs.
        choice: Who proposes; no name: the programmatic proposer.
    """
    place = desk.run.path / STEPS
    place.mkdir(exist_ok=True)
    clues = _evidence(desk, version, world, document, tasks, place, device)
    project = _project(desk, version, document, tasks, place, device, choice)
    result = _searched(desk, project, place, programmatic_proposer(clues) if not choice.name else None)
    return _proposal(desk, version, result, place, len(tasks))


def _evidence(
    desk: Desk,
    version: Version,
    world: World,
    document: Mapping[str, Json],
    tasks: Sequence[Task],
    place: Path,
    device: str,
) -> list[Clue]:
    """Episodes of the version as it is, as clues and as text for proposers that read."""
    units = chunks_of(
        document, policy_document(desk, version, device), tasks, seeds=[desk.seed], keep=Keep.STEPS
    )
    rows = mapped(
        desk.run, desk.executor, "harness.evidence", play_chunk, units, progress=desk.progress("evidence")
    )
    episodes = episodes_of(rows)
    clues = clues_of(episodes, world.kind)
    (place / _TRACE).write_text(trace_of(episodes, clues), encoding="utf-8")
    return clues


_TRACE, _BASELINE = "trace.txt", "baseline"


def _project(
    desk: Desk,
    version: Version,
    document: Mapping[str, Json],
    tasks: Sequence[Task],
    place: Path,
    device: str,
    choice: AgentChoice,
) -> Project:
    """The search as a harness project: its baseline is the version's harness, its tasks are episodes."""
    baseline = place / _BASELINE
    remove_tree(baseline)
    write_harness(harness_of(desk, version), baseline)
    allowed = desk.allowance
    return Project(
        folder=place,
        file=place / "honing.yaml",
        name=f"student in {document['name']}",
        objective=OBJECTIVE.format(world=document["name"]),
        baseline=baseline,
        rules=Rules(required=HARNESS_FILES),
        tasks=tuple(
            _block(desk, version, document, tasks[number::BLOCKS], number, device) for number in range(BLOCKS)
        ),
        search=SearchSettings(name="greedy", in_flight=1, control=Control.BEST_OF_N),
        judging=Judging(repeats=1, retest_repeats=1, final_repeats=1),
        agent=choice if choice.name else AgentChoice(name=NAME),
        spending=SearchSpending(
            proposals=allowed.proposals,
            tokens=allowed.tokens,
            cost_usd=allowed.cost_usd,
            wall_s=allowed.wall_s,
        ),
        trace=place / _TRACE,
        seed=desk.seed,
    )


def _block(
    desk: Desk,
    version: Version,
    document: Mapping[str, Json],
    tasks: Sequence[Task],
    number: int,
    device: str,
) -> CallableTask:
    """A block of search tasks as one task of the project: the share of episodes that succeed."""
    model, executor = model_of(desk, version), desk.executor

    def judge(folder: Path, seed: int) -> dict[str, Json]:
        try:
            harness = read_acting(folder)
        except UsageError as error:
            return {"score": 0.0, "reason": f"the harness cannot be read: {error}"}
        units = chunks_of(document, acting_document(model, harness, device), tasks, seeds=[seed])
        rows = at_once(executor, play_chunk, units)
        solved = sum(bool(row["success"]) and not row["tampered"] for row in rows)
        return {"score": solved / len(rows), "reason": f"{len(rows) - solved} of {len(rows)} episodes failed"}

    words = {
        "world": dict(document),
        "model": version.model,
        "tasks": digest([task.as_document() for task in tasks]),
        "device": device,
    }
    return CallableTask(id=f"episodes-{number + 1}", deterministic=False, call=judge, words=words)


def _searched(desk: Desk, project: Project, place: Path, agent: Agent | None) -> OptimizeResult:
    options = OptimizeOptions(
        asked=Asked(sandbox=desk.sandbox),
        agent=agent,
        home=place,
        run_name=RUN,
        endpoints=desk.endpoints,
        progress=lambda _: desk.progress("harness"),
        told=desk.told,
    )
    if (place / RUN).is_dir() and Run.open(place / RUN).status is RunStatus.DONE:
        return resume(Run.open(place / RUN), options)
    return optimize_project(project, options)


def _proposal(desk: Desk, version: Version, result: OptimizeResult, place: Path, tasks: int) -> Proposal:
    """What the search came to, as a step of the loop."""
    ledger = read_ledger(result.run)
    spent = Spending(
        task_runs=_attempts(result, tasks),
        calls=ledger.spend.calls,
        tokens=ledger.spend.tokens,
        cost_usd=ledger.spend.cost_usd or 0.0,
        proposals=len(ledger.candidates) - 1,
    )
    found: dict[str, Any] = {"spent": spent, "run": f"{STEPS}/{RUN}"}
    control = _version(desk, version, place, _named(result, result.final["control_winner"]))
    if result.winner.id == result.baseline.id:
        return Proposal(
            version=None, control=control, reason="the search found no harness that holds its gain", **found
        )
    after = _version(desk, version, place, result.winner)
    assert after is not None
    kept = [
        one.sentence for one in ledger.candidates if one.outcome.value == "keep" and one.arm.value == "search"
    ]
    return Proposal(
        version=after,
        control=control,
        reason=f"{len(kept)} changes kept of {desk.allowance.proposals} proposals in each arm",
        facts={
            "harness": harness_document(harness_of(desk, after)),
            "winner": result.winner.id,
            "search_score": result.score,
            "diff": (result.run.path / "best.patch").read_text(encoding="utf-8"),
        },
        **found,
    )


def _named(result: OptimizeResult, name: str | None) -> Candidate | None:
    return next((one for one in result.ledger.candidates if one.id == name), None)


def _version(desk: Desk, version: Version, place: Path, candidate: Candidate | None) -> Version | None:
    """A candidate of the search as a version, its tree in the store of the folder of runs."""
    if candidate is None or candidate.tree is None:
        return None
    scratch = desk.run.path / "work" / "winner"
    remove_tree(scratch)
    scratch.parent.mkdir(exist_ok=True)
    TreeStore(place / TREES).materialise(TreeId(candidate.tree), scratch)
    try:
        return Version(harness=stored_folder(desk, scratch), model=version.model)
    finally:
        remove_tree(scratch)


def _attempts(result: OptimizeResult, tasks: int) -> int:
    """Episodes that were played: those that show how the student does as it is, and those of the candidates.
    Counted from the ledger, so that a run that was interrupted counts the same."""
    blocks = sum(
        len(one.evaluation.runs) + (0 if one.acceptance is None else one.acceptance.task_runs)
        for one in result.ledger.candidates
        if one.evaluation is not None
    )
    last = sum(len(found["runs"]) for found in result.final["fresh"].values())
    return tasks + (blocks + last) * tasks // BLOCKS
