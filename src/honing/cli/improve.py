"""`hone improve`: the closed loop on the user's own target, agent and model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.harness_result import telling_the_end
from honing.cli.measure_words import pairs
from honing.cli.printing import tell

if TYPE_CHECKING:
    from honing.experiments import ImproveOptions, ImproveSpec, Subject
    from honing.settings import Settings

app = command_app()

_SETTINGS = {
    "agent": "agents.default",
    "agent_model": "agents.model",
    "model": "models.default",
    "sandbox": "sandbox.kind",
    "workers": "limits.workers",
    "token_limit": "limits.budget_tokens",
    "cost_limit": "limits.budget_usd",
    "time_limit": "limits.budget_wall_s",
}
"""Options that are settings as well, by name."""
_WORLD = "world:"
_PLACES = ("target", "harness", "model", "contract")
"""Options that may name something of this machine."""


@app.command()
def improve(
    ctx: typer.Context,
    target: Annotated[
        str, typer.Option("--target", metavar="TARGET", help="As for `hone measure`; or world:NAME.")
    ],
    harness: Annotated[
        Path | None,
        typer.Option("--harness", metavar="DIR", help="system.md, template.txt, harness.yaml; or a project."),
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="Who is asked: a name, or a folder.")
    ] = None,
    agent: Annotated[
        str | None, typer.Option("--agent", metavar="NAME", help="Who rewrites the harness.")
    ] = None,
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
    budget: Annotated[
        int | None, typer.Option("--budget", min=0, help="Harness proposals of each arm; 0 skips the step.")
    ] = None,
    training_steps: Annotated[
        int | None, typer.Option("--training-steps", min=0, help="Of the optimiser; 0 skips the step.")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", min=0.0, help="Of teaching.")
    ] = None,
    search_tasks: Annotated[
        int | None, typer.Option("--search-tasks", min=1, help="Candidates are judged on these.")
    ] = None,
    check_tasks: Annotated[
        int | None, typer.Option("--check-tasks", min=1, help="Decide whether a step is kept.")
    ] = None,
    held_out_tasks: Annotated[
        int | None, typer.Option("--held-out-tasks", min=1, help="Sealed until the end.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, help="Seeds of each task in re-test and last look.")
    ] = None,
    retention_limit: Annotated[
        float | None, typer.Option("--retention-limit", min=0.0, max=1.0, help="Most that a step may lose.")
    ] = None,
    contract: Annotated[
        Path | None, typer.Option("--contract", metavar="FILE", help="Replaces the target's own.")
    ] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of a data set.")] = None,
    config: Annotated[
        str | None, typer.Option("--config-name", help="Of a data set that has several.")
    ] = None,
    allow_uncalibrated: Annotated[
        bool, typer.Option("--allow-uncalibrated", help="Go on without a calibrated score; recorded.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    task_runs: Annotated[
        int | None, typer.Option("--task-runs", min=1, help="Budget of attempts at tasks.")
    ] = None,
    token_limit: Annotated[int | None, typer.Option("--token-limit", min=1, help="Budget of tokens.")] = None,
    cost_limit: Annotated[
        float | None, typer.Option("--cost-limit", min=0.0, help="Budget, in US dollars.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0.0, help="Budget, in seconds.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes at a time.")] = None,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    run_name: Annotated[
        str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder; the same again goes on.")
    ] = "",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if the same loop is there.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how the budget would be divided; do nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Measure, rewrite the harness, teach the weights, measure again on tasks never seen.

    \b
    Examples:
      hone improve --target ./questions --harness ./prompts --model gpt-4o-mini --agent codex --budget 8
      hone improve --target ./questions --harness ./prompts --model ./my-model --agent scripted:edits.json
      hone improve --target world:shop --budget 12 --training-steps 200
      hone improve --target ./questions --harness ./prompts --model gpt-4o-mini --agent codex --dry-run

    A step is kept only if its gain shows again under fresh seeds and nothing solved before is lost. Exit code
    0: better on held-out tasks (paired 95% interval above 0); 1: not. Interrupted? The same command goes on.
    """
    given = dict(locals())
    frame = Frame.of(ctx)
    with telling_the_end(json=json):
        return _improve(frame, given)


def _improve(frame: Frame, given: Mapping[str, Any]) -> int:
    """The options as they were given, read and acted upon; the exit code."""
    from honing.cli.improve_result import print_improvement, print_split
    from honing.experiments import improve_subject, plan_improvement

    flags = {key: given[name] for name, key in _SETTINGS.items() if given[name] is not None}
    settings = frame.settings(flags)
    spec = _spec(given)
    subject = _subject(frame, settings, given)
    options = _options(frame, settings, given)
    look = frame.look(settings)
    if given["dry_run"]:
        split = plan_improvement(subject, spec, options)
        print_split(subject.name, spec, split, json=given["json"], look=look)
        return 0
    return print_improvement(improve_subject(subject, spec, options), json=given["json"], look=look)


