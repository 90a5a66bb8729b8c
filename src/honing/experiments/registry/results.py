"""results/<ID>-<mode>.json and .tsv: what one run of one mode came to, and the files that show it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from honing.documents import Described, Lines, checked, parse_json
from honing.errors import StoreError
from honing.experiments.registry.experiment import ExperimentMode
from honing.store import json_bytes, tsv_bytes, write_atomic

COLUMNS = ("id", "mode", "kind", "name", "value", "holds", "bytes", "sha256", "reason")
"""Of the TSV: one row for every command, signal, metric and artifact."""


class CommandEnd(Described):
    """How one command ended."""

    command: str
    """As the registry has it."""
    words: tuple[str, ...]
    """As it was run."""
    exit_code: int
    ending: str
    """exited, killed or timeout."""
    duration_s: float
    stdout: str
    """Relative to the run's folder."""
    stderr: str


class ArtifactRecord(Described):
    """One file at the end of the run."""

    name: str
    path: str
    """Relative to the registry's folder where it lies below it."""
    bytes: int
    sha256: str


class ReadRecord(Described):
    name: str
    value: Any = None


class SignalRecord(Described):
    """What one signal came to when the run ended."""

    expression: str
    holds: bool
    reason: str = ""
    reads: tuple[ReadRecord, ...] = ()


class ExperimentResult(Described):
    """What one run of one mode came to."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    id: str
    name: str
    mode: ExperimentMode
    ok: bool
    """Whether every command ended with code 0 and every signal held."""
    exit_code: int
    """0, 1 where a signal does not hold, otherwise that of the command that ended badly."""
    reason: str = ""
    honing: str
    """Version."""
    commit: str = ""
    """Of the project's checkout; ends in `+` where files had been changed, empty outside of one."""
    started: float
    """Unix time, seconds."""
    ended: float
    run: str
    """Folder of the run."""
    runs: tuple[str, ...] = ()
    """Folders of the runs that the commands made."""
    values: dict[str, str] = Field(default_factory=dict)
    """What the placeholders of data stood for."""
    commands: tuple[CommandEnd, ...] = ()
    signals: tuple[SignalRecord, ...] = ()
    metrics: dict[str, Any] = Field(default_factory=dict)
    baseline: float | None = None
    best: float | None = None
    artifacts: tuple[ArtifactRecord, ...] = ()

    model_config = ConfigDict(use_attribute_docstrings=True, populate_by_name=True)

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return self.model_dump(mode="json", by_alias=True)


def result_file(results: Path, experiment: str, mode: ExperimentMode) -> Path:
    """Where the result of a mode lies."""
    return results / f"{experiment}-{mode.value}.json"


def write_result(result: ExperimentResult, results: Path) -> tuple[Path, Path]:
    """Write both files; each is complete or absent."""
    path = result_file(results, result.id, result.mode)
    table = path.with_suffix(".tsv")
    results.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json_bytes(result.as_document()))
    write_atomic(table, tsv_bytes(COLUMNS, list(_rows(result))))
    return path, table


def read_result(path: Path) -> ExperimentResult | None:
    """A result as it was written; None where there is none.

    Raises:
        StoreError: It is damaged.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}).") from error
    value = parse_json(content, source=str(path), error=StoreError)
    return checked(ExperimentResult, value, Lines(1), source=str(path), error=StoreError, what="the result")


def _rows(result: ExperimentResult) -> Iterator[dict[str, Any]]:
    same = {"id": result.id, "mode": result.mode.value}
    summary = {
        "ok": result.ok,
        "exit_code": result.exit_code,
        "started": result.started,
        "ended": result.ended,
        "honing": result.honing,
        "commit": result.commit,
        "run": result.run,
        "baseline": result.baseline,
        "best": result.best,
    }
    for name, value in summary.items():
        yield {**same, "kind": "result", "name": name, "value": value}
    for folder in result.runs:
        yield {**same, "kind": "run", "name": Path(folder).name, "value": folder}
    for end in result.commands:
        holds = end.ending == "exited" and end.exit_code == 0
        yield {
            **same,
            "kind": "command",
            "name": end.command,
            "value": end.exit_code,
            "holds": holds,
            "reason": end.ending,
        }
    for signal in result.signals:
        told = "; ".join(f"{read.name} = {read.value}" for read in signal.reads)
        yield {
            **same,
            "kind": "signal",
            "name": signal.expression,
            "value": told,
            "holds": signal.holds,
            "reason": signal.reason,
        }
    for name, value in result.metrics.items():
        yield {**same, "kind": "metric", "name": name, "value": value}
    for one in result.artifacts:
        yield {
            **same,
            "kind": "artifact",
            "name": one.name,
            "value": one.path,
            "bytes": one.bytes,
            "sha256": one.sha256,
        }
