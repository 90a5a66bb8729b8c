"""`hone experiment matrix`: the same experiment for every combination of its axes, several trials each."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.harness_result import telling_the_end
from honing.cli.measure_words import listed, pairs
from honing.cli.printing import tell

if TYPE_CHECKING:
    from honing.experiments import MatrixOptions, MatrixSpec
    from honing.settings import Settings

_SETTINGS = {
    "sandbox": "sandbox.kind",
    "token_limit": "limits.budget_tokens",
    "cost_limit": "limits.budget_usd",
    "time_limit": "limits.budget_wall_s",
}
"""Options that are settings as well, by name."""
_LISTS = {
    "targets": "measure.targets",
    "llm": "measure.models",
    "modes": "measure.modes",
    "projects": "harness.projects",
    "agents": "harness.agents",
    "agent_models": "harness.models",
    "budgets": "harness.budgets",
}
"""Options that are lists of an axis's values, by name."""
_VALUES = {
    "limit": "measure.limit",
    "epochs": "measure.epochs",
    "search": "harness.search",
    "control": "harness.control",
    "trials": "trials",
    "seed": "seed",
}
"""Options that are one value of the matrix, by name."""
_Axis = list[str] | None


def matrix(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="YAML; flags are laid over it.", show_default=False),
    ] = None,
    targets: Annotated[_Axis, typer.Option("--targets", metavar="A,B", help="Measure these.")] = None,
    llm: Annotated[_Axis, typer.Option("--llm", metavar="A,B", help="Models to measure.")] = None,
    modes: Annotated[_Axis, typer.Option("--modes", metavar="A,B", help="smoke, full or both.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Ask so many rows, drawn anew.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", min=1, help="Ask every row this often.")] = None,
    projects: Annotated[
        _Axis, typer.Option("--projects", metavar="A,B", help="Improve these; example:NAME is a shipped one.")
    ] = None,
    agents: Annotated[_Axis, typer.Option("--agents", metavar="A,B", help="Who proposes.")] = None,
    agent_models: Annotated[
        _Axis, typer.Option("--agent-models", metavar="A,B", help="Models of the agents.")
    ] = None,
    budgets: Annotated[_Axis, typer.Option("--budgets", metavar="N,M", help="Proposals of each arm.")] = None,
    search: Annotated[str | None, typer.Option("--search", help="Of every harness run.")] = None,
    control: Annotated[str | None, typer.Option("--control", help="best_of_n or none.")] = None,
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Of each cell.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the first trial.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of the matrix, dotted: measure.temperature=0.7."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", metavar="DIR", help="What relative paths count from; the file's folder."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Trials under way at a time.")] = 1,
    token_limit: Annotated[
        int | None, typer.Option("--token-limit", min=1, help="Budget of all trials.")
    ] = None,
    cost_limit: Annotated[
        float | None, typer.Option("--cost-limit", min=0.0, help="Budget of all trials, US dollars.")
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", min=0.0, help="Budget of all trials, seconds.")
    ] = None,
    run_name: Annotated[
        str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder; the same again goes on.")
    ] = "",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if the same matrix is unfinished.")
    ] = False,
    sandbox: Annotated[
        str | None, typer.Option("--sandbox", help="auto, bubblewrap, landlock or unconfined.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and may be spent; do nothing.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    tsv: Annotated[bool, typer.Option("--tsv", help="Print the cells as tab-separated values.")] = False,
) -> int:
    """Run every combination of the axes, several trials each: means, intervals, paired differences.

    \b
    Examples:
      hone experiment matrix examples/matrices/harness.yaml --workers 2
      hone experiment matrix --targets a,b --llm m1,m2 --modes smoke,full --trials 3
      hone experiment matrix --projects p1,p2 --agents scripted,nop --budgets 1,3 --trials 3

    Every trial is a run of its own; tables are written as trials end. Interrupted? The same command goes on,
    and tries failed trials again. Exit code 1: a trial has no number that counts.
    """
    given = dict(locals())
    frame = Frame.of(ctx)
    with telling_the_end(json=json):
        return _matrix(frame, given)


def _matrix(frame: Frame, given: Mapping[str, Any]) -> int:
    """The options as they were given, read and acted upon; the exit code."""
    from honing.cli.matrix_result import print_matrix, print_matrix_forecast
    from honing.cli.printing import Format
    from honing.experiments import forecast_matrix, run_matrix

    flags = {key: given[name] for name, key in _SETTINGS.items() if given[name] is not None}
    settings = frame.settings(flags)
    format = Format.chosen(json=given["json"], tsv=given["tsv"])
    spec = _spec(frame, settings, given)
    options = _options(frame, settings, given)
    look = frame.look(settings)
    if given["dry_run"]:
        print_matrix_forecast(forecast_matrix(spec, options), format=format, look=look)
        return 0
    return print_matrix(spec, run_matrix(spec, options), format=format, look=look)


def _spec(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> MatrixSpec:
    """The file with the flags laid over it; a budget that neither names is that of the settings."""
    import yaml

    from honing.errors import UsageError
    from honing.experiments import load_matrix

    if given["file"] is None and not given["targets"] and not given["projects"]:
        raise UsageError("there is nothing to run: give a FILE, or --targets A,B --llm M, or --projects A,B.")
    choices: dict[str, Any] = {
        path: [_plain(word) if name == "budgets" else word for word in listed(given[name])]
        for name, path in _LISTS.items()
        if given[name]
    }
    choices |= {path: given[name] for name, path in _VALUES.items() if given[name] is not None}
    if given["targets"] and not given["llm"] and given["file"] is None and settings.models.default:
        choices["measure.models"] = [settings.models.default]
    words = pairs(given["setting"] or [], "--set", "KEY=VALUE")
    choices |= {path: yaml.safe_load(text) for path, text in words.items()}
    spec = load_matrix(None if given["file"] is None else frame.cwd / given["file"], choices)
    limits, budget = settings.limits, spec.budget
    asked = {
        "tokens": (given["token_limit"], budget.tokens, limits.budget_tokens),
        "cost_usd": (given["cost_limit"], budget.cost_usd, limits.budget_usd),
        "wall_s": (given["time_limit"], budget.wall_s, limits.budget_wall_s),
    }
    found = {name: next((one for one in ones if one is not None), None) for name, ones in asked.items()}
    return spec.model_copy(update={"budget": budget.model_copy(update=found)})


def _plain(word: str) -> int | str:
    """A number where it is one; the schema says what is wrong where it is none."""
    return int(word) if word.isdecimal() else word


def _options(frame: Frame, settings: Settings, given: Mapping[str, Any]) -> MatrixOptions:
    from honing.agents import AgentSettings
    from honing.contract import SetupOptions, SourceOptions
    from honing.executors import choose_progress
    from honing.experiments import MatrixOptions, contract_objectives
    from honing.harness import OptimizeOptions

    endpoints, limits = settings.models.endpoints(), settings.limits
    base = _base(frame, given)
    quiet = settings.output.quiet or not settings.output.progress
    in_lines = not sys.stderr.isatty() or frame.environ.get("TERM", "") in ("", "dumb")
    return MatrixOptions(
        home=settings.paths.home,
        run_name=given["run_name"],
        fresh=given["fresh"],
        base=base,
        workers=given["workers"],
        sandbox=settings.sandbox.kind.value,
        measuring=SetupOptions(
            source=SourceOptions(**settings.fetching(frame.environ)),
            max_connections=limits.max_connections,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
        ),
        improving=OptimizeOptions(
            workers=limits.workers,
            installed=AgentSettings(**settings.installed_agents(frame.environ), here=frame.cwd),
            contracts=contract_objectives(settings.sandbox.kind, endpoints),
        ),
        endpoints=endpoints,
        command=_repeatable(frame, given, base, settings.paths.home),
        progress=choose_progress(sys.stderr, frame.environ, quiet=quiet),
        # No bar is drawn over lines where stderr is read as lines.
        told=lambda line: tell(settings, line) if in_lines else None,
    )


def _base(frame: Frame, given: Mapping[str, Any]) -> Path:
    """What relative paths count from: where they were written."""
    base: Path | None = given["base"]
    file: Path | None = given["file"]
    if base is not None:
        return frame.cwd / base
    named_here = given["targets"] or given["projects"]
    return frame.cwd if named_here or file is None else (frame.cwd / file).parent


def _repeatable(frame: Frame, given: Mapping[str, Any], base: Path, home: Path) -> list[str]:
    """The command line that goes on with this work from any folder."""
    from honing.contract import without_secrets

    file = given["file"]
    places = {} if file is None else {str(file): str((frame.cwd / file).resolve())}
    words = [places.get(word, word) for word in frame.arguments if word != "--fresh"]
    if given["base"] is None:
        words += ["--base", str(base.resolve())]
    return ["hone", "--home", str(home.resolve()), *map(without_secrets, words)]
