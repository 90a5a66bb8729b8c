"""`hone demo`: the closed loop on a tiny student in a text shop: no key, no network."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.commands import command_app
from honing.cli.frame import Frame
from honing.cli.harness_result import telling_the_end
from honing.cli.printing import tell

if TYPE_CHECKING:
    from honing.settings import Settings

app = command_app()

WORLD = "shop"
FULL: Mapping[str, Mapping[str, Any]] = {
    "spec": {"proposals": 16, "training_steps": 200},
    "options": {},
}
QUICK: Mapping[str, Mapping[str, Any]] = {
    "spec": {"proposals": 6, "training_steps": 100},
    "options": {
        "warm_start": {"hidden": 64, "steps": 500, "demonstrations": 8000},
        "search_tasks": 320,
        "check_tasks": 256,
        "held_out_tasks": 256,
    },
}
"""A smaller student, smaller panels: less is proven, in a fifth of the time."""
NEEDED = ("torch", "transformers", "peft", "trl", "datasets")
"""Packages of the extra `teach` without which a student can neither act nor learn."""
WITHOUT = (
    "Skipped: the closed loop (a student's harness is rewritten, then its weights are taught), which needs a "
    "student on this machine. `pip install 'honing[teach]'`, then `hone demo` again, shows it."
)


@app.command()
def demo(
    ctx: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smaller student and smaller panels: about two minutes.")
    ] = False,
    measure: Annotated[
        bool, typer.Option("--measure", help="The measurement of three scripted models alone.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Of every random choice.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Improve a tiny student in a text shop: its harness, then its weights; no key, no network.

    \b
    Examples:
      hone demo
      hone demo --quick
      hone demo --seed 1 --json | jq .rows
      hone demo --measure

    The student is made here, plays, and fails at about half of its tasks. A program proposes changes of its
    harness (prompt, temperature, rules, notes), judged on paired seeds; then it is taught from its own first
    mistakes. Each step is kept only if its gain shows again, and what is left is measured on tasks that
    nothing has seen. Interrupted? The same command goes on.

    Without the extra `teach` there is no student: three scripted models are measured on word problems then.
    """
    from honing.cli.demo_measure import measure_models

    frame = Frame.of(ctx)
    lacking = missing_packages()
    if measure or lacking:
        sentence = "" if measure else WITHOUT
        return measure_models(frame, frame.settings(), seed=seed, json=json, sentence=sentence)
    with telling_the_end(json=json):
        return _improve(frame, frame.settings(), QUICK if quick else FULL, seed=seed, json=json)


def missing_packages(find: Callable[[str], object] = find_spec) -> tuple[str, ...]:
    """The packages that a student needs and that are not installed; nothing is imported."""
    return tuple(name for name in NEEDED if find(name) is None)


def _improve(
    frame: Frame, settings: Settings, sizes: Mapping[str, Mapping[str, Any]], *, seed: int, json: bool
) -> int:
    """The loop, its table and its page. Whatever came out, it was shown: the exit code is 0."""
    from honing.cli.improve_result import print_improvement
    from honing.executors import choose_progress
    from honing.experiments import (
        ImproveOptions,
        ImproveSpec,
        WorldOptions,
        improve_subject,
        world_subject,
    )

    quiet = settings.output.quiet or not settings.output.progress
    options = ImproveOptions(
        home=settings.paths.home,
        workers=settings.limits.workers or 2,
        cache=settings.paths.cache,
        sandbox=settings.sandbox.kind.value,
        command=["hone", "--home", str(settings.paths.home.resolve()), *frame.arguments],
        progress=lambda _: choose_progress(sys.stderr, frame.environ, quiet=quiet),
        told=lambda line: tell(settings, line),
    )
    subject = world_subject(WORLD, WorldOptions(**sizes["options"]))
    result = improve_subject(subject, ImproveSpec(seed=seed, **sizes["spec"]), options)
    print_improvement(result, json=json, look=frame.look(settings))
    if not json:
        typer.echo("Next: hone improve --target FOLDER --harness DIR --model MODEL --agent AGENT.")
    return 0
