"""`hone harness run` and `resume`: improve a harness, and go on with a run that stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_ledgers import RUN_HELP, run_of
from honing.cli.harness_result import print_forecast, print_outcome, telling_the_end
from honing.cli.measure_words import pairs
from honing.cli.printing import tell

if TYPE_CHECKING:
    from honing.executors import Progress
    from honing.harness import Asked, Live, Project
    from honing.settings import Settings

_SETTINGS = {
    "agent": "agents.default",
    "agent_model": "agents.model",
    "sandbox": "sandbox.kind",
    "workers": "limits.workers",
    "token_limit": "limits.budget_tokens",
    "cost_limit": "limits.budget_usd",
    "time_limit": "limits.budget_wall_s",
}
"""Options that are settings as well, by name."""

_Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Candidates worked on at a time.")]
_TaskRuns = Annotated[int | None, typer.Option("--task-runs", min=1, help="Budget of runs of tasks.")]
_Tokens = Annotated[int | None, typer.Option("--token-limit", min=1, help="Budget of the agent's tokens.")]
_Cost = Annotated[
    float | None, typer.Option("--cost-limit", min=0.0, help="Budget of the agent's calls, in US dollars.")
]
_Time = Annotated[float | None, typer.Option("--time-limit", min=0.0, help="Budget, in seconds.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run(
    ctx: typer.Context,
    project: Annotated[
        Path, typer.Argument(metavar="PROJECT", help="Its folder, or its file.", show_default=False)
    ] = Path(),
    agent: Annotated[str | None, typer.Option("--agent", metavar="NAME", help="Who proposes.")] = None,
    agent_model: Annotated[
        str | None, typer.Option("--agent-model", metavar="MODEL", help="The agent's model.")
    ] = None,
    agent_timeout: Annotated[
        float | None, typer.Option("--agent-timeout", min=0.1, help="Limit of one proposal, in seconds.")
    ] = None,
    agent_option: Annotated[
        list[str] | None,
        typer.Option("--agent-option", metavar="NAME=VALUE", help="Of the agent itself; repeatable."),
    ] = None,
    budget: Annotated[int | None, typer.Option("--budget", min=0, help="Proposals of each arm.")] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", help="greedy, frontier, islands, restarts or best_of_n."),
    ] = None,
    control: Annotated[
        str | None,
        typer.Option("--control", help="best_of_n (as many independent proposals beside it) or none."),
    ] = None,
    in_flight: Annotated[
        int | None,
        typer.Option("--in-flight", min=1, help="Proposals of an arm that may not know of each other."),
    ] = None,
    workers: _Workers = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of every random choice.")] = None,
    task_runs: _TaskRuns = None,
    token_limit: _Tokens = None,
    cost_limit: _Cost = None,
    time_limit: _Time = None,
    run_name: Annotated[
        str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder; the same again goes on.")
    ] = "",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if the same work is unfinished.")
    ] = False,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and may be spent; do nothing.")
    ] = False,
    json: _Json = False,
) -> int:
    """Improve a harness: proposals by an agent, judged by the project's tasks, kept where they help.

    \b
    Examples:
      hone harness run ./my-project --agent scripted --budget 1     (its own solution: no model, no key)
      hone harness run ./my-project --agent codex --agent-model gpt-5-codex --budget 10
      hone harness run ./my-project --dry-run

    Beside the search run as many independent proposals (the control arm), and at the end the winners of both
    meet the held-out tasks. Exit code 0: improved; 1: not improved. Interrupted? The same command goes on.
    """
    given = dict(locals())
    frame = Frame.of(ctx)
    with telling_the_end(json=json):
        return _run(frame, given)


def _run(frame: Frame, given: Mapping[str, Any]) -> int:
    """The options as they were given, read and acted upon; the exit code."""
    from honing.harness import OptimizeOptions, forecast, load_project, optimize_project

    project, json = given["project"], given["json"]
    settings = _settings(frame, given)
    found = load_project(frame.cwd / project)
    for note in found.notes:
        tell(settings, note)
    options = OptimizeOptions(
        asked=_asked(settings, given),
        home=_home(settings, found),
        run_name=given["run_name"],
        fresh=given["fresh"],
        command=_repeatable(frame, found.folder, project, _home(settings, found)),
        **_surroundings(frame, settings),
    )
    if given["dry_run"]:
        print_forecast(forecast(found, options), json=json, look=frame.look(settings))
        return 0
    return print_outcome(optimize_project(found, options), json=json, look=frame.look(settings))


def resume(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help=RUN_HELP)],
    workers: _Workers = None,
    task_runs: _TaskRuns = None,
    token_limit: _Tokens = None,
    cost_limit: _Cost = None,
    time_limit: _Time = None,
    json: _Json = False,
) -> int:
    """Go on with a run that was killed, stopped or short of budget; nothing that ended is repeated.

    \b
    Examples:
      hone harness resume latest
      hone harness resume ./my-project/runs/first --token-limit 2000000

    A budget that is given here replaces the one that the run began with. Of a run that is done, its result is
    printed.
    """
    from honing.harness import Asked, OptimizeOptions
    from honing.harness import resume as go_on

    given = dict(locals())
    frame = Frame.of(ctx)
    settings = _settings(frame, given)
    limits = settings.limits
    asked = Asked(
        task_runs=task_runs,
        tokens=limits.budget_tokens,
        cost_usd=limits.budget_usd,
        wall_s=limits.budget_wall_s,
    )
    options = OptimizeOptions(asked=asked, **_surroundings(frame, settings))
    with telling_the_end(json=json):
        result = go_on(run_of(frame, settings, run), options)
        return print_outcome(result, json=json, look=frame.look(settings))


def _settings(frame: Frame, given: Mapping[str, Any]) -> Settings:
    flags = {key: given[name] for name, key in _SETTINGS.items() if given.get(name) is not None}
    return frame.settings(flags)


def _asked(settings: Settings, given: Mapping[str, Any]) -> Asked:
    import yaml

    from honing.harness import Asked

    limits = settings.limits
    options = pairs(given["agent_option"] or [], "--agent-option", "NAME=VALUE")
    return Asked(
        agent=settings.agents.default or "",
        model=settings.agents.model or "",
        agent_options={name: yaml.safe_load(value) for name, value in options.items()},
        timeout_s=given["agent_timeout"],
        proposals=given["budget"],
        search=given["search"] or "",
        control=given["control"] or "",
        in_flight=given["in_flight"],
        seed=given["seed"],
        sandbox=settings.sandbox.kind.value,
        task_runs=given["task_runs"],
        tokens=limits.budget_tokens,
        cost_usd=limits.budget_usd,
        wall_s=limits.budget_wall_s,
    )


def _surroundings(frame: Frame, settings: Settings) -> dict[str, Any]:
    """What has no influence on a run's result, as fields of its options."""
    from honing.agents import AgentSettings
    from honing.experiments import contract_objectives

    endpoints = settings.models.endpoints()
    return {
        "workers": settings.limits.workers,
        "installed": AgentSettings(**settings.installed_agents(frame.environ), here=frame.cwd),
        "endpoints": endpoints,
        "contracts": contract_objectives(settings.sandbox.kind, endpoints),
        "progress": _progress(frame, settings),
        "told": lambda line: tell(settings, line) if _in_lines(frame) else None,
    }


