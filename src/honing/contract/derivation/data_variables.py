"""Data that a user hands over by a variable: mounted for every stage, and its rows are the gold."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.contract.data.dataset import DatasetTask, derive
from honing.contract.hints import Hint
from honing.errors import MissingToolError, TargetError
from honing.sandbox import Mount

_MAX_DATA = 2 * 1024**3
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/sys", "/tmp", "/")
_CHUNK = 1024 * 1024
_MAX_FOLDERS = 20_000


@dataclass(frozen=True, slots=True)
class DataVariable:
    """A variable whose value is a file or folder of this machine."""

    name: str
    path: Path
    digest: str
    """sha256 of a file's content; of a folder, or a file too large to be read for this, over names, sizes and
    times of change."""
    anchor: str = ""
    """Where the target's own pages name the variable; empty where they do not."""


def data_variables(
    variables: Mapping[str, str], hints: Sequence[Hint] = (), *, leave_out: Path | None = None
) -> list[DataVariable]:
    """The variables that name something on this machine.

    Args:
        variables: The user's own, by name.
        hints: The target's commands, which may name the same variables.
        leave_out: A folder that says nothing about the data: that of our own runs.
    """
    found = []
    for name, value in sorted(variables.items()):
        path = Path(value)
        if not value.startswith("/") or not path.exists() or value.rstrip("/") in _SYSTEM:
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        named = (hint.anchor for hint in hints if pattern.search(hint.command) or name in hint.env)
        found.append(DataVariable(name, path, _digest(path, leave_out), next(named, "")))
    return found


def data_mounts(variables: Mapping[str, str]) -> tuple[Mount, ...]:
    """What a stage must see of them: the same path, read-only."""
    return tuple(Mount(one.path) for one in data_variables(variables) if not one.path.is_relative_to("/usr"))


def data_task(found: Sequence[DataVariable]) -> tuple[DataVariable, DatasetTask] | None:
    """The first of them that holds a task whose answers are known."""
    for one in found:
        try:
            task = derive(one.path)
        except (TargetError, MissingToolError):
            continue
        if isinstance(task, DatasetTask):
            return one, task
    return None


def _names(path: Path, leave_out: Path | None) -> Iterator[str]:
    """The files of a folder in order, up to a number of folders; of a file its own path."""
    if path.is_file():
        yield str(path)
    for number, (base, folders, files) in enumerate(os.walk(path), 1):
        folders[:] = sorted(name for name in folders if Path(base, name) != leave_out)
        yield from (os.path.join(base, name) for name in sorted(files))  # noqa: PTH118  (a walk's own texts)
        if number == _MAX_FOLDERS:
            return


def _digest(path: Path, leave_out: Path | None) -> str:
    digest = hashlib.sha256()
    if not path.is_file() or path.stat().st_size > _MAX_DATA:
        for name in _names(path, leave_out):
            status = os.lstat(name)
            digest.update(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n".encode("utf-8", "replace"))
        return digest.hexdigest()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
