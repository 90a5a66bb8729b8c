"""What every export shares: what is exported, and the facts that travel with every number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.contract.data.task import DatasetTask
from honing.contract.results.measured import Measured
from honing.contract.scorers import Row


class Form(StrEnum):
    """Whose form a measurement is written in."""

    HARBOR = "harbor"
    """A folder of tasks, one for each row, with tests that judge as Honing does."""
    INSPECT = "inspect"
    """A log that inspect_ai reads, as JSON and as `.eval`."""
    VERIFIERS = "verifiers"
    """A package with a taskset."""
    HF_RESULTS = "hf-results"
    """`.eval_results/*.yaml` of a model on the Hugging Face hub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written."""

    form: Form
    path: Path
    files: tuple[str, ...]
    """Below `path`, in order."""
    notes: tuple[str, ...] = ()
    """What the reader of the export should know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows a measurement asked, with the task that judges them."""

    task: DatasetTask
    rows: tuple[Row, ...]


def facts_of(measured: Measured) -> dict[str, Any]:
    """The facts that every export carries: a number never travels without what it rests on."""
    metrics = measured.metrics
    facts: dict[str, Any] = {
        "run_id": measured.run.id,
        "contract_hash": metrics["contract_hash"],
        "target": target_name(measured),
        "commit": metrics["commit"],
        "model": metrics["model"],
        "level": metrics["level"],
        "label": metrics["label"],
        "metric": dict(metrics["metric"]),
        "n_scored": metrics["n_scored"],
        "n_planned": metrics["n_planned"],
        "honing_version": measured.run.versions.get("honing", ""),
    }
    if metrics["score"] is None:
        return {**facts, "reason": metrics["reason"]}
    return facts | {
        score_name(measured): metrics["score"],
        "ci95": metrics["ci95"],
        "interval_method": metrics["interval_method"],
    }


def target_name(measured: Measured) -> str:
    """How the target is called elsewhere: its address, or the name of a folder of this machine."""
    target = str(measured.run.config.get("target", ""))
    return Path(target).name if target.startswith(("/", "~", ".")) else target


def score_name(measured: Measured) -> str:
    """What the score is called: one that no control brackets says so in its name."""
    return "score" if measured.calibrated else f"{measured.metrics['label']}_score"


def slug(text: str, taken: Mapping[str, str] | None = None) -> str:
    """A text as a name of files and packages, unlike those that are taken."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-") or "row"
    name, number = base, 1
    while taken is not None and name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def plain_row(row: Row) -> dict[str, Any]:
    """A row as plain data, for a judge elsewhere."""
    inputs = {name: list(value) if isinstance(value, tuple) else value for name, value in row.inputs.items()}
    return {"id": row.id, "inputs": inputs, "golds": list(row.golds), "anchor": row.anchor}
