"""The options of `hone teach`: which setting of a study each gives, and which phases have it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from honing.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One option that gives a setting of the study."""

    names: tuple[str, ...]
    """Long names, the usual one first; the others are those of the published plan."""
    path: str
    """The setting, dotted: "collect.n_tasks"."""
    kind: type
    help: str
    phases: tuple[str, ...] = ()
    """Which commands have it; empty for all."""
    means: Any = None
    """The value that a switch gives."""


_HINTS = ("label", "advise")
_TRAINS = ("train", "select")


def _flag(names: str, path: str, kind: type, sentence: str, phases: tuple[str, ...] = ()) -> Flag:
    return Flag(names=tuple(names.split()), path=path, kind=kind, help=sentence, phases=phases)


def _switch(name: str, path: str, means: Any, sentence: str, phases: tuple[str, ...] = ()) -> Flag:
    return Flag(names=(name,), path=path, kind=bool, means=means, help=sentence, phases=phases)


FLAGS: tuple[Flag, ...] = (
    _flag("--environment", "environment.name", str, "World: shop, babyai ..."),
    _switch("--mock-env", "environment.name", "scripted", "A scripted chain as the world: for wiring only."),
    _flag(
        "--student-checkpoint --model-path --base-model",
        "student.checkpoint",
        str,
        "Student: hub id, folder, or folder of an adapter; a tiny one is made where none is given.",
    ),
    _switch("--mock-policy", "student.mock", True, "A scripted policy as the student: for wiring only."),
    _flag("--max-steps", "environment.options.max_steps", int, "Of an episode."),
    _flag("--seed", "seed", int, "Of every random choice."),
    _flag("--device", "student.device", str, "cpu, cuda, cuda:1 or auto."),
    _flag(
        "--expert-checkpoint",
        "expert.checkpoint",
        str,
        "A model folder as the expert; the environment's own where none is given.",
        ("collect", "label", "leverage"),
    ),
    _flag("--n-tasks", "collect.n_tasks", int, "Episodes.", ("collect",)),
    _flag("--temperature", "collect.temperature", float, "Of the student; 0 is greedy.", ("collect",)),
    _flag("--expert-tasks", "collect.expert_tasks", int, "Episodes of the expert.", ("collect",)),
    _flag("--teacher-model", "expert.model", str, "A chat model as the expert.", ("collect",)),
    _flag("--max-snapshots", "mine.max_snapshots", int, "To keep, the panel's included.", ("mine",)),
    _flag("--per-episode", "mine.per_episode", int, "Snapshots of one failed episode.", ("mine",)),
    _flag("--sample-rate", "mine.sample_rate", float, "Part of an expert's steps.", ("mine",)),
    _switch("--require-env-state", "mine.require_env_state", True, "Only steps with a state.", ("mine",)),
    _flag("--teacher-model", "teacher.model", str, "A chat model as the teacher.", _HINTS),
    _flag("--fallback-model", "teacher.fallback_model", str, "Asked where advice stays invalid.", _HINTS),
    _switch("--mock-teacher", "teacher.kind", "mock", "Advice at random: for wiring only.", _HINTS),
    _switch("--skip-api", "teacher.skip_api", True, "No call leaves this machine.", _HINTS),
    _flag(
        "--measure",
        "uncertainty.measure",
        str,
        "entropy, margin, topk_spread, effective_actions or length_normalised.",
        ("label", "uncertainty"),
    ),
    _flag("--n-policy", "leverage.n_policy", int, "Rollouts of the student.", ("label", "leverage")),
    _flag("--n-force", "leverage.n_force", int, "Rollouts after a forced action.", ("label", "leverage")),
    _flag("--n-expert", "leverage.n_expert", int, "Rollouts of the expert.", ("label", "leverage")),
    _flag("--n-per-condition", "cpt.n_per_condition", int, "Rollouts of each condition.", ("label", "cpt")),
    _flag(
        "--U-threshold",
        "quadrants.U_threshold",
        float,
        "High uncertainty is above it; the median where not given.",
        ("label", "quadrants"),
    ),
    _flag(
        "--L-threshold",
        "quadrants.L_threshold",
        float,
        "High leverage is above it; the median where not given.",
        ("label", "quadrants"),
    ),
    _flag("--n-per-quadrant", "micro_training.n_per_quadrant", int, "Trained one by one.", ("micro-train",)),
    _flag(
        "--n-validation-rollouts",
        "micro_training.n_validation_rollouts",
        int,
        "After each micro-training.",
        ("micro-train",),
    ),
    _flag("--rollout-max-steps", "micro_training.rollout_max_steps", int, "Of these.", ("micro-train",)),
    _flag("--n-steps", "training.n_steps", int, "Optimiser steps of each run.", _TRAINS),
    _flag("--epochs", "training.epochs", float, "Of each run, in place of --n-steps.", _TRAINS),
    _flag("--batch-size", "training.batch_size", int, "Rows.", _TRAINS),
    _flag(
        "--gradient-accumulation-steps",
        "training.gradient_accumulation_steps",
        int,
        "Batches of one optimiser step.",
        _TRAINS,
    ),
    _flag("--learning-rate", "training.learning_rate", float, "Of the adapters.", _TRAINS),
    _flag("--lora-rank", "training.lora_rank", int, "Of the adapters.", _TRAINS),
    _flag("--replay", "training.replay", float, "Part of each batch from other tasks.", _TRAINS),
    _flag("--n-tasks", "evaluation.n_tasks", int, "Held-out tasks.", ("evaluate",)),
    _flag(
        "--n-snapshots-per-quadrant",
        "evaluation.n_snapshots_per_quadrant",
        int,
        "Of the failure panel.",
        ("evaluate",),
    ),
    _flag("--embedder", "predictor.embedder", str, "hashing, or a model's name.", ("predictor",)),
    _flag("--embedding-dim", "predictor.embedding_dim", int, "Of the embedder.", ("predictor",)),
    _flag("--epochs", "predictor.epochs", int, "Of the heads.", ("predictor",)),
    _flag("--learning-rate", "predictor.learning_rate", float, "Of the heads.", ("predictor",)),
    _flag(
        "--budget",
        "selection.budget",
        int,
        "Snapshots each method may train on; a quarter of the pool where not given.",
        ("select",),
    ),
    _flag("--cap-per-fact", "selection.cap_per_fact", int, "At most so many of one fact.", ("select",)),
)


