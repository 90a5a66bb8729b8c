"""Tables that a folder holds more than once, to be taken as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from honing.contract.data.table_files import Table


def without_copies(folder: Path, tables: Sequence[Table]) -> tuple[list[Table], tuple[str, ...]]:
    """The tables without copies, in order, and a sentence for each copy that was left out.

    Copies have the same bytes and the same split; of several the one that lies highest stays.
    """
    base = folder if folder.is_dir() else folder.parent
    kept: dict[object, Table] = {}
    notes = []
    sizes = [_size(base, table) for table in tables]
    for table, size in sorted(zip(tables, sizes, strict=True), key=lambda one: _depth(one[0])):
        alone = sizes.count(size) == 1
        key = table.label if alone else (table.split, *(_digest(base / file) for file in table.files))
        first = kept.setdefault(key, table)
        if first is not table:
            notes.append(f"{', '.join(table.files)} is a copy of {', '.join(first.files)}: counted once")
    return [table for table in tables if table in kept.values()], tuple(notes)


def _size(base: Path, table: Table) -> tuple[int, ...]:
    return tuple((base / file).stat().st_size for file in table.files)


def _depth(table: Table) -> tuple[int, tuple[str, ...]]:
    return table.files[0].count("/"), table.files


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
