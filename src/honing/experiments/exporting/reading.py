"""A run folder as a `RunRecord`: generic over kinds, since every run explains itself in the same files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.experiments.exporting.document_values import curves_in, flattened, metrics_in, part
from honing.experiments.exporting.record import Curve, Grid, Metric, RunRecord, Scalar
from honing.experiments.exporting.report_values import curves_of, metrics_of, tables_of
from honing.experiments.exporting.secrets import Redactor
from honing.store import REPORT_FILE, VOLATILE_NAMES, Report, Run, json_bytes, parse_json

SAMPLES = "samples.jsonl"
_MAX_METRICS = 2000
_MAX_DOCUMENT_BYTES = 512 * 1024
"""Larger documents are data: they are handed on as files, their numbers are not looked for."""
_MAX_FILE_BYTES = 32 * 1024 * 1024
_HANDED_ON = frozenset({".html", ".json", ".tsv", ".csv", ".yaml", ".yml", ".png", ".svg", ".patch", ".md"})
_NO_RESULTS = frozenset(
    {
        REPORT_FILE, "target.json", "contract_gap.json", "hints_used.json", "hints_run.json",
        "provenance.json", "runtime_env.json", "local_model.json", "warm_start.json",
    }
)  # fmt: skip
"""Documents that hold no results."""
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,2})?")
_MODEL_MARKS = ("config.json", "adapter_config.json")
_SAMPLE_COLUMNS = (
    "id", "epoch", "model", "prompt", "completion", "target", "reward", "status", "error", "extracted", "why",
    "seed",
)  # fmt: skip


class _Plain(csv.excel_tab):
    """Cells of our TSV hold no tab and no line end, so nothing in them is quoted."""

    quoting = csv.QUOTE_NONE


@dataclass(slots=True)
class _Found:
    metrics: dict[str, Metric] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    tables: dict[str, Grid] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_record(run: Run, redactor: Redactor | None = None) -> RunRecord:
    """What a run hands on. The run is only read.

    Args:
        run: Any run.
        redactor: Learns what the run's documents give away; names are made of documents that it has cleared.
            Values of tables and parameters are as they are.

    Raises:
        StoreError: Its report cannot be read.
    """
    redactor = redactor or Redactor()
    redactor.learn(run.config)
    found = _Found()
    files = dict(_artifacts(run.path, found.notes))
    _add_tables(found, run, files)
    documents = {name: _document(path, found.notes) for name, path in files.items() if path.suffix == ".json"}
    for one in (*documents.values(), *(grid.as_mappings() for grid in found.tables.values())):
        redactor.learn(one)
    _add_documents(found, documents, files, redactor)
    if REPORT_FILE in documents:
        _add_report(found, documents[REPORT_FILE], redactor)
    found.files = {name: path for name, path in files.items() if path.suffix in _HANDED_ON}
    if len(found.metrics) > _MAX_METRICS:
        found.notes.append(f"{len(found.metrics) - _MAX_METRICS} metrics beyond {_MAX_METRICS} left out")
    return RunRecord(
        run_id=run.id,
        name=run.path.name,
        created=run.created,
        ended=run.ended,
        tags=_tags(run),
        parameters=_parameters(run),
        metrics=dict(list(found.metrics.items())[:_MAX_METRICS]),
        curves=tuple(found.curves.values()),
        tables=found.tables,
        files=found.files,
        notes=tuple(found.notes),
    )


def _tags(run: Run) -> dict[str, str]:
    tags = {
        "honing.kind": run.kind,
        "honing.status": run.status.value,
        "honing.run_id": run.id,
        "honing.version": run.versions.get("honing", ""),
        "honing.reason": run.reason,
    }
    path = run.path / "metrics.json"
    if path.is_file():
        metrics = parse_json(path.read_bytes(), where=str(path))
        for name in ("contract_hash", "commit", "level", "label", "model", "mode"):
            tags[f"honing.{name}"] = str(metrics.get(name) or "")
    return {name: value for name, value in tags.items() if value}


def _parameters(run: Run) -> dict[str, Scalar]:
    return {**dict(flattened(run.config)), "seed": run.seed}


def _artifacts(folder: Path, notes: list[str]) -> Iterator[tuple[str, Path]]:
    """The run's own artifacts: no scratch, no runs inside it, no weights."""
    inner = []
    for parent, folders, names in os.walk(folder):
        here, inside = Path(parent), Path(parent).relative_to(folder)
        if inside == Path():
            folders[:] = [name for name in folders if name not in VOLATILE_NAMES]
            names = [name for name in names if name not in VOLATILE_NAMES]
        elif "run.json" in names:
            inner.append(inside.as_posix())
            folders[:], names = [], []
        elif any(mark in names for mark in _MODEL_MARKS):
            folders[:], names = [], []
        folders.sort()
        for name in sorted(names):
            path = here / name
            if path.is_symlink() or not path.is_file() or name.startswith("."):
                continue
            if path.stat().st_size > _MAX_FILE_BYTES:
                notes.append(f"{path.relative_to(folder)} left out: larger than 32 MiB")
                continue
            yield path.relative_to(folder).as_posix(), path
    if inner:
        notes.append(f"runs inside this one are runs of their own: export {', '.join(inner)} by their paths")


