"""`hone demo`: three models of known skill on a bundled data set, calibrated, with a page to look at."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame

app = command_app()

MODELS = ("scripted/perfect", "scripted/skilled-0.6", "scripted/empty")


@app.command()
def demo(
    ctx: typer.Context,
    seed: Annotated[int, typer.Option("--seed", help="Of the scripted model's mistakes.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Measure three scripted models on 120 arithmetic word problems: no key, no network, under a minute.

    \b
    Examples:
      hone demo
      hone demo --json | jq .

    One is always right, one is right 60% of the time, one says nothing: a measurement that can be trusted
    tells them apart, and says how sure it is.
    """
    from honing.cli.measured import model_row, print_calibration, print_models, write_page
    from honing.cli.printing import print_json
    from honing.contract import Mode, RolloutOptions, SetupOptions, setup
    from honing.demo import word_problems
    from honing.executors import choose_progress

    frame = Frame.of(ctx)
    settings = frame.settings()
    options = SetupOptions(
        home=settings.paths.home, seed=seed, max_connections=settings.limits.max_connections
    )
    asked = RolloutOptions(mode=Mode.FULL)
    with setup(word_problems(), options, fresh=True) as session:
        quiet = settings.output.quiet or not settings.output.progress
        session.progress = choose_progress(sys.stderr, frame.environ, quiet=quiet)
        found = []
        for model in MODELS:
            session.rollout(model, asked)
            found.append(session.evaluate().metrics)
        page = write_page(session.run)
    if json:
        print_json({"models": found, "run": str(session.run.path), "page": str(page)})
        return 0
    look = frame.look(settings)
    print_models([model_row(metrics) for metrics in found], look=look)
    typer.echo("")
    print_calibration(found[0]["calibration"], look=look)
    typer.echo(f"\nThe page, with every sample: {page}")
    typer.echo("Next: hone measure FOLDER --llm MODEL on a benchmark of your own.")
    return 0
