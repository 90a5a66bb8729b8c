"""The one door: the trained model of a run as a folder with a card."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from honing.errors import StoreError, UsageError, boundary
from honing.experiments.exporting.model_folder.card import card_of
from honing.experiments.exporting.model_folder.folder import base_of, write_weights
from honing.experiments.exporting.model_folder.improve_models import models_of_loop
from honing.experiments.exporting.model_folder.sweep_models import models_of_sweep
from honing.experiments.exporting.model_folder.teach_models import models_of_study
from honing.experiments.exporting.model_folder.trained import TrainedModel
from honing.experiments.exporting.secrets import Redactor
from honing.experiments.exporting.trackers.base import files_below
from honing.learn import is_adapter_folder
from honing.store import Run, json_bytes

FACTS = "honing.json"
"""Beside the card: the same for programs, and what the model acted through."""
_FINDERS: Mapping[str, Callable[[Run], Iterator[TrainedModel]]] = {
    "teach": models_of_study,
    "improve": models_of_loop,
    "sweep": models_of_sweep,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelExported:
    """What was written, or would be."""

    path: Path
    model: str
    """Its name within the run."""
    files: tuple[str, ...]
    """Below `path`; empty for what would be."""
    notes: tuple[str, ...]


def export_model(
    run: Run, out: Path, *, known: Mapping[str, str], model: str = "", dry_run: bool = False
) -> ModelExported:
    """Write a run's trained model with its card. The run is only read.

    Args:
        run: A study, a closed loop or a sweep.
        out: A folder that does not exist yet, or is empty.
        known: The environment whose secrets must not be on the card.
        model: Which one, where the run has several; where empty, the loop's final one, the sweep's last, or
            the study's best on its held-out tasks.
        dry_run: Only say which.

    Raises:
        UsageError: The run trained no model that is still there, or none of that name; the folder holds
            files.
        StoreError: It cannot be written.
    """
    trained = _chosen(run, model)
    notes = (f"model {trained.name}", *((trained.chosen,) if trained.chosen else ()), *trained.limits)
    if dry_run:
        return ModelExported(path=out, model=trained.name, files=(), notes=notes)
    redactor = Redactor.of_environment(known)
    redactor.learn(run.config)
    base = base_of(trained)
    write_weights(trained, out)
    card = card_of(
        run,
        trained,
        title=f"{run.path.name}-{trained.name}".replace(":", "-"),
        base=base,
        adapter=is_adapter_folder(out),
        redactor=redactor,
    )
    with boundary(StoreError, f"{out}: writing the card"):
        (out / "README.md").write_text(card, encoding="utf-8", errors="backslashreplace")
        (out / FACTS).write_bytes(json_bytes(redactor.value("", _facts(run, trained))))
    return ModelExported(path=out, model=trained.name, files=files_below(out), notes=notes)


def _chosen(run: Run, model: str) -> TrainedModel:
    finder = _FINDERS.get(run.kind)
    found = [] if finder is None else [one for one in finder(run) if one.folder.is_dir()]
    if not found:
        raise UsageError(
            f"{run.path.name} ({run.kind}) holds no trained model: none was trained, none was kept, or its "
            "folder is gone. Runs of teach, improve and sweep train models."
        )
    if model:
        named = next((one for one in found if one.name == model), None)
        if named is None:
            names = ", ".join(one.name for one in found)
            raise UsageError(f"--model {model!r}: {run.path.name} trained no such model. There are {names}.")
        return named
    return _best(found) if run.kind == "teach" else found[-1]


def _best(found: list[TrainedModel]) -> TrainedModel:
    """The model with the largest gain; that it was chosen by the numbers it is shown with is said."""
    measured = [one for one in found if one.gains]
    if len(measured) < 2:
        return measured[0] if measured else found[0]
    best = max(measured, key=lambda one: one.gains[0].value)
    return replace(
        best,
        chosen=(
            f"It is the best of {len(measured)} models of this run by the same held-out tasks that its "
            "numbers are from: they flatter it. Measure it on fresh tasks before you rely on them."
        ),
    )


def _facts(run: Run, trained: TrainedModel) -> dict[str, Any]:
    student = run.read_json("phase0/student.json") if (run.path / "phase0/student.json").is_file() else {}
    found = asdict(trained)
    del found["folder"]
    return {
        "schema": 1,
        **found,
        "training": dict(trained.training),
        "acting_harness": student.get("harness"),
        "run": {
            "id": run.id,
            "kind": run.kind,
            "name": run.path.name,
            "seed": run.seed,
            "config": run.config,
        },
        "versions": {
            name: run.versions.get(name)
            for name in ("honing", "python", "torch", "transformers", "peft", "trl")
        },
    }
