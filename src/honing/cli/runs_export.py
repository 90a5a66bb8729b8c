"""`hone runs export`: a run in somebody else's form."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from honing.cli.frame import Frame
from honing.cli.printing import Column, Format, print_json, print_rows, visible
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.store import Run

_FORMS = {
    "harbor": "tasks of Harbor, with tests that judge as Honing does",
    "inspect": "a log that inspect_ai reads",
    "verifiers": "a package with a taskset",
    "hf-results": "results for a model's page on the hub",
}
"""Of a measurement alone."""
_MODEL = "model"
_MODEL_SENTENCE = "the trained model with its card (runs of teach, improve and sweep)"
_LIST = (
    Column(key="form", heading="FORM"),
    Column(key="ready", heading="READY", show=lambda ready: "yes" if ready else "no"),
    Column(key="needs", heading="NEEDS"),
    Column(key="sentence", heading="WHAT IT IS"),
)


def export(
    ctx: typer.Context,
    run: Annotated[str, typer.Argument(help="Name, id, the start of either, or latest.")] = "",
    to: Annotated[
        str,
        typer.Option("--to", help="mlflow, wandb, tensorboard, csv, parquet, model, harbor, inspect, ..."),
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write into.")] = None,
    project: Annotated[
        str, typer.Option(help="For trackers: what runs are filed under; WANDB_PROJECT, or honing.")
    ] = "",
    model: Annotated[str, typer.Option(help="Which model, where the run has several.")] = "",
    dataset: Annotated[str, typer.Option(help="For hf-results: owner/name of the benchmark's data.")] = "",
    list_: Annotated[bool, typer.Option("--list", help="Say which forms are ready on this machine.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Hand a finished run on: to an experiment tracker, as a model folder with its card, or in another tool's
    form.

    \b
    Examples:
      hone runs export --list
      hone runs export latest --to csv --out tables
      hone runs export latest --to parquet --out tables
      hone runs export latest --to tensorboard --out events
      hone runs export latest --to mlflow --out mlruns --project shop
      hone runs export latest --to wandb --out offline
      hone runs export latest --to model --out student
      hone runs export latest --to inspect --out logs
      hone runs export latest --to harbor --out tasks
      hone runs export latest --to hf-results --dataset owner/name --out model-repo

    Without --out, mlflow goes to MLFLOW_TRACKING_URI and wandb to the server of WANDB_API_KEY. Numbers go
    with their intervals; keys, tokens and passwords do not go. The run is only read: a tracker that fails
    gives exit code 6 and changes nothing.
    """
    frame = Frame.of(ctx)
    if list_:
        rows = _ready()
        print_rows(_LIST, rows, format=Format.chosen(json=json), look=frame.look(frame.settings()))
        return
    if not run or not to:
        raise UsageError("Say which run, and --to what: `hone runs export --list` names the forms.")
    from honing.store import find_run

    found = find_run(frame.settings().paths.home, run)
    if to in _FORMS:
        document = _exported(
            frame, found, to, _needed(out, to), model=model, dataset=dataset, dry_run=dry_run
        )
    elif to == _MODEL:
        document = _model(frame, found, _needed(out, to), model=model, dry_run=dry_run)
    else:
        document = _tracked(frame, found, to, out, project=project, dry_run=dry_run)
    if json:
        print_json(document)
        return
    sys.stdout.write(_sentence(document))
    for note in document["notes"]:
        sys.stderr.write(f"note: {visible(note)}\n")


def _needed(out: Path | None, to: str) -> Path:
    if out is None:
        raise UsageError(f"--to {to}: where to? Give --out FOLDER.")
    return out


def _exported(
    frame: Frame, run: Run, to: str, out: Path, *, model: str, dataset: str, dry_run: bool
) -> dict[str, Any]:
    """A measurement in another tool's form."""
    from honing.contract import Form, export_run

    if dry_run:
        raise UsageError(f"--to {to} writes into a new folder and spends nothing; leave out --dry-run.")
    exported = export_run(run, Form(to), frame.cwd / out, model=model, dataset=dataset)
    return {
        "form": to,
        "path": str(exported.path),
        "files": list(exported.files),
        "notes": list(exported.notes),
    }


def _model(frame: Frame, run: Run, out: Path, *, model: str, dry_run: bool) -> dict[str, Any]:
    """The trained model of a run, with its card."""
    from honing.cli.tracking import kept_values
    from honing.experiments import export_model

    made = export_model(run, frame.cwd / out, known=kept_values(frame), model=model, dry_run=dry_run)
    return {"form": _MODEL, "path": str(made.path), "files": list(made.files), "notes": list(made.notes)}


def _tracked(
    frame: Frame, run: Run, to: str, out: Path | None, *, project: str, dry_run: bool
) -> dict[str, Any]:
    """A run told to an experiment tracker."""
    from honing.cli.tracking import kept_values
    from honing.experiments import Destination, track, tracker_named

    if to not in _tracker_names():
        forms = ", ".join((*_tracker_names(), _MODEL, *_FORMS))
        raise UsageError(f"--to {to!r}: no such form. The forms are {forms}.")
    destination = Destination(
        folder=None if out is None else frame.cwd / out,
        project=project or frame.settings().tracking.wandb_project or "honing",
        environ=frame.environ,
    )
    told = track(run, tracker_named(to), destination, known=kept_values(frame), dry_run=dry_run)
    return {
        "form": to,
        "path": told.place,
        "files": list(told.files),
        "counts": dict(told.counts),
        "notes": list(told.notes),
    }


def _sentence(document: Mapping[str, Any]) -> str:
    place = visible(document["path"])
    if "counts" not in document:
        return f"wrote {len(document['files'])} files to {place}\n"
    counts = ", ".join(f"{count} {name}" for name, count in document["counts"].items())
    return f"wrote {counts} to {place}\n" if place else f"would write {counts}\n"


def _tracker_names() -> tuple[str, ...]:
    from honing.experiments import TRACKERS

    return tuple(TRACKERS)


def _ready() -> list[dict[str, Any]]:
    from honing.experiments import TRACKERS, missing_packages

    rows = [
        {
            "form": tracker.name,
            "ready": not missing_packages(tracker),
            "needs": f"honing[{tracker.extra}]" if tracker.extra else "",
            "sentence": tracker.sentence,
        }
        for tracker in TRACKERS.values()
    ]
    further = {_MODEL: _MODEL_SENTENCE, **_FORMS}
    return rows + [
        {"form": form, "ready": True, "needs": "", "sentence": sentence} for form, sentence in further.items()
    ]
