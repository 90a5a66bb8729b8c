"""What a user asks of one run beside the project, and what that makes of the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from honing.agents import Agent, AgentSettings, agent_named, needs_model, served_by
from honing.errors import UsageError
from honing.executors import Progress, SilentProgress
from honing.harness.project import AgentChoice, Control, Project, SearchSettings, Spending
from honing.harness.search.registry import search_named
from honing.harness.tasks.objective import Contracts
from honing.llm import Source, Upstream

_MOST_WORKERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one run does differently than its project says. None, or empty: as the project says."""

    agent: str = ""
    model: str = ""
    agent_options: Mapping[str, Any] = field(default_factory=dict)
    """Laid over those of the project."""
    timeout_s: float | None = None
    """Wall-clock limit of one proposal."""
    proposals: int | None = None
    """Of each arm."""
    search: str = ""
    """Its name; the project's options of its search count for that one only."""
    control: str = ""
    in_flight: int | None = None
    seed: int | None = None
    sandbox: str = "auto"
    """auto, bubblewrap, landlock or unconfined."""
    task_runs: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    wall_s: float | None = None

    def as_document(self) -> dict[str, Any]:
        """As plain data, for `run.json`."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**found, "agent_options": dict(self.agent_options)}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeOptions:
    """One run of a project: what it does differently, and what has no influence on its result."""

    asked: Asked = field(default_factory=Asked)
    agent: Agent | None = None
    """An agent of the caller's own, used in place of every named one."""
    home: Path | None = None
    """Folder of runs; the project's own, or `runs`, where None."""
    run_name: str = ""
    """Name of the run's folder. A run of this name that is not done is gone on with."""
    fresh: bool = False
    """Whether to begin anew even where the same work is unfinished."""
    workers: int | None = None
    """Candidates worked on at a time; both arms' proposals in flight, 8 at most, where None."""
    installed: AgentSettings = field(default_factory=AgentSettings)
    """Where agents' programs are looked for."""
    endpoints: Mapping[str, str] = field(default_factory=dict)
    """Addresses and keys of models by their usual variable names."""
    contracts: Contracts | None = None
    """Makes what measures contracts, given a folder of the run; without it, tasks of that type cannot be
    run."""
    command: Sequence[str] = ()
    """The command line that repeats this, for the run's record."""
    progress: Callable[[Live], Progress] = lambda _: SilentProgress()
    """Makes what shows how the candidates go."""
    told: Callable[[str], None] = lambda _: None
    """Is told what happens, one line each."""


class Live:
    """How a run stands, for whoever shows it. Read by one thread, written by many."""

    best: str = ""
    """Best so far: score with interval, and whose it is."""
    last: str = ""
    """How the last candidate ended."""
    spend: Callable[[], str] = staticmethod(lambda: "")
    """Calls, tokens and money so far."""


def decided(project: Project, options: OptimizeOptions) -> Project:
    """The project with the choices of one run applied.

    Raises:
        UsageError: A choice cannot be used.
    """
    asked = options.asked
    changed = replace(
        project,
        agent=_agent(project, options),
        search=_search(project.search, asked),
        spending=_spending(project.spending, asked),
        seed=project.seed if asked.seed is None else asked.seed,
    )
    for name, value, least in (
        ("--budget", changed.spending.proposals, 0),
        ("--in-flight", changed.search.in_flight, 1),
        ("--workers", workers_of(changed, options), 1),
    ):
        if value < least:
            raise UsageError(f"{name} must be at least {least}, got {value}.")
    search_named(changed.search.name, changed.search.options)
    return changed


def workers_of(project: Project, options: OptimizeOptions) -> int:
    """Candidates worked on at a time."""
    arms = 1 if project.search.control is Control.NONE else 2
    return (
        options.workers
        if options.workers is not None
        else min(arms * project.search.in_flight, _MOST_WORKERS)
    )


def agent_of(project: Project, options: OptimizeOptions) -> Agent:
    """Who proposes.

    Raises:
        UsageError: There is no such agent, or it cannot be used so.
    """
    if options.agent is not None:
        return options.agent
    choice = project.agent
    settings = replace(
        options.installed,
        options={**options.installed.options, **choice.options},
        base=project.folder,
        solution=project.solution,
    )
    return agent_named(choice.name, settings)


def source_of(choice: AgentChoice, endpoints: Mapping[str, str]) -> tuple[str, Callable[[], Source]] | None:
    """The name of the agent's model, and what makes something that answers for it; None where no model is
    named and the agent needs none.

    Raises:
        UsageError: The agent needs a model, and none is named.
        ModelAuthenticationError: Its provider needs a key that is not set.
    """
    if not choice.model and not choice.options.get("oss"):
        if needs_model(choice.name):
            raise UsageError(
                f"--agent {choice.name}: which model is it to use? Give --agent-model MODEL (or set "
                "HONING_AGENT_MODEL)."
            )
        return None
    found = served_by(choice.model, choice.options, endpoints)
    return choice.model or found.model, lambda: Upstream(found.endpoint, model=found.model)


def _agent(project: Project, options: OptimizeOptions) -> AgentChoice:
    asked, own = options.asked, options.agent
    choice = project.choice_of(asked.agent) if own is None else AgentChoice(name=own.name)
    return replace(
        choice,
        model=asked.model or choice.model,
        options={**choice.options, **asked.agent_options},
        timeout_s=choice.timeout_s if asked.timeout_s is None else asked.timeout_s,
    )


def _search(settings: SearchSettings, asked: Asked) -> SearchSettings:
    if asked.search and asked.search != settings.name:
        settings = replace(settings, name=asked.search, options={})
    if asked.control:
        if asked.control not in set(Control):
            known = ", ".join(each.value for each in Control)
            raise UsageError(f"--control {asked.control!r}: there is no such arm; known are {known}.")
        settings = replace(settings, control=Control(asked.control))
    return settings if asked.in_flight is None else replace(settings, in_flight=asked.in_flight)


def _spending(spending: Spending, asked: Asked) -> Spending:
    limits = ("proposals", "task_runs", "tokens", "cost_usd", "wall_s")
    given = {name: getattr(asked, name) for name in limits if getattr(asked, name) is not None}
    return replace(spending, **given)
