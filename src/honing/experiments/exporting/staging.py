"""A run made ready to leave: a copy without secrets, in a folder of its own. The run itself is only read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from honing.errors import StoreError
from honing.experiments.exporting.reading import read_record
from honing.experiments.exporting.record import Grid, RunRecord, Scalar
from honing.experiments.exporting.secrets import Redactor
from honing.store import REPORT_FILE, Report, Run, json_bytes, parse_json

PAGE = "report.html"
_TEXT = frozenset({".html", ".tsv", ".csv", ".yaml", ".yml", ".svg", ".patch", ".md", ".txt"})


@contextmanager
def staged(run: Run, known: Mapping[str, str]) -> Iterator[RunRecord]:
    """The run's record without secrets, its files copied without them; gone after the block.

    Args:
        run: What is handed on.
        known: Variables of the environment: what they keep must not be found in what is handed on.

    Raises:
        StoreError: The run cannot be read.
    """
    redactor = Redactor.of_environment(known)
    found = read_record(run, redactor)
    with TemporaryDirectory(prefix="honing-export-") as scratch:
        yield _without_secrets(run, found, redactor, Path(scratch))


def redacted_record(record: RunRecord, redactor: Redactor) -> RunRecord:
    """The same record without secrets; its files are those of the run."""

    def text(found: str) -> str:
        return valid(redactor.text(found))

    def values(named: Mapping[str, Any]) -> dict[str, Any]:
        return {text(name): _cell(redactor.value(name, value)) for name, value in named.items()}

    return replace(
        record,
        name=text(record.name),
        tags=values(record.tags),
        parameters=values(record.parameters),
        metrics={text(name): metric for name, metric in record.metrics.items()},
        curves=tuple(replace(curve, name=text(curve.name)) for curve in record.curves),
        tables={text(name): _grid(grid, redactor) for name, grid in record.tables.items()},
        notes=tuple(map(text, record.notes)),
    )


def valid(text: str) -> str:
    """Text that every client can write: bytes of a foreign program that were no UTF-8 stand as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: Scalar) -> Scalar:
    return valid(value) if isinstance(value, str) else value


def _without_secrets(run: Run, found: RunRecord, redactor: Redactor, scratch: Path) -> RunRecord:
    files: dict[str, Path] = {}
    notes = [*found.notes]
    for name, path in found.files.items():
        target = scratch / redactor.text(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if _copied(path, target, redactor):
            files[redactor.text(name)] = target
        else:
            notes.append(f"{name} left out: it holds a secret and cannot be edited")
    if PAGE not in files and (page := _page(run.path / REPORT_FILE)):
        (scratch / PAGE).write_text(redactor.text(page), encoding="utf-8")
        files[PAGE] = scratch / PAGE
    command = redactor.words(run.command)
    record = redacted_record(replace(found, notes=tuple(notes)), redactor)
    return replace(record, files=files, tags={**record.tags, "honing.command": valid(" ".join(command))})


def _copied(path: Path, target: Path, redactor: Redactor) -> bool:
    if path.suffix == ".json" and (document := _json(path)) is not None:
        target.write_bytes(json_bytes(redactor.value("", document)))
    elif path.suffix == ".json" or path.suffix in _TEXT:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        edit = _edited_table if path.suffix == ".tsv" else _edited
        target.write_bytes(edit(text, redactor).encode("utf-8", "surrogateescape"))
    elif redactor.knows(path.read_bytes()):
        return False
    else:
        shutil.copyfile(path, target)
    return True


def _edited(text: str, redactor: Redactor) -> str:
    return redactor.text(text)


def _edited_table(text: str, redactor: Redactor) -> str:
    """A TSV file: cells by the names of their columns, and text by its form."""
    header, *lines = text.split("\n")
    names = header.split("\t")
    rows = [
        "\t".join(
            redactor.value(names[at] if at < len(names) else "", cell)
            for at, cell in enumerate(line.split("\t"))
        )
        for line in lines
    ]
    return "\n".join([redactor.text(header), *rows])


def _grid(grid: Grid, redactor: Redactor) -> Grid:
    rows: Sequence[tuple[Scalar, ...]] = [
        tuple(_cell(redactor.value(name, cell)) for name, cell in zip(grid.columns, row, strict=True))
        for row in grid.rows
    ]
    return Grid(columns=tuple(valid(redactor.text(name)) for name in grid.columns), rows=tuple(rows))


def _json(path: Path) -> Any:
    """A document, or None where it is none."""
    try:
        return parse_json(path.read_bytes(), where=str(path))
    except StoreError:
        return None


def _page(source: Path) -> str:
    """The run's page where none was written, made of its report."""
    if not source.is_file():
        return ""
    from honing.view import render

    return render(Report.read(source))


def as_document(record: RunRecord) -> dict[str, Any]:
    """A record as plain data, files by where they lie: what a program of a tracker is given."""
    return {
        "run_id": record.run_id,
        "name": record.name,
        "created": record.created,
        "ended": record.ended,
        "tags": dict(record.tags),
        "parameters": dict(record.parameters),
        "numbers": record.numbers(),
        "curves": [{"name": each.name, "points": list(map(list, each.points))} for each in record.curves],
        "tables": {
            name: {"columns": list(grid.columns), "rows": list(map(list, grid.rows))}
            for name, grid in record.tables.items()
        },
        "files": {name: str(path) for name, path in record.files.items()},
        "notes": list(record.notes),
    }


def shown_scalar(value: Scalar) -> str:
    """A parameter as text: JSON's words for what is no text."""
    return value if isinstance(value, str) else json.dumps(value)
