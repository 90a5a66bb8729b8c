"""The adapters that a study trained: those of its matrix, and those of its selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from honing.experiments.exporting.model_folder.reading import document, figure, present, rows_of, source
from honing.experiments.exporting.model_folder.trained import Figure, TrainedModel
from honing.store import Run, digest

_MATRIX, _SELECTION = "phase2", "phase5/selection"
_REPLAY = "phase0/replay.jsonl"
_GREEDY = ("0", "0.0")
_TASKS = "success on held-out tasks"
_APART = (
    "Tasks that were trained on (snapshots and replay) are compared by what they show with the held-out "
    "tasks, the validation tasks, the retention tasks and the panel of failures; a shared one ends the run "
    "with an error."
)


def models_of_study(run: Run) -> Iterator[TrainedModel]:
    """Every adapter of a study, those of the matrix first."""
    matrix = document(run, f"{_MATRIX}/training_summary.json")
    for row in matrix.get("runs", []):
        yield _model(run, {**row, "note": _notes(matrix, row)}, "phase3", f"one of the {_MATRIX} matrix")
    selection = document(run, f"{_SELECTION}/training_summary.json")
    for row in selection.get("runs", []):
        noted = {**row, "note": _notes(selection, row)}
        yield _model(run, noted, f"{_SELECTION}/{row['run_id']}/eval", "a selection of the snapshots")


def _model(run: Run, row: Mapping[str, Any], evaluated: str, what: str) -> TrainedModel:
    name = row["run_id"]
    evaluation = document(run, f"{evaluated}/evaluation.json")
    own = evaluation.get("runs", {}).get(name, {})
    overall = rows_of(run.path / evaluated / "overall_task_results.csv")
    base = evaluation.get("base", {})
    panel = _panel(run, evaluated)
    folder = row["adapter"].removesuffix("/adapter")
    return TrainedModel(
        name=name if evaluated == "phase3" else f"select:{name}",
        folder=(run.path / row["adapter"]).resolve(),
        panel=panel,
        panel_sentence=f"held-out tasks of {_world(run)}, likeliest action, none of them trained on",
        before=present(
            figure(_TASKS, base.get("success")), figure("retention tasks solved", base.get("retained"))
        ),
        after=present(_success(overall, name)),
        gains=present(
            figure(_TASKS, own.get("gain")), _negated("retention tasks", own.get("retention_drop"))
        ),
        training=_training(row),
        data=present(
            source(
                run, f"{folder}/examples.jsonl", f"{row['n_snapshots']} failed moments with advice ({what})"
            ),
            source(run, _REPLAY, "demonstrations, mixed into every step"),
        ),
        apart=_APART,
        harness=_harness(run),
        limits=_limits(row, own),
    )


def _world(run: Run) -> str:
    named = run.config.get("environment", {})
    return f"the world `{named.get('name', 'unknown')}`"


def _harness(run: Run) -> str:
    student = document(run, "phase0/student.json")
    if student.get("harness"):
        return f"the harness {digest(student['harness'])[:16]} (in honing.json)"
    return f"the usual prompt with the last {student.get('history', 4)} actions; no harness of files"


def _panel(run: Run, evaluated: str) -> str:
    """Hash over the tasks that were played: their ids and content hashes."""
    played = rows_of(run.path / evaluated / "episodes.csv")
    tasks = sorted({(row["place"], row["cluster"]) for row in played if row["panel"] == "tasks"})
    return digest([list(task) for task in tasks])[:16] if tasks else ""


def _success(overall: list[dict[str, str]], name: str) -> Figure | None:
    for row in overall:
        if row["run_id"] == name and row["temperature"] in _GREEDY:
            value, low, high = (float(row[key]) for key in ("success", "low", "high"))
            return Figure(name=_TASKS, value=value, low=low, high=high, n=int(row["n"]))
    return None


def _negated(name: str, drop: Mapping[str, Any] | None) -> Figure | None:
    """A drop as a gain, so that all gains have one sign."""
    if not drop:
        return None
    return Figure(name=name, value=0.0 - drop["estimate"], low=-drop["high"], high=-drop["low"], n=drop["n"])


def _training(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("supervision", "quadrant", "trainer", "n_steps", "n_examples", "n_replay")
    losses = ("first_loss", "final_loss", "loss_before", "loss_after")
    found = {name: row[name] for name in (*shown, *losses) if row.get(name) is not None}
    options = row.get("options", {})
    return {**found, **{f"options.{name}": value for name, value in options.items() if value is not None}}


def _notes(summary: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """What a reader of its figures must know, of all models and of this one."""
    return " ".join(filter(None, (summary.get("note"), row.get("note"))))


def _limits(row: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[str, ...]:
    found = [str(row["note"])] if row.get("note") else []
    if own.get("kept") is False:
        found.append(f"The study's gate did not keep it: {'; '.join(own['beyond'])}.")
    if not own:
        found.append("It was not evaluated in this run: nothing is known of what it does.")
    return tuple(found)
