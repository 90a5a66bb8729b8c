"""`hone teach collect`, `mine`, `label` ... : each phase of a study as a command of its own.

A command is a study of that phase alone: its inputs are brought into a run, the phase is done there, and what
it wrote is handed out. So it resumes like any study, and `hone runs` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.teach_options import choices_of, flags_of, parameter, with_options
from honing.cli.teach_result import print_study
from honing.cli.teach_settings import COMMON, settings_of, spec_of, study_options
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.teach import StudyResult

_LABELED = "phase1/labeled_snapshots.jsonl"
_SHARED = ("reliability.json", "label_episodes.json")
"""Files that more than one labelling command writes a part of."""
_ADDS = ("leverage", "cpt")
"""These commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCommand:
    """One phase as a command."""

    name: str
    phases: tuple[str, ...]
    """What it does, in order; `prepare` comes first by itself where the student is not there."""
    inputs: Mapping[str, str]
    """Options that name a file, and the artifact of the run that the file stands for."""
    folder: str
    """Folder of the run that is handed out to --output-dir."""
    main: str = ""
    """The artifact that --output names; empty where there is no such option."""
    sentence: str = ""


COMMANDS: tuple[PhaseCommand, ...] = (
    PhaseCommand(
        name="collect",
        phases=("prepare", "collect"),
        inputs={},
        folder="phase0",
        main="phase0/rollouts.json",
        sentence="Phase 0: let the student play, and keep every step with its state.",
    ),
    PhaseCommand(
        name="mine",
        phases=("prepare", "mine"),
        inputs={
            "--rollouts": "phase0/rollouts.json",
            "--expert-trajectories": "phase0/expert_trajectories",
        },
        folder="phase0",
        main="phase0/failure_snapshots.json",
        sentence="Phase 0: take snapshots from failed rollouts, and from an expert's trajectories.",
    ),
    PhaseCommand(
        name="label",
        phases=("prepare", "advise", "uncertainty", "leverage", "cpt", "quadrants"),
        inputs={"--snapshots": "phase0/failure_snapshots.json"},
        folder="phase1",
        sentence="Phase 1: every label in one go: advice, uncertainty, leverage, patch test, quadrants.",
    ),
    PhaseCommand(
        name="advise",
        phases=("advise",),
        inputs={"--input": "phase0/failure_snapshots.json"},
        folder="phase1",
        sentence="Phase 1: ask the teacher what should have been done, and why.",
    ),
    PhaseCommand(
        name="uncertainty",
        phases=("prepare", "uncertainty"),
        inputs={"--input": _LABELED},
        folder="phase1",
        sentence="Phase 1: how unsure the student is in each snapshot.",
    ),
    PhaseCommand(
        name="leverage",
        phases=("prepare", "leverage"),
        inputs={"--input": _LABELED},
        folder="phase1",
        sentence="Phase 1: what acting otherwise is worth, by forced rollouts.",
    ),
    PhaseCommand(
        name="cpt",
        phases=("prepare", "cpt"),
        inputs={"--input": _LABELED},
        folder="phase1",
        sentence="Phase 1: the contextual patch test, against a placebo.",
    ),
    PhaseCommand(
        name="quadrants",
        phases=("quadrants",),
        inputs={"--input": _LABELED},
        folder="phase1",
        sentence="Phase 1: uncertainty against leverage, by medians or by thresholds of your own.",
    ),
    PhaseCommand(
        name="micro-train",
        phases=("prepare", "micro-train"),
        inputs={"--labeled": _LABELED},
        folder="phase1b",
        sentence="Phase 1B: does the patch test foretell what training gives? Exit code 0 where it does.",
    ),
    PhaseCommand(
        name="train",
        phases=("prepare", "train"),
        inputs={"--labeled-snapshots": _LABELED},
        folder="phase2",
        sentence="Phase 2: the matrix of training runs, and its baselines.",
    ),
    PhaseCommand(
        name="evaluate",
        phases=("prepare", "evaluate"),
        inputs={"--labeled-snapshots": _LABELED, "--training-summary": "phase2/training_summary.json"},
        folder="phase3",
        sentence="Phase 3: held-out tasks, the failure panel, transfer, retention, stuckness.",
    ),
    PhaseCommand(
        name="predictor",
        phases=("predictor",),
        inputs={"--labeled-snapshots": _LABELED},
        folder="phase4",
        sentence="Phase 4: foretell the labels from what is cheap to see.",
    ),
    PhaseCommand(
        name="select",
        phases=("prepare", "predictor", "select"),
        inputs={"--labeled-snapshots": _LABELED, "--predictor-path": "phase4/predictor"},
        folder="phase5/selection",
        sentence="Phase 5: which snapshots to train on, at equal budget.",
    ),
)
"""In the order of a study."""