def _add_documents(
    found: _Found, documents: Mapping[str, Any], files: Mapping[str, Path], redactor: Redactor
) -> None:
    """Numbers of the run's documents; those of metrics.json lead and carry no prefix."""
    names = [name for name in documents if Path(name).name not in _NO_RESULTS]
    for name in sorted(names, key=lambda name: (name != "metrics.json", name.count("/"), name)):
        if files[name].stat().st_size > _MAX_DOCUMENT_BYTES:
            continue
        document = redactor.value("", documents[name])
        stem = "" if name == "metrics.json" else "/".join(map(part, Path(name).with_suffix("").parts)) + "/"
        for metric_name, metric in metrics_in(document, stem):
            found.metrics.setdefault(metric_name, metric)
        for curve in curves_in(document, stem):
            found.curves.setdefault(curve.name, curve)


def _document(path: Path, notes: list[str]) -> Any:
    try:
        return parse_json(path.read_bytes(), where=str(path))
    except StoreError as error:
        notes.append(str(error))
        return {}


def _add_report(found: _Found, document: Any, redactor: Redactor) -> None:
    report = _cleared(document, redactor)
    for name, metric in metrics_of(report):
        found.metrics.setdefault(f"report/{name}", metric)
    for curve in curves_of(report):
        found.curves.setdefault(curve.name, curve)
    for name, grid in tables_of(report):
        # All samples are in a table already; a page may show a part of them.
        if name != "samples" or name not in found.tables:
            found.tables[_free(name, found.tables)] = grid


def _cleared(document: Any, redactor: Redactor) -> Report:
    """The report without secrets; as it is, where they stand in the place of its own words."""
    try:
        return Report.from_json(json_bytes(redactor.value("", document)))
    except StoreError:
        return Report.from_json(json_bytes(document))


def _add_tables(found: _Found, run: Run, files: Mapping[str, Path]) -> None:
    """Tables that are files, and all samples of the run (its page may show a part)."""
    for name, path in files.items():
        if path.suffix in {".tsv", ".csv"}:
            grid = _read_table(path, found.notes)
            if grid is not None:
                found.tables[_free("/".join(map(part, Path(name).with_suffix("").parts)), found.tables)] = (
                    grid
                )
    path = run.path / SAMPLES
    if path.is_file():
        found.tables["samples"] = _samples(run.samples())


def _read_table(path: Path, notes: list[str]) -> Grid | None:
    dialect = _Plain if path.suffix == ".tsv" else csv.excel
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            header, *rows = csv.reader(stream, dialect=dialect)
    except (OSError, ValueError, csv.Error) as error:
        notes.append(f"{path.name}: no table ({error}); handed on as a file alone")
        return None
    width = len(header)
    return Grid(columns=tuple(header), rows=tuple(tuple(_typed(row, width)) for row in rows))


def _typed(row: list[str], width: int) -> Iterable[Scalar]:
    for cell in (row + [""] * width)[:width]:
        yield _value(cell)


def _value(cell: str) -> Scalar:
    if cell in {"", "true", "false"}:
        return {"": None, "true": True, "false": False}[cell]
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _DECIMAL.fullmatch(cell) else cell


def _samples(rows: list[dict[str, Any]]) -> Grid:
    usage = sorted({key for row in rows for key in (row.get("usage") or {})})
    columns = (*_SAMPLE_COLUMNS, *(f"usage/{key}" for key in usage))
    return Grid(
        columns=columns,
        rows=tuple(
            (
                *(_scalar(row.get(name)) for name in _SAMPLE_COLUMNS),
                *(_scalar((row.get("usage") or {}).get(key)) for key in usage),
            )
            for row in rows
        ),
    )


def _scalar(value: Any) -> Scalar:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _free(name: str, taken: Mapping[str, object]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}.{number}"
    return free
