"""Data that a user hands over by a variable: mounted for every stage, and its rows are the gold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.contract.dataset import DatasetTask, derive
from honing.contract.hints import Hint
from honing.errors import MissingToolError, TargetError
from honing.sandbox import Mount

_MAX_DATA = 2 * 1024**3
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/dev", "/sys", "/tmp", "/")
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataVariable:
    """A variable whose value is a file or folder of this machine."""

    name: str
    path: Path
    digest: str
    """sha256 of a file's content; empty for a folder."""
    anchor: str = ""
    """Where the target's own pages name the variable; empty where they do not."""


def data_variables(variables: Mapping[str, str], hints: Sequence[Hint] = ()) -> list[DataVariable]:
    """The variables that name something on this machine.

    Args:
        variables: The user's own, by name.
        hints: The target's commands, which may name the same variables.
    """
    found = []
    for name, value in sorted(variables.items()):
        path = Path(value)
        if not value.startswith("/") or not path.exists() or value.rstrip("/") in _SYSTEM:
            continue
        pattern = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        named = (hint.anchor for hint in hints if pattern.search(hint.command) or name in hint.env)
        found.append(DataVariable(name, path, _digest(path), next(named, "")))
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


def _digest(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > _MAX_DATA:
        return ""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
