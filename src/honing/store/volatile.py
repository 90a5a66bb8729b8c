"""What may differ between two runs that are the same: the one list, and the identity over all the rest."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.store.encoding import parse_json

OWN_FILES = frozenset(
    {
        "run.json",
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "evidence.jsonl",
        "blobs",
        "lock",
        "stop",
    }
)
"""Files and folders at the top of a run that belong to the run itself."""

VOLATILE_NAMES = OWN_FILES | {"work", "cache", "logs", "report.html"}
"""First parts of paths inside a run that identity leaves out: its own files, what only serves while it runs,
and the page, which draws report.json with its durations."""

VOLATILE_FIELDS = frozenset(
    {
        "agent_duration_s",
        "agent_s",
        "attempt",
        "attempts",
        "created",
        "duration_s",
        "duration_seconds",
        "elapsed_s",
        "ended",
        "evaluation_duration_s",
        "evaluation_s",
        "finished",
        "host",
        "hostname",
        "latency_s",
        "mean_duration_s",
        "mean_duration_seconds",
        "mean_time_to_first_improvement_seconds",
        "pid",
        "project_dir",
        "run_dir",
        "run_id",
        "run_name",
        "started",
        "time_to_first_improvement_seconds",
        "timestamp",
        "ts",
        "wall_s",
        "worker",
    }
)
"""Names of JSON fields, at any depth, and of TSV and CSV columns whose values identity leaves out."""


def identity(folder: Path) -> dict[str, str]:
    """SHA-256 of every artifact of a run, by its path inside the run, volatile things left out.

    A file without volatile fields counts byte for byte; of one with them (`.json`, `.jsonl`, `.tsv`, `.csv`)
    the fields are removed and the rest counts, order of keys included. A path part equal to the run's id
    counts as `RUN_ID`. A symbolic link counts as its target's name.
    """
    run_id = _run_id(folder)
    found: dict[str, str] = {}
    for parent, folders, files in os.walk(folder):
        inside = Path(parent).relative_to(folder)
        if inside == Path():
            folders[:] = [name for name in folders if name not in VOLATILE_NAMES]
            files = [name for name in files if name not in VOLATILE_NAMES]
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in files + links:
            parts = ["RUN_ID" if run_id and part == run_id else part for part in (inside / name).parts]
            found["/".join(parts)] = hashlib.sha256(_lasting(Path(parent) / name)).hexdigest()
    return dict(sorted(found.items()))


def _run_id(folder: Path) -> str:
    manifest = folder / "run.json"
    return (
        str(parse_json(manifest.read_bytes(), where=str(manifest)).get("id", "")) if manifest.exists() else ""
    )


def _lasting(path: Path) -> bytes:
    """The bytes of a file that must not differ."""
    if path.is_symlink():
        return b"link to " + os.fsencode(path.readlink())
    content = path.read_bytes()
    if path.suffix == ".json":
        return _lasting_json(content)
    if path.suffix == ".jsonl":
        return b"\n".join(_lasting_json(line) for line in content.split(b"\n"))
    if path.suffix in (".tsv", ".csv"):
        return _lasting_table(content, "\t" if path.suffix == ".tsv" else ",")
    return content


def _lasting_json(content: bytes) -> bytes:
    try:
        value = parse_json(content, where="")
    except StoreError:
        # Not ours, or not JSON despite its name: every byte counts.
        return content
    kept = _without_volatile(value)
    return content if kept == value else json.dumps(kept).encode()


def _without_volatile(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_volatile(v) for name, v in value.items() if name not in VOLATILE_FIELDS}
    if isinstance(value, list):
        return [_without_volatile(element) for element in value]
    return value


def _lasting_table(content: bytes, separator: str) -> bytes:
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    # Our TSV cells are never quoted, so a quotation mark in one is just that.
    split = csv.reader(lines) if separator == "," else csv.reader(lines, "excel-tab", quoting=csv.QUOTE_NONE)
    try:
        rows = list(split)
    except csv.Error:
        return content
    dropped = {i for i, name in enumerate(rows[0]) if name in VOLATILE_FIELDS} if rows else set()
    if not dropped:
        return content
    kept = [[cell for i, cell in enumerate(row) if i not in dropped] for row in rows]
    return json.dumps(kept).encode()
