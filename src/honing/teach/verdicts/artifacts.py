"""Reading a run's artifacts for verdicts: what is not there is None, never an error."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from honing.store import parse_json
from honing.teach.desk import read_snapshots
from honing.teach.snapshot import Snapshot

Json = Any

LABELS = "phase1/labeled_snapshots.jsonl"
CORRELATION = "phase1b/cpt_correlation.json"
PREDICTION = "phase4/training_result.json"
SELECTION = "phase5/selection/selection_summary.json"
EVALUATION = "phase3/evaluation.json"


def document(folder: Path, relative: str) -> dict[str, Json] | None:
    """A JSON object of a run; None where the phase that writes it has not run."""
    path = folder / relative
    if not path.is_file():
        return None
    found = parse_json(path.read_bytes(), where=str(path))
    return found if isinstance(found, dict) else None


def table(folder: Path, relative: str) -> list[dict[str, str]]:
    """The rows of a CSV of a run as text; none where it is not there."""
    path = folder / relative
    if not path.is_file():
        return []
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def number(text: str | None) -> float | None:
    """A cell as a number; None where it is empty."""
    return float(text) if text not in (None, "") else None


def labelled(folder: Path) -> list[Snapshot]:
    """The labelled snapshots of a run; none where there are none."""
    path = folder / LABELS
    return read_snapshots(path) if path.is_file() else []
