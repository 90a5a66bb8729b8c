"""Files from elsewhere that stand for artifacts of a run, and artifacts that are handed out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.errors import StoreError, StudyError
from honing.store import jsonl_bytes
from honing.teach.desk import Desk, read_rows
from honing.teach.phases.collect import trajectories_path
from honing.teach.phases.prepare import copy_folder

TRAINING_SUMMARY = "phase2/training_summary.json"
TRAJECTORIES = "phase0/expert_trajectories"
"""A folder as `hone teach collect` writes it, or one file of it."""


def bring_in(desk: Desk, inputs: Mapping[str, Path]) -> None:
    """Copy inputs to where phases look for them; `.json` and `.jsonl` stand for one another.

    Args:
        desk: Of the run.
        inputs: By the artifact's path in the run.

    Raises:
        StudyError: An input is not what its place asks for.
    """
    for relative, source in inputs.items():
        if relative == TRAJECTORIES and not source.is_dir():
            relative = trajectories_path(desk.spec.environment.name)
        target = desk.run.path / relative
        if target.exists():
            # An earlier session brought it in; later phases may have added to it.
            continue
        if relative == TRAINING_SUMMARY:
            _bring_in_training(desk, source)
        elif source.is_dir():
            _check_trajectories(relative, source, desk.spec.environment.name)
            copy_folder(source, desk.run.artifact(relative))
        elif relative.endswith(".jsonl"):
            desk.run.write_bytes(relative, jsonl_bytes(read_rows(source)))
        elif relative.endswith(".json") and source.suffix == ".jsonl":
            desk.run.write_json(relative, read_rows(source))
        else:
            desk.run.write_bytes(relative, source.read_bytes())


def hand_out(run: Path, artifacts: Mapping[str, Path]) -> list[Path]:
    """Copy artifacts to where the user asked for them.

    Args:
        run: The run's folder.
        artifacts: Where each goes, by its path in the run; one that is not there is left out.

    Returns:
        What was written.

    Raises:
        StoreError: A file cannot be written.
    """
    written: list[Path] = []
    for relative, target in artifacts.items():
        source = run / relative
        if not source.exists():
            continue
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)
        except OSError as error:
            raise StoreError(f"{target}: cannot be written: {error}.") from error
        written.append(target)
    return written


def _check_trajectories(relative: str, source: Path, world: str) -> None:
    """Refuse a folder of trajectories of other worlds: it would be mined as if it were empty."""
    wanted = Path(trajectories_path(world)).name
    if relative == TRAJECTORIES and not (source / wanted).is_file():
        raise StudyError(
            f"{source}: holds no {wanted}, the trajectories of the world {world!r}. Name the file itself, or "
            "the world (--environment)."
        )


def _bring_in_training(desk: Desk, source: Path) -> None:
    """A training summary with the adapters beside it, wherever that folder came from."""
    try:
        summary = json.loads(source.read_text(encoding="utf-8"))
        rows = [_with_adapter(desk, row, source.parent) for row in summary["runs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"{source}: expected a training summary (an object with `runs`), as `hone teach train` writes: "
            f"{type(error).__name__}: {error}."
        ) from error
    desk.run.write_json(TRAINING_SUMMARY, {**summary, "runs": rows})


def _with_adapter(desk: Desk, row: dict[str, Any], beside: Path) -> dict[str, Any]:
    name = row["run_id"]
    places = (beside / name / "adapter", beside / "adapter", Path(row["adapter"]))
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise StudyError(
            f"{beside}: the adapter of run {name!r} is missing; looked for it in "
            f"{', '.join(map(str, places))}. Keep the training's folder together."
        )
    relative = f"phase2/{name}/adapter"
    shutil.copytree(found, desk.run.artifact(relative), dirs_exist_ok=True)
    return {**row, "adapter": relative}