def _home(settings: Settings, project: Project) -> Path:
    """The folder of runs: the one that is named, the project's own, or the usual one."""
    from honing.settings import Place

    named = settings.origins["paths.home"].place is not Place.DEFAULT
    return settings.paths.home if named or project.runs is None else project.runs


def _repeatable(frame: Frame, folder: Path, given: Path, home: Path) -> list[str]:
    """The command line that goes on with this work from any folder.

    Args:
        frame: Holds the words as they were given.
        folder: Where the project lies.
        given: How it was named.
        home: Where the run lies.
    """
    words = [str(folder) if word == str(given) else word for word in frame.arguments if word != "--fresh"]
    if str(given) not in frame.arguments:
        words.append(str(folder))
    return ["hone", "--home", str(home.resolve()), *words]


def _progress(frame: Frame, settings: Settings) -> Callable[[Live], Progress]:
    import sys

    from honing.executors import choose_progress
    from honing.harness import words

    quiet = settings.output.quiet or not settings.output.progress
    return lambda live: choose_progress(sys.stderr, frame.environ, quiet=quiet, words=words(live))


def _in_lines(frame: Frame) -> bool:
    """Whether stderr is read as lines: no bar is drawn over them."""
    import sys

    return not sys.stderr.isatty() or frame.environ.get("TERM", "") in ("", "dumb")
