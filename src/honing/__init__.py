"""Honing makes an LLM agent better at any benchmark and proves it.

The public names load lazily, so `import honing` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from honing._version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from honing.agents import Agent
    from honing.contract import RepairOptions, RolloutOptions, Session, SetupOptions
    from honing.experiments import ImproveOptions, ImproveResult, ImproveSpec, Subject
    from honing.harness import OptimizeOptions, OptimizeResult
    from honing.store import Run

__all__ = ["__version__", "improve", "load_run", "optimize", "repair_with", "setup"]


def setup(
    target: str | Path | Mapping[str, Any], options: SetupOptions | None = None, **more: Any
) -> Session:
    """Make a target ready to roll out, with the models that the environment names (`OPENAI_API_KEY`, ...).

    Args:
        target: A folder; or a mapping with the key "target" and any field of `SetupOptions`.
        options: How to set it up.
        **more: Passed on to `honing.contract.setup`.

    Raises:
        HoningError: See `honing.contract.setup`.
    """
    import os
    from collections.abc import Mapping
    from dataclasses import replace

    from honing.contract import SetupOptions, SourceOptions
    from honing.contract import setup as set_up
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    source = SourceOptions(**settings.fetching(os.environ))
    if isinstance(target, Mapping):
        target = {"source": source, **target}
    elif options is None or options.source == SourceOptions():
        options = replace(options or SetupOptions(), source=source)
    session = set_up(target, options, **more)
    session.models = settings.models.endpoints()
    return session


def repair_with(
    agent: str = "",
    *,
    model: str = "",
    iterations: int | None = None,
    measured: str = "",
    asked: RolloutOptions | None = None,
) -> RepairOptions | None:
    """Who may write or mend a contract, for `setup(..., repair=...)`; agents and models as the environment
    names them.

    Args:
        agent: Its name, or `module:callable`; HONING_AGENT where empty.
        model: The agent's model; HONING_AGENT_MODEL where empty, then the measured one.
        iterations: Patches to ask for at most; 0 for none.
        measured: The model that will be measured.
        asked: How it will be asked.

    Raises:
        UsageError: There is no such agent, or it needs a model and none is named.
    """
    import os

    from honing.agents import AgentSettings
    from honing.contract import RepairRequest, RolloutOptions
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    request = RepairRequest(
        agent=agent or settings.agents.default or "",
        model=model or settings.agents.model or "",
        iterations=iterations,
        installed=AgentSettings(**settings.installed_agents(os.environ)),
    )
    return request.options(measured, asked or RolloutOptions(), settings.models.endpoints())


def optimize(
    project: str | Path,
    *,
    agent: str | Agent = "",
    model: str = "",
    budget: int | None = None,
    run_name: str = "",
    options: OptimizeOptions | None = None,
) -> OptimizeResult:
    """Improve the harness of a project; agents, models, keys and the folder of runs as the environment names
    them.

    The same call goes on with a run that was interrupted.

    Args:
        project: Its folder, or its file.
        agent: Its name, `module:callable`, or an agent; HONING_AGENT where empty, then the project's.
        model: The agent's model; HONING_AGENT_MODEL where empty, then the project's.
        budget: Proposals of each arm; as the project says where None.
        run_name: Of the run's folder.
        options: Everything else. What it says itself is not asked of the environment.

    Raises:
        HoningError: See `honing.harness.optimize_project`.
    """
    from dataclasses import replace
    from pathlib import Path

    from honing.harness import OptimizeOptions, load_project, optimize_project

    found, options = load_project(Path(project)), options or OptimizeOptions()
    asked = replace(
        options.asked,
        agent=agent if isinstance(agent, str) and agent else options.asked.agent,
        model=model or options.asked.model,
        proposals=options.asked.proposals if budget is None else budget,
    )
    options = replace(
        options,
        asked=asked,
        agent=options.agent if isinstance(agent, str) else agent,
        home=options.home or found.runs,
        run_name=run_name or options.run_name,
    )
    return optimize_project(found, _as_the_environment_says(options))


def _as_the_environment_says(options: OptimizeOptions) -> OptimizeOptions:
    """The options, with what they leave open filled in from the environment."""
    import os
    from dataclasses import replace

    from honing.agents import AgentSettings
    from honing.experiments import contract_objectives
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    asked, installed = options.asked, options.installed
    endpoints = dict(options.endpoints) or settings.models.endpoints()
    if installed == AgentSettings():
        installed = AgentSettings(**settings.installed_agents(os.environ))
    return replace(
        options,
        asked=replace(
            asked,
            agent=asked.agent or settings.agents.default or "",
            model=asked.model or settings.agents.model or "",
        ),
        home=options.home or settings.paths.home,
        installed=installed,
        endpoints=endpoints,
        contracts=options.contracts or contract_objectives(asked.sandbox, endpoints),
    )


def improve(
    subject: Subject, spec: ImproveSpec | None = None, options: ImproveOptions | None = None
) -> ImproveResult:
    """Measure, rewrite the harness, teach the weights, measure again on tasks never seen; keys and the folder
    of runs as the environment names them.

    The same call goes on with a run that was interrupted.

    Args:
        subject: What is improved: `honing.experiments.contract_subject(...)`, for one.
        spec: What decides the result.
        options: Everything else. What it says itself is not asked of the environment.

    Raises:
        HoningError: See `honing.experiments.improve_subject`.
    """
    import os
    from dataclasses import replace

    from honing.experiments import ImproveOptions, improve_subject
    from honing.settings import load_settings

    settings = load_settings(environ=os.environ)
    options = options or ImproveOptions(home=settings.paths.home, cache=settings.paths.cache)
    endpoints = dict(options.endpoints) or settings.models.endpoints()
    return improve_subject(subject, spec, replace(options, endpoints=endpoints))


def load_run(path: str | Path) -> Run:
    """Open a run folder.

    Raises:
        StoreError: There is no run, it is damaged, or another version of Honing wrote it.
    """
    from honing.store import load_run as load

    return load(path)