def flags_of(command: str) -> list[Flag]:
    """The options of one command, in the table's order."""
    return [flag for flag in FLAGS if not flag.phases or command in flag.phases]


def choices_of(command: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were given, by dotted path.

    Args:
        command: Whose options.
        given: Values by the option's name as a parameter; None (or False) where it was not given.

    Raises:
        UsageError: Two options give one setting.
    """
    found: dict[str, Any] = {}
    said: dict[str, str] = {}
    for flag in flags_of(command):
        value = given.get(parameter(flag.names[0]))
        if value is None or value is False:
            continue
        if flag.path in found:
            raise UsageError(f"{said[flag.path]} and {flag.names[0]} exclude each other: give one of them.")
        found[flag.path] = value if flag.means is None else flag.means
        said[flag.path] = flag.names[0]
    return found


def parameter(name: str) -> str:
    """An option's name as that of a parameter: `--U-threshold` is `U_threshold`."""
    return name.removeprefix("--").replace("-", "_")


def with_options(
    work: Callable[[typer.Context, dict[str, Any]], int],
    flags: Sequence[Flag],
    more: Mapping[str, Any],
    *,
    sentence: str,
) -> Callable[..., int]:
    """A command as typer reads one: its options are the parameters of a signature.

    Args:
        work: Is given the context and every option by parameter name.
        flags: Options that give settings.
        more: Further options: annotation and default by parameter name.
        sentence: What `--help` says.
    """
    parameters = [inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)]
    for name, (annotation, default) in more.items():
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        )
    for flag in flags:
        default = False if flag.kind is bool else None
        kind = bool if flag.kind is bool else flag.kind | None
        option = typer.Option(*flag.names, help=flag.help, show_default=False)
        parameters.append(
            inspect.Parameter(
                parameter(flag.names[0]),
                inspect.Parameter.KEYWORD_ONLY,
                annotation=Annotated[kind, option],
                default=default,
            )
        )

    def command(ctx: typer.Context, **given: Any) -> int:
        return work(ctx, given)

    command.__doc__ = sentence
    command.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": int}
    return command
