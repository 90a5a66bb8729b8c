"""Everything that one session of a run works with."""

from __future__ import annotations

import json
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.agents import Agent
from honing.errors import ExecutorError, HoningError
from honing.executors import Budget, Json, MapOptions, Memo, Progress, SilentProgress, UnitFunction, run_map
from honing.harness.briefing import Briefing, surroundings_of
from honing.harness.evaluate import Evaluator
from honing.harness.loop.config import CONTRACTS
from honing.harness.loop.doorway import Doorway, call_budget
from honing.harness.loop.metering import Metered
from honing.harness.loop.opening import open_run
from honing.harness.loop.stopping import Watched
from honing.harness.place import Places
from honing.harness.project import Project
from honing.harness.request import OptimizeOptions, agent_of, source_of, workers_of
from honing.harness.tasks.contract import objective_of
from honing.harness.tasks.objective import ContractObjective
from honing.sandbox import Capability, Limits, Sandbox, choose, remove_tree
from honing.store import Evidence, Run, TreeStore

_SYNCED_FROM_S = 0.5
"""Evidence of work that took this long is on the disk before the work counts."""
_FATAL = frozenset(
    {
        "BudgetExhaustedError",
        "StoppedError",
        "ModelUnreachableError",
        "MissingToolError",
        "StoreError",
        "UsageError",
    }
)
"""Errors that end a session: the next candidate would meet the same."""
_WORK = "work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the parts of the loop share. Made by `open_bench`."""

    project: Project
    """With the choices of this run applied."""
    options: OptimizeOptions
    run: Run
    trees: TreeStore
    memo: Memo
    evaluator: Evaluator
    agent: Agent
    briefing: Briefing
    sandbox: Sandbox
    door: Doorway
    evidence: Evidence
    stopping: threading.Event
    """Set as soon as the run is asked to stop."""
    executor: Watched

    @property
    def whole(self) -> Evaluator:
        """Judges in full, whatever the thresholds of the cascade say: what others are compared with."""
        return replace(self.evaluator, thresholds={})

    def step(
        self, name: str, fn: UnitFunction, inputs: Sequence[Json], progress: Progress | None = None
    ) -> list[Json]:
        """The results of a step, each made once in the life of the run.

        Raises:
            HoningError: The step ended before its units did; what they finished is kept.
        """
        options = MapOptions(
            # Tokens and money are kept by the gateway, task runs by `Metered`.
            budget=Budget(wall_s=self.project.spending.wall_s, whole_run=True),
            progress=progress or SilentProgress(),
            fatal=_FATAL,
        )
        ended = run_map(self.run, name, fn, inputs, executor=self.executor, options=options)
        lost = next((each for each in ended if not each.ok), None)
        if lost is not None:
            raise ExecutorError(
                f"Step '{name}', {inputs[lost.index]}: {lost.error_kind}: {lost.error}. This is a defect of "
                "Honing; the journal has its trace, and resuming the run tries again."
            )
        return [each.result for each in ended]

    def finished(self, name: str) -> list[Json]:
        """The results of a step that earlier sessions finished, in no order."""
        with self.run.journal() as journal:
            return [json.loads(text) for text in journal.results(name).values()]

    def scratch(self, name: str) -> Path:
        """A folder for one piece of work, empty; `clear` removes it."""
        folder = self.run.path / _WORK / name
        remove_tree(folder)
        folder.mkdir(parents=True)
        return folder

    def note(self, kind: str, body: Mapping[str, Any], *, took_s: float = 0.0) -> None:
        """Add to the run's evidence."""
        self.evidence.append(kind, dict(body), sync=took_s >= _SYNCED_FROM_S)

    def note_defect(self, what: str, error: Exception) -> None:
        """Keep where an error was raised that nobody foresaw."""
        self.note("defect", {"id": what, "trace": "".join(traceback.format_exception(error))})


@contextmanager
def open_bench(project: Project, options: OptimizeOptions) -> Iterator[Bench]:
    """Open or go on with the run of this request, and get everything ready.

    Args:
        project: With the choices of this run applied.
        options: Of the run.

    Raises:
        UsageError: The request cannot be used; nothing was written, or only an empty run.
        MissingToolError: The sandbox lacks a protection.
    """
    agent = agent_of(project, options)
    source = source_of(project.agent, options.endpoints)
    sandbox = choose(options.asked.sandbox)
    run, trees = open_run(project, options)
    with ExitStack() as stack:
        stack.enter_context(_named_in(run))
        stack.enter_context(run.supervise())
        # Held open, the journal is not checkpointed and set up anew by every step.
        memo = Memo(run, stack.enter_context(run.journal()))
        remove_tree(run.path / _WORK)
        stack.callback(remove_tree, run.path / _WORK)
        stopping = threading.Event()
        tasks = (*project.tasks, *project.held_out)
        objective = stack.enter_context(objective_of(tasks, options.contracts, run.path / CONTRACTS))
        yield Bench(
            project=project,
            options=options,
            run=run,
            trees=trees,
            memo=memo,
            evaluator=_evaluator(project, _places(project, run, trees, sandbox, objective), memo),
            agent=agent,
            briefing=_briefing(project, trees, sandbox, _surroundings(agent, run, memo, sandbox)),
            sandbox=sandbox,
            door=Doorway(
                run=run,
                budget=call_budget(project.spending),
                model=source[0] if source else "",
                source=source[1] if source else None,
                stack=stack,
            ),
            evidence=run.evidence(),
            stopping=stopping,
            executor=Watched(workers_of(project, options), stopping),
        )


def _places(
    project: Project, run: Run, trees: TreeStore, sandbox: Sandbox, objective: ContractObjective | None
) -> Places:
    places = Places(
        trees=trees,
        sandbox=sandbox,
        scratch=run.path / _WORK / "copies",
        limits=Limits(wall_s=project.judging.task_timeout_s),
        objective=objective,
    )
    places.check()
    return places


def _evaluator(project: Project, places: Places, memo: Memo) -> Evaluator:
    memory = Metered(memo, project.spending.task_runs)
    return Evaluator(places=places, memory=memory, thresholds=project.judging.thresholds)


def _surroundings(agent: Agent, run: Run, memo: Memo, sandbox: Sandbox) -> Mapping[str, Any]:
    """What the sandbox offers, looked at once in a run; nothing where no brief will say it."""

    def look() -> dict[str, Any]:
        folder = run.path / _WORK / "look"
        folder.mkdir(parents=True)
        return surroundings_of(sandbox, folder)

    return memo.remember("surroundings", sandbox.name, look) if getattr(agent, "reads_brief", True) else {}


def _briefing(
    project: Project, trees: TreeStore, sandbox: Sandbox, surroundings: Mapping[str, Any]
) -> Briefing:
    return Briefing(
        project,
        trees,
        surroundings=surroundings,
        own_tree=Capability.PID_NAMESPACE in sandbox.capabilities,
    )


@contextmanager
def _named_in(run: Run) -> Iterator[None]:
    """An error says in which run it happened."""
    try:
        yield
    except (HoningError, KeyboardInterrupt) as error:
        vars(error)["run_folder"] = str(run.path)
        raise
