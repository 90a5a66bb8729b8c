"""One invocation of `hone measure`, read: run on one target or on many, and printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from honing.cli.frame import Frame

if TYPE_CHECKING:
    from honing.contract import Session, TargetSummary
    from honing.contract import SuiteRequest as Asked
    from honing.executors import Progress
    from honing.settings import Settings

HIDDEN = "***"
"""Stands for the value of a variable in a run's command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How results are printed."""

    json: bool
    dry_run: bool


def run_measurement(
    frame: Frame, settings: Settings, targets: Sequence[str], asked: Asked, shown: Shown
) -> int:
    """Set up, roll out, evaluate, tear down, for every target; print the results. Returns the exit code.

    Where one document is asked for, one is printed however the measurement ends; the error passes on.
    """
    if shown.dry_run:
        return _foretell(frame, settings, targets, asked, shown)
    if len(targets) > 1:
        return _measure_many(frame, settings, targets, asked, shown)
    return _measure_one(frame, settings, targets[0], asked, shown)


@contextmanager
def telling_the_end(targets: Sequence[str], *, json: bool) -> Iterator[None]:
    """Print an error of the block as the document that a result would have been; the error passes on.

    Args:
        targets: What was to be measured.
        json: Whether a document is asked for.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if json and not isinstance(error, BrokenPipeError):
            from honing.cli.printing import print_json
            from honing.contract import unmeasured
            from honing.store import Run

            folder = str(getattr(error, "run_folder", ""))
            run = Run.open(Path(folder)) if folder else None
            print_json({**unmeasured(error, run, target=", ".join(targets)), "run": folder})
        raise


def _foretell(frame: Frame, settings: Settings, targets: Sequence[str], asked: Asked, shown: Shown) -> int:
    from honing.cli.measured import print_forecast
    from honing.cli.printing import print_json
    from honing.contract import forecast

    names = [f"samples:{asked.samples.name}"] if asked.samples is not None else list(asked.models)
    many = len(targets) > 1
    found = [
        {**({"target": target} if many else {}), **forecast(target, asked.setup, name, asked.rollout)}
        for target in targets
        for name in names
    ]
    if shown.json:
        print_json(found[0] if len(found) == 1 else {"forecasts": found})
        return 0
    for one in found:
        print_forecast(one, json=False, look=frame.look(settings))
    return 0


def _measure_one(frame: Frame, settings: Settings, target: str, asked: Asked, shown: Shown) -> int:
    from honing.cli.measured import print_result, print_several
    from honing.contract import ask_all, setup

    look = frame.look(settings)
    intent = asked.intent()
    with setup(
        target,
        asked.setup,
        intent=intent,
        fresh=asked.fresh,
        command=asked.command,
        repair=asked.repair,
    ) as session:
        session.progress = _progress(frame, settings)
        ended = ask_all(session, asked)
    # Once it is torn down: whatever fails before that is the one document that is printed.
    if len(ended) == 1:
        print_result(session.run, ended[0][1].metrics, json=shown.json, look=look)
    else:
        print_several(session.run, json=shown.json, look=look)
    return 0 if session.ok else 1


def _measure_many(
    frame: Frame, settings: Settings, targets: Sequence[str], asked: Asked, shown: Shown
) -> int:
    from honing.cli.measured import print_targets, write_page
    from honing.cli.printing import print_json
    from honing.contract import SuiteWatcher, measure_targets

    def begun(target: str) -> None:
        if not settings.output.quiet:
            typer.echo(f"target {target}", err=True)

    def ended(summary: TargetSummary, session: Session | None) -> None:
        if session is not None:
            write_page(session.run)
        if not summary.ok and not settings.output.quiet:
            typer.echo(f"target {summary.target}: {summary.reason}", err=True)

    watcher = SuiteWatcher(progress=lambda: _progress(frame, settings), begun=begun, ended=ended)
    summaries, suite = measure_targets(targets, asked, watcher)
    ok = all(one.ok for one in summaries)
    if shown.json:
        print_json({"ok": ok, "targets": [one.as_document() for one in summaries], "suite": str(suite)})
    else:
        print_targets(summaries, suite, look=frame.look(settings))
    return 0 if ok else 1


def _progress(frame: Frame, settings: Settings) -> Progress:
    from honing.executors import choose_progress

    quiet = settings.output.quiet or not settings.output.progress
    return choose_progress(sys.stderr, frame.environ, quiet=quiet)


def repeatable(frame: Frame, targets: Sequence[str], home: Path, secrets: Sequence[str]) -> list[str]:
    """The command line that goes on with this work from any folder; values of --env may be secret and are not
    in it.

    Args:
        frame: Holds the words as they were given.
        targets: Named as words of their own; folders are written in full.
        home: Where runs lie.
        secrets: KEY=VALUE texts as they were given.
    """
    from honing.contract import origin_to_repeat, without_secrets

    places = {one: origin_to_repeat(one, frame.cwd) for one in targets}
    hidden = {text: f"{text.partition('=')[0]}={HIDDEN}" for text in secrets}
    words = [word for word in frame.arguments if word != "--fresh"]
    arguments = [places.get(word, hidden.get(word.removeprefix("--env="), word)) for word in words]
    # A list of targets is one word, and an address in it may hold a password.
    return ["hone", "--home", str(home.resolve()), *map(without_secrets, arguments)]
