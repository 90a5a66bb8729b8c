"""Reading a run's documents for a card: what is not there is left out, what is damaged is an error."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.experiments.exporting.model_folder.trained import DataSource, Figure
from honing.store import Run


def document(run: Run, relative: str) -> Any:
    """A JSON document of the run; an empty mapping where there is none.

    Raises:
        StoreError: It is damaged.
    """
    return run.read_json(relative) if (run.path / relative).is_file() else {}


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file by column; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def source(run: Run, relative: str, what: str) -> DataSource | None:
    """A JSON lines file that was trained on; None where it is not there."""
    path = run.path / relative
    if not path.is_file():
        return None
    content = path.read_bytes()
    rows = sum(1 for line in content.splitlines() if line.strip())
    return DataSource(name=relative, rows=rows, sha256=hashlib.sha256(content).hexdigest(), what=what)


def figure(name: str, found: Mapping[str, Any] | None) -> Figure | None:
    """An interval as the documents of a run write one."""
    if not found:
        return None
    value = next((found[key] for key in ("estimate", "difference", "score", "value") if key in found), None)
    if value is None:
        return None
    low, high = found.get("ci95") or (found.get("low"), found.get("high"))
    n = next((found[key] for key in ("n", "tasks", "pairs") if found.get(key) is not None), None)
    return Figure(name=name, value=value, low=low, high=high, n=n)


def present(*found: Any) -> tuple[Any, ...]:
    """Those that are there."""
    return tuple(one for one in found if one is not None)