def _spec(given: Mapping[str, Any]) -> ImproveSpec:
    from honing.experiments import ImproveSpec

    asked = {
        "proposals": given["budget"],
        "training_steps": given["training_steps"],
        "retest_repeats": given["repeats"],
        "final_repeats": given["repeats"],
        "retention_limit": given["retention_limit"],
    }
    named = {name: value for name, value in asked.items() if value is not None}
    return ImproveSpec(seed=given["seed"], **named)


def _subject(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> Subject:
    if given["target"].startswith(_WORLD):
        return _world(frame, given)
    return _measured(frame, settings, given)


def _world(frame: Frame, given: Mapping[str, Any]) -> Subject:
    """A student in a world; a tiny one that is made from scratch where no model is named."""
    from honing.experiments import WorldOptions, world_subject
    from honing.harness import AgentChoice

    named = ("search_tasks", "check_tasks", "held_out_tasks", "learning_rate")
    choice = None
    if given["agent"]:
        limit = {} if given["agent_timeout"] is None else {"timeout_s": given["agent_timeout"]}
        options = _agent_options(given)
        choice = AgentChoice(name=given["agent"], model=given["agent_model"] or "", options=options, **limit)
    return world_subject(
        given["target"].removeprefix(_WORLD),
        WorldOptions(**{name: given[name] for name in named if given[name] is not None}),
        model=_placed(frame, given["model"] or ""),
        harness=None if given["harness"] is None else frame.cwd / given["harness"],
        choice=choice,
    )


def _measured(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> Subject:
    from honing.contract import SetupOptions, SourceOptions
    from honing.errors import UsageError
    from honing.experiments import ContractOptions, Part, Teaching, contract_subject

    if given["harness"] is None:
        raise UsageError(
            "--harness: which prompts are improved? Give a folder with system.md, template.txt, harness.yaml "
            "(any of them), or a project with a honing.yaml."
        )
    if not settings.models.default:
        raise UsageError("--model: who is asked? Give a model's name or a folder (or set HONING_MODEL).")
    limits = settings.limits
    setup = SetupOptions(
        seed=given["seed"],
        contract=None if given["contract"] is None else frame.cwd / given["contract"],
        split=given["split"],
        config=given["config"],
        source=SourceOptions(**settings.fetching(frame.environ)),
        sandbox=settings.sandbox.kind.value,
        max_connections=limits.max_connections,
        requests_per_minute=limits.requests_per_minute,
        tokens_per_minute=limits.tokens_per_minute,
    )
    taught = {} if given["learning_rate"] is None else {"learning_rate": given["learning_rate"]}
    return contract_subject(
        ContractOptions(
            target=_placed(frame, given["target"]),
            harness=frame.cwd / given["harness"],
            model=_placed(frame, settings.models.default),
            proposers=_proposers(frame, settings, given),
            teaching=Teaching(**taught),
            sizes={part: given[f"{part.value}_tasks"] for part in Part},
            seed=given["seed"],
            setup=setup,
            allow_uncalibrated=given["allow_uncalibrated"],
        )
    )


def _proposers(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> Any:
    from honing.agents import AgentSettings
    from honing.experiments import Proposers

    return Proposers(
        agent=settings.agents.default or "",
        model=settings.agents.model or "",
        options=_agent_options(given),
        timeout_s=given["agent_timeout"],
        installed=AgentSettings(**settings.installed_agents(frame.environ), here=frame.cwd),
    )


def _agent_options(given: Mapping[str, Any]) -> dict[str, Any]:
    import yaml

    words = pairs(given["agent_option"] or [], "--agent-option", "NAME=VALUE")
    return {name: yaml.safe_load(value) for name, value in words.items()}


def _options(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> ImproveOptions:
    from honing.executors import choose_progress
    from honing.experiments import ImproveLimits, ImproveOptions

    limits = settings.limits
    quiet = settings.output.quiet or not settings.output.progress
    return ImproveOptions(
        home=settings.paths.home,
        run_name=given["run_name"],
        fresh=given["fresh"],
        limits=ImproveLimits(
            task_runs=given["task_runs"],
            tokens=limits.budget_tokens,
            cost_usd=limits.budget_usd,
            wall_s=limits.budget_wall_s,
        ),
        workers=limits.workers or 1,
        endpoints=settings.models.endpoints(),
        cache=settings.paths.cache,
        sandbox=settings.sandbox.kind.value,
        command=_repeatable(frame, given, settings.paths.home),
        progress=lambda _: choose_progress(sys.stderr, frame.environ, quiet=quiet),
        told=lambda line: tell(settings, line),
    )


def _repeatable(frame: Frame, given: Mapping[str, Any], home: Path) -> list[str]:
    """The command line that goes on with this work from any folder."""
    named = [str(given[name]) for name in _PLACES if given[name] is not None]
    places = {name: _placed(frame, name) for name in named}
    words = [places.get(word, word) for word in frame.arguments if word != "--fresh"]
    return ["hone", "--home", str(home.resolve()), *words]


def _placed(frame: Frame, name: str) -> str:
    """A folder or file of this machine by its full path; any other name as it is."""
    return str((frame.cwd / name).resolve()) if name and (frame.cwd / name).exists() else name
