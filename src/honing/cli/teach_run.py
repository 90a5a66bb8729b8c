"""`hone teach run`: a whole study, from nothing or from where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, Look, print_json, print_rows
from honing.cli.teach_result import print_study
from honing.cli.teach_settings import settings_of, study_options

if TYPE_CHECKING:
    from honing.teach import Forecast

_FORECAST = (
    Column(key="phase", heading="PHASE"),
    Column(key="episodes", heading="EPISODES", right=True),
    Column(key="optimiser_steps", heading="STEPS", right=True),
    Column(key="calls", heading="CALLS", right=True),
    Column(key="tokens", heading="TOKENS", right=True),
    Column(key="usd", heading="COST", right=True, show=lambda value: _known(value, "${:.2f}")),
    Column(key="cpu_s", heading="CPU", right=True, show=lambda value: _known(value, "{:.0f} s")),
)


def run(
    ctx: typer.Context,
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="[STUDY]", help="study.yaml; the defaults of the shop without it.", show_default=False
        ),
    ] = None,
    begin: Annotated[
        str, typer.Option("--from", metavar="PHASE", help="Do this phase and those after it, again if done.")
    ] = "",
    until: Annotated[str, typer.Option("--until", metavar="PHASE", help="Stop after this phase.")] = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop after a phase with a criterion that is not met.")
    ] = False,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Of the study, dotted: collect.n_tasks=200."),
    ] = None,
    run_name: Annotated[str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder.")] = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew, whatever lies there.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes at a time.")] = None,
    cost_limit: Annotated[
        float | None, typer.Option("--cost-limit", min=0.0, help="Of model calls, US dollars.")
    ] = None,
    token_limit: Annotated[int | None, typer.Option("--token-limit", min=1, help="Of model calls.")] = None,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0.0, help="Seconds.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take; do nothing.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Run a study of teachable moments: every phase, every criterion, one folder.

    \b
    Examples:
      hone teach run                                   (the shop study with its defaults)
      hone teach run study.yaml --dry-run
      hone teach run study.yaml --until quadrants      (then look at the thresholds, edit, and go on)
      hone teach run study.yaml --set collect.n_tasks=200 --set seed=1

    Interrupted? The same command goes on. A study that differs from one in this folder only in later phases
    begins where they part. Exit code 1: every phase ran, and a criterion is not met.
    """
    given = dict(locals())
    frame = Frame.of(ctx)
    settings = settings_of(frame, given)
    spec = _spec(frame, given)
    options = study_options(frame, settings, given)
    if dry_run:
        from honing.teach import chosen, forecast

        return _print_forecast(forecast(spec, options, chosen(options)), json=json, look=frame.look(settings))
    from honing.teach import run_study

    return print_study(run_study(spec, options), json=json, look=frame.look(settings))


def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of study.yaml, for editors."""
    from honing.teach import study_schema

    print_json(study_schema())


def _spec(frame: Frame, given: dict[str, Any]) -> Any:
    import yaml

    from honing.cli.measure_words import pairs
    from honing.teach import StudySpec, load_study, with_choices

    words = pairs(given["setting"] or [], "--set", "KEY=VALUE")
    choices = {name: yaml.safe_load(value) for name, value in words.items()}
    if given["study"] is None:
        return with_choices(StudySpec(), choices)
    return load_study(frame.cwd / given["study"], choices)


def _print_forecast(found: list[Forecast], *, json: bool, look: Look) -> int:
    rows = [each.as_document() for each in found]
    if json:
        print_json({"phases": rows})
        return 0
    total: dict[str, Any] = {"phase": "in all"}
    for key in ("episodes", "optimiser_steps", "calls", "tokens", "usd", "cpu_s"):
        values = [row[key] for row in rows]
        total[key] = None if None in values else sum(values)
    print_rows(_FORECAST, [*rows, total], format=Format.TABLE, look=look)
    return 0


def _known(value: float | None, form: str) -> str:
    return "unknown" if value is None else form.format(value)
