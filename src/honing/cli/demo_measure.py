"""The part of `hone demo` that needs no extra: three models of known skill, measured."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from honing.cli.frame import Frame
    from honing.settings import Settings

MODELS = ("scripted/perfect", "scripted/skilled-0.6", "scripted/empty")


def measure_models(frame: Frame, settings: Settings, *, seed: int, json: bool, sentence: str) -> int:
    """Measure three scripted models on 120 word problems: a measurement that can be trusted tells them apart,
    and says how sure it is.

    Args:
        frame: Of the command.
        settings: Of the command.
        seed: Of the scripted model's mistakes.
        json: As one document.
        sentence: What is said of the part that was left out; empty where nothing was.
    """
    from honing.cli.measured import model_row, print_calibration, print_models, write_page
    from honing.cli.printing import print_json
    from honing.contract import Mode, RolloutOptions, SetupOptions, setup
    from honing.demo import word_problems
    from honing.executors import choose_progress

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
        note = {"skipped": sentence} if sentence else {}
        print_json({"models": found, "run": str(session.run.path), "page": str(page), **note})
        return 0
    look = frame.look(settings)
    print_models([model_row(metrics) for metrics in found], look=look)
    typer.echo("")
    print_calibration(found[0]["calibration"], look=look)
    typer.echo(f"\nThe page, with every sample: {page}")
    if sentence:
        typer.echo(sentence)
    typer.echo("Next: hone measure FOLDER --llm MODEL on a benchmark of your own.")
    return 0
