"""The model that a closed loop kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from honing.experiments.exporting.document_values import flattened
from honing.experiments.exporting.model_folder.reading import document, figure, present, source
from honing.experiments.exporting.model_folder.teach_models import models_of_study
from honing.experiments.exporting.model_folder.trained import DataSource, TrainedModel
from honing.store import Run, load_run

_WEIGHTS = "weights"
_NAME = "final"
_SCORE = "score on held-out tasks"
_ADAPTER = "adapter_model.safetensors"
_KINDS = {"own": "right answers of its own", "gold": "golds"}


def models_of_loop(run: Run) -> Iterator[TrainedModel]:
    """The model of the final version, where the run trained one and kept it."""
    found = document(run, "improvement.json")
    step = next((one for one in found.get("steps", []) if one["step"] == _WEIGHTS), None)
    folder = run.path / _NAME / "model"
    if step is None or not folder.is_dir():
        return
    rows = {row["name"]: row for row in found["rows"]}
    row = rows.get("+ weights", {})
    proposed = step["proposed"] or {}
    baseline: Mapping[str, Any] = next((one for one in rows.values() if one["ending"] == "baseline"), {})
    study = _study(run, step)
    yield TrainedModel(
        name=_NAME,
        # Where its base is named relative to it, and not the second name below `final/`.
        folder=(run.path / proposed.get("model", f"{_NAME}/model")).resolve(),
        panel=found["panel"]["id"],
        panel_sentence=f"held-out tasks of {found['subject']}, sealed until the end and measured once",
        before=present(figure(f"{_SCORE}, baseline (first harness, first weights)", _scored(baseline))),
        after=present(figure(_SCORE, _scored(row))),
        gains=present(
            figure("over the version before it (same harness, first weights)", row.get("over_before")),
            figure("over the baseline", row.get("over_baseline")),
            figure("over its control (as many steps without the step's idea)", row.get("over_control")),
        ),
        training=_training(step),
        data=study.data if study is not None else present(_rows(run, step)),
        apart=(
            "Training saw tasks of the part `search` alone. No task is in two parts of the panel, by id or "
            "by content: a run whose parts overlap does not begin. "
            f"Tasks in each part: {_parts(found['panel'])}."
        ),
        harness=f"the harness below `{_NAME}/harness` of the run (tree `{proposed.get('harness', '')[:16]}`)",
        limits=() if row.get("ending") == "kept" else ("The loop's gate did not keep this step.",),
    )


def _scored(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    return row if row.get("score") is not None and row.get("ci95") is not None else None


def _parts(panel: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in panel["tasks"].items())


def _training(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in flattened(step["facts"]) if isinstance(value, int | float | str)}


def _study(run: Run, step: Mapping[str, Any]) -> TrainedModel | None:
    """What the study inside the step says of its data, where there was one."""
    place = run.path / step["run"] if step["run"] else None
    if place is None or not (place / "run.json").is_file():
        return None
    kept = run.path / (step["proposed"] or {}).get("model", "")
    wanted = _weights(kept)
    for one in models_of_study(load_run(place)):
        # A base that the run made itself has the adapter merged into it, under the adapter's name.
        if _weights(one.folder) == wanted if wanted is not None else one.name == kept.name:
            return one
    return None


def _weights(folder: Path) -> bytes | None:
    """The loop keeps a copy of what its study made."""
    path = folder / _ADAPTER
    return path.read_bytes() if path.is_file() else None


def _rows(run: Run, step: Mapping[str, Any]) -> DataSource | None:
    """What a step without a study of its own trained on."""
    kinds = step["facts"].get("sources", {})
    said = ", ".join(f"{count} {_KINDS.get(name, name)}" for name, count in kinds.items())
    return source(run, f"{_WEIGHTS}/rows.jsonl", said or "rows of the search tasks")
