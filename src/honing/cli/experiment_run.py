"""`hone experiment run`: one mode of one experiment, and the files that say what it came to."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.experiment_read import RegistryOption, ResultsOption, registry_of, results_of
from honing.cli.frame import Frame
from honing.cli.measure_words import pairs
from honing.cli.printing import Column, Format, print_json, print_rows, tell

if TYPE_CHECKING:
    from honing.experiments import ExperimentPlan, ExperimentResult
    from honing.settings import Settings

_LINE = (Column(key="name", heading=""), Column(key="value", heading="", lines=True))


def run(
    ctx: typer.Context,
    experiment: Annotated[str, typer.Argument(metavar="ID", help="Of the row.")],
    mode: Annotated[str, typer.Option("--mode", help="smoke or full.")] = "smoke",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="What the registry's data is here; repeatable."),
    ] = None,
    set_file: Annotated[
        Path | None,
        typer.Option("--set-file", metavar="FILE", help="Lines NAME=VALUE, as with --set."),
    ] = None,
    registry: RegistryOption = Path("experiments.yaml"),
    results: ResultsOption = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew even if the same work is unfinished.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run; run nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Run an experiment's commands, judge its done signals, and write results/<ID>-<mode>.json and .tsv.

    \b
    Examples:
      hone experiment run Exp-001 --mode smoke --set gsm8k=./data/gsm8k
      hone experiment run ticket_router --mode full --json
      hone experiment run Exp-002 --mode full --dry-run

    Exit code 0: everything ended well and every signal holds; 1: a signal does not hold; otherwise that of
    the command that ended badly. Interrupted? The same command goes on where it stopped.
    """
    from honing.experiments import ExperimentMode, plan_experiment, run_experiment

    frame = Frame.of(ctx)
    settings = frame.settings()
    given = {**_of_file(frame, set_file), **pairs(values or [], "--set", "NAME=VALUE")}
    options = _options(frame, settings, given, results_of(frame, registry, results), fresh=fresh)
    planned = plan_experiment(registry_of(frame, registry), experiment, _mode(mode, ExperimentMode), options)
    if dry_run:
        return _foretell(planned, frame, settings, json=json)
    result = run_experiment(planned)
    _print(result, frame, settings, json=json)
    return result.exit_code


def _options(
    frame: Frame, settings: Settings, values: Mapping[str, str], results: Path, *, fresh: bool
) -> Any:
    from honing.experiments import ExperimentOptions

    home = frame.cwd / settings.paths.home
    return ExperimentOptions(
        home=home,
        results=results,
        environ=frame.environ,
        values=values,
        folder=frame.cwd,
        cache=frame.cwd / settings.paths.cache,
        fresh=fresh,
        told=lambda line: tell(settings, line),
    )


def _mode(word: str, modes: Any) -> Any:
    from honing.errors import UsageError

    try:
        return modes(word)
    except ValueError:
        raise UsageError(f"--mode {word!r}: there are {', '.join(modes)}.") from None


def _of_file(frame: Frame, file: Path | None) -> dict[str, str]:
    """NAME=VALUE lines; empty ones and comments are skipped."""
    from honing.errors import UsageError

    if file is None:
        return {}
    try:
        lines = (frame.cwd / file).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--set-file {file}: cannot be read ({error}).") from None
    return pairs([line for one in lines if (line := one.strip()) and not line.startswith("#")])


def _foretell(plan: ExperimentPlan, frame: Frame, settings: Settings, *, json: bool) -> int:
    from honing.experiments import forecast_experiment

    found = forecast_experiment(plan)
    if json:
        print_json(found)
        return 0
    lines = [{"name": name, "value": _words(value)} for name, value in found.items() if value]
    print_rows(_LINE, lines, format=Format.TABLE, look=frame.look(settings))
    return 0


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key} = {member}" for key, member in value.items())
    if isinstance(value, list):
        return "\n".join(shlex.join(one) if isinstance(one, list) else str(one) for one in value)
    return str(value)


def _print(result: ExperimentResult, frame: Frame, settings: Settings, *, json: bool) -> None:
    if json:
        print_json(result.as_document())
        return
    rows = [
        {"signal": one.expression, "holds": "holds" if one.holds else "DOES NOT HOLD", "read": _read(one)}
        for one in result.signals
    ]
    columns: Sequence[Column] = (
        Column(key="holds", heading=""),
        Column(key="signal", heading="SIGNAL"),
        Column(key="read", heading="READ", from_width=100),
    )
    print_rows(columns, rows, format=Format.TABLE, look=frame.look(settings))
    lines = {
        "result": "passed" if result.ok else f"not passed: {result.reason}",
        **{name: value for name, value in result.metrics.items() if value is not None},
        "run": result.run,
    }
    shown = [{"name": name, "value": str(value)} for name, value in lines.items()]
    print_rows(_LINE, shown, format=Format.TABLE, look=frame.look(settings))


def _read(signal: Any) -> str:
    return signal.reason or ", ".join(f"{one.name} = {one.value}" for one in signal.reads[:4])