def command_of(each: PhaseCommand) -> Callable[..., int]:
    """The command as typer reads one."""
    more: dict[str, Any] = {}
    for name in each.inputs:
        option = typer.Option(name, metavar="FILE", help=f"Stands for {each.inputs[name]}.")
        more[parameter(name)] = (Annotated[Path | None, option], None)
    if each.main:
        option = typer.Option("--output", metavar="FILE", help=f"Where {Path(each.main).name} goes.")
        more["output"] = (Annotated[Path | None, option], None)
    out = typer.Option("--output-dir", metavar="DIR", help="Where everything of the phase goes.")
    more["output_dir"] = (Annotated[Path | None, out], None)
    if each.name == "label":
        more |= _SKIPS
    if each.name == "micro-train":
        more |= _SETTING
    return with_options(
        lambda ctx, given: _work(each, ctx, given), flags_of(each.name), more | COMMON, sentence=each.sentence
    )


_SKIPS: dict[str, Any] = {
    "skip_leverage": (Annotated[bool, typer.Option("--skip-leverage", help="Leave leverage out.")], False),
    "skip_cpt": (Annotated[bool, typer.Option("--skip-cpt", help="Leave the patch test out.")], False),
    "assign_quadrants": (
        Annotated[
            bool,
            typer.Option(
                "--assign-quadrants/--no-quadrants", help="Thresholds at the medians, or those given."
            ),
        ],
        True,
    ),
}
_SETTING: dict[str, Any] = {
    "n_steps": (Annotated[int | None, typer.Option("--n-steps", min=1, help="Optimiser steps.")], None),
    "learning_rate": (
        Annotated[float | None, typer.Option("--learning-rate", help="Of the adapters.")],
        None,
    ),
}


def _work(each: PhaseCommand, ctx: typer.Context, given: dict[str, Any]) -> int:
    from honing.teach import hand_out, run_study

    frame = Frame.of(ctx)
    settings = settings_of(frame, given)
    choices = _of_the_expert(choices_of(each.name, given)) | _setting(given)
    spec = spec_of(frame, given, choices)
    inputs = {
        artifact: frame.cwd / given[parameter(name)]
        for name, artifact in each.inputs.items()
        if given[parameter(name)] is not None
    }
    inputs |= _beside(each, inputs)
    options = study_options(frame, settings, given, only=_phases(each, given), inputs=inputs)
    result = run_study(spec, options)
    wanted: dict[str, Path] = {}
    if given.get("output_dir") is not None:
        wanted[each.folder] = frame.cwd / given["output_dir"]
    if given.get("output") is not None:
        wanted[_main(each, given)] = frame.cwd / given["output"]
    written = hand_out(result.run, wanted)
    code = print_study(result, json=given["json"], look=frame.look(settings), written=written)
    return max(code, int(each.name == "micro-train" and not _validated(result)))


def _validated(result: StudyResult) -> bool:
    """Whether micro-training says that one may go on: what it could not decide is no yes."""
    criteria = result.phases["micro-train"].criteria
    return all(one.met for one in criteria if one.decides)


def _beside(each: PhaseCommand, inputs: Mapping[str, Path]) -> dict[str, Path]:
    """What earlier labels left beside the input and this command adds its part to: handed out to the same
    folder without it, theirs would be gone."""
    if each.name not in _ADDS or _LABELED not in inputs:
        return {}
    found = {f"phase1/{name}": inputs[_LABELED].parent / name for name in _SHARED}
    return {artifact: path for artifact, path in found.items() if path.is_file()}


def _main(each: PhaseCommand, given: Mapping[str, Any]) -> str:
    """What --output names: of an expert's trajectories alone it is their snapshots (experiment B)."""
    expert_only = given.get("expert_trajectories") is not None and given.get("rollouts") is None
    return "phase0/snapshots_expert.json" if each.name == "mine" and expert_only else each.main


def _of_the_expert(choices: dict[str, Any]) -> dict[str, Any]:
    """Where a chat model is to play, `--n-tasks` counts its episodes, as in the plan."""
    if "expert.model" not in choices or "collect.expert_tasks" in choices:
        return choices
    n_tasks = choices.get("collect.n_tasks")
    return choices if n_tasks is None else {**choices, "collect.expert_tasks": n_tasks, "collect.n_tasks": 1}


def _phases(each: PhaseCommand, given: Mapping[str, Any]) -> tuple[str, ...]:
    left_out = {
        "leverage": given.get("skip_leverage", False),
        "cpt": given.get("skip_cpt", False),
        # Without leverage there is no axis to put a quadrant on.
        "quadrants": given.get("skip_leverage", False) or not given.get("assign_quadrants", True),
        "predictor": each.name == "select" and given.get("predictor_path") is not None,
    }
    return tuple(name for name in each.phases if not left_out.get(name, False))


def _setting(given: Mapping[str, Any]) -> dict[str, Any]:
    """The one setting of micro-training that was given, in place of the usual three."""
    steps, rate = given.get("n_steps"), given.get("learning_rate")
    if "n_steps" not in given or (steps is None and rate is None):
        return {}
    if steps is None or rate is None:
        raise UsageError("--n-steps and --learning-rate make one setting: give both, or neither.")
    return {
        "micro_training.settings": [
            {"label": f"{steps}x{rate:g}", "n_steps": steps, "learning_rate": rate, "decides": True}
        ]
    }
