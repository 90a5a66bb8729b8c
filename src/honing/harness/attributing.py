"""Attribution of a finished run: its project opened again, its winner judged without each part, the answer
kept beside the ledger. What the run judged before is not judged again, nor what an earlier call did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.errors import UsageError
from honing.executors import Memo
from honing.harness.accept import final_seeds
from honing.harness.attribution import ARTIFACT, Question, attribute, planned
from honing.harness.candidate import Candidate
from honing.harness.evaluate import Evaluator
from honing.harness.ledger import Ledger, read_ledger
from honing.harness.loop.config import CONTRACTS, KIND, config_of
from honing.harness.loop.opening import trees_in
from honing.harness.place import Places
from honing.harness.project import Project
from honing.harness.project_file import load_project
from honing.harness.report import write_report
from honing.harness.search.ranking import ancestors
from honing.harness.tasks.contract import objective_of
from honing.harness.tasks.objective import Contracts
from honing.sandbox import Limits, choose, remove_tree
from honing.store import Run, RunStatus, TreeId

_WORK = "attributing"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionRequest:
    """What is asked of one attribution."""

    candidate: str = ""
    """Whose changes; empty for the run's winner."""
    most_task_runs: int | None = None
    """Task runs that may be planned; None: 24 parts, whatever they cost."""
    repeats: int | None = None
    """Seeds of tasks that are not deterministic; as many as the last look used where None."""
    project: Project | None = None
    """Where the caller has it; the one that the run names where None."""
    contracts: Contracts | None = None
    """As in `OptimizeOptions`: without it, tasks that measure contracts cannot be judged."""
    told: Callable[[str], None] = lambda line: None
    """Is given a line for each evaluation that begins."""


def attribute_run(run: Run, request: AttributionRequest | None = None) -> dict[str, Any]:
    """Say which parts of a winner's changes matter, and write `attribution.json` and the run's page anew.

    Args:
        run: Done, of a project that is still what it was.
        request: What is asked.

    Returns:
        The document; see `attribution.attribute`.

    Raises:
        UsageError: The run is not done, nothing was improved, its tasks have changed, or the budget pays for
            nothing.
        MissingToolError: The sandbox lacks a protection.
    """
    request = request or AttributionRequest()
    project, question = _asked(run, request)
    trees = trees_in(run.path.parent, project)
    work = run.path / _WORK
    contracts = objective_of(project.tasks, request.contracts, run.path / CONTRACTS)
    with run.lock(), run.journal() as journal, contracts as objective:
        places = Places(
            trees=trees,
            sandbox=choose(str(run.config["sandbox"])),
            scratch=work,
            limits=Limits(wall_s=project.judging.task_timeout_s),
            objective=objective,
        )
        # In full, whatever the thresholds of the cascade say: parts are compared on every task.
        judge = Evaluator(places=places, memory=Memo(run, journal))
        try:
            document = attribute(question, trees, judge, told=request.told)
        finally:
            remove_tree(work)
        run.write_json(ARTIFACT, document)
        write_report(run, read_ledger(run))
    return document


def attribution_forecast(run: Run, request: AttributionRequest | None = None) -> dict[str, Any]:
    """What `attribute_run` would judge, without judging anything.

    Raises:
        UsageError: As `attribute_run`.
    """
    project, question = _asked(run, request or AttributionRequest())
    return planned(question, trees_in(run.path.parent, project))


def _asked(run: Run, request: AttributionRequest) -> tuple[Project, Question]:
    if run.kind != KIND:
        raise UsageError(f"{run.path}: expected a run of kind {KIND!r}, found {run.kind!r}.")
    if run.status is not RunStatus.DONE:
        raise UsageError(
            f"{run.path}: the run is {run.status.value}, and has no winner yet. "
            f"Go on with it first: hone harness resume {run.path.name}."
        )
    ledger = read_ledger(run)
    project = request.project or load_project(Path(run.config["file"]))
    _check_tasks(run, project)
    winner = _winner(ledger, request.candidate)
    assert ledger.baseline is not None
    by_id = {candidate.id: candidate for candidate in ledger.candidates}
    judging = project.judging
    if request.repeats is not None:
        judging = replace(judging, final_repeats=request.repeats)
    return project, Question(
        baseline=ledger.baseline,
        winner=winner,
        lineage=[by_id[name] for name in reversed(ancestors(winner, by_id))],
        tasks=project.tasks,
        # Those of the last look: nothing was chosen by them.
        seeds=final_seeds(judging),
        level=judging.level,
        most_task_runs=request.most_task_runs,
    )


def _winner(ledger: Ledger, wanted: str) -> Candidate:
    best = ledger.best()
    assert best is not None
    found = next((one for one in ledger.candidates if one.id == wanted), None) if wanted else best
    if found is None:
        raise UsageError(
            f"{ledger.path}: there is no candidate {wanted!r}; `hone harness ledger` lists them."
        )
    if found is ledger.baseline:
        raise UsageError(f"{ledger.path}: nothing beat the baseline, so there is no change to attribute.")
    return found


def _check_tasks(run: Run, project: Project) -> None:
    """Refuse to compare with results of other tasks."""
    baseline = TreeId(run.config["baseline"])
    now = config_of(project, baseline, sandbox="", asked={})["tasks"]
    if now != run.config["tasks"]:
        names = sorted(
            name for name in {*now, *run.config["tasks"]} if now.get(name) != run.config["tasks"].get(name)
        )
        raise UsageError(
            f"{project.file}: the tasks are no longer those of the run ({', '.join(names)}), so results "
            "cannot be compared. Take the project back to what it was, or run it again."
        )
