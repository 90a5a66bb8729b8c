"""What all commands of `hone teach` have in common: the study's file, the run, budgets, and how to print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import tell

if TYPE_CHECKING:
    from honing.executors import Progress
    from honing.settings import Settings
    from honing.teach import StudyOptions, StudySpec

COMMON: dict[str, Any] = {
    "config": (
        Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A study; options go over it.")],
        None,
    ),
    "env_option": (
        Annotated[
            list[str] | None,
            typer.Option("--env-option", metavar="NAME=VALUE", help="Of the world; repeatable."),
        ],
        None,
    ),
    "run_name": (Annotated[str, typer.Option("--run-name", metavar="NAME", help="Of the run's folder.")], ""),
    "fresh": (Annotated[bool, typer.Option("--fresh", help="Begin anew.")], False),
    "workers": (Annotated[int | None, typer.Option("--workers", min=1, help="Processes at a time.")], None),
    "cost_limit": (
        Annotated[float | None, typer.Option("--cost-limit", min=0.0, help="Of model calls, US dollars.")],
        None,
    ),
    "token_limit": (
        Annotated[int | None, typer.Option("--token-limit", min=1, help="Of model calls.")],
        None,
    ),
    "time_limit": (Annotated[float | None, typer.Option("--time-limit", min=0.0, help="Seconds.")], None),
    "json": (Annotated[bool, typer.Option("--json", help="Print one JSON document.")], False),
}
"""Options of every command, as `with_options` takes them."""

_SETTINGS = {
    "workers": "limits.workers",
    "token_limit": "limits.budget_tokens",
    "cost_limit": "limits.budget_usd",
    "time_limit": "limits.budget_wall_s",
}
"""Options that are settings as well, by name."""


def settings_of(frame: Frame, given: Mapping[str, Any]) -> Settings:
    """Settings, with the options that are settings."""
    return frame.settings(
        {key: given[name] for name, key in _SETTINGS.items() if given.get(name) is not None}
    )


def spec_of(frame: Frame, given: Mapping[str, Any], choices: Mapping[str, Any]) -> StudySpec:
    """The study of a command: its file, if one is given, and the options laid over it."""
    from honing.teach import StudySpec, load_study, with_choices

    choices = {**_implied(choices), **_world(given)}
    if given.get("config") is not None:
        return load_study(frame.cwd / given["config"], choices)
    return with_choices(StudySpec(), choices)


def study_options(
    frame: Frame,
    settings: Settings,
    given: Mapping[str, Any],
    *,
    only: Sequence[str] = (),
    inputs: Mapping[str, Path] | None = None,
) -> StudyOptions:
    """Everything of a session but the study itself."""
    import os

    from honing.executors import Budget
    from honing.teach import StudyOptions

    limits = settings.limits
    if settings.devices.cuda_visible is not None:
        # Also where it stands in `.env` only: the processes that compute inherit it.
        os.environ["CUDA_VISIBLE_DEVICES"] = settings.devices.cuda_visible
    return StudyOptions(
        begin=given.get("begin") or "",
        until=given.get("until") or "",
        only=only,
        strict=given.get("strict", False),
        inputs=inputs or {},
        home=settings.paths.home,
        run_name=given["run_name"],
        fresh=given["fresh"],
        workers=limits.workers or os.cpu_count() or 1,
        endpoints=settings.models.endpoints(),
        cache=settings.paths.cache,
        budget=Budget(
            tokens=limits.budget_tokens,
            cost_usd=limits.budget_usd,
            wall_s=limits.budget_wall_s,
            whole_run=True,
        ),
        tracking=settings.tracking.wandb_project or "",
        command=["hone", "--home", str(settings.paths.home.resolve()), *frame.arguments],
        progress=_progress(frame, settings),
        told=lambda line: tell(settings, line),
    )


def _implied(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Choices that follow from others: a named teacher is a model, a checkpoint is an expert of that kind,
    and who asks for epochs wants no fixed number of steps."""
    found = dict(choices)
    if "teacher.model" in found and not found.get("teacher.skip_api"):
        found.setdefault("teacher.kind", "model")
    if "training.epochs" in found:
        found.setdefault("training.n_steps", None)
    for name in ("model", "checkpoint"):
        if f"expert.{name}" in found:
            found.setdefault("expert.kind", name)
    return found


def _world(given: Mapping[str, Any]) -> dict[str, Any]:
    import yaml

    from honing.cli.measure_words import pairs

    options = pairs(given.get("env_option") or [], "--env-option", "NAME=VALUE")
    return {f"environment.options.{name}": yaml.safe_load(value) for name, value in options.items()}


def _progress(frame: Frame, settings: Settings) -> Callable[[str], Progress]:
    import sys

    from honing.executors import choose_progress

    quiet = settings.output.quiet or not settings.output.progress
    return lambda _: choose_progress(sys.stderr, frame.environ, quiet=quiet)
