"""Notes of ours in an agent's workspace, and what it wrote for us there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.documents import read_plain_file
from honing.errors import MetricsError
from honing.harness.briefing.base import Brief
from honing.harness.gate import MANIFEST
from honing.harness.manifest import read_manifest

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What an agent left for us in its workspace."""

    manifest: Mapping[str, Any] | None
    """As `Proposal.manifest`."""
    problem: str
    """As `Proposal.manifest_problem`."""
    forged: tuple[str, ...] = ()
    """Notes of ours that are no longer what was placed; for the gate."""


def place(brief: Brief, workspace: Path) -> None:
    """Write the notes of a brief into a workspace that was just made.

    Snapshots leave them out (`left_out`), so no workspace holds them already.
    """
    for name, text in brief.placed.items():
        path = workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)


def take(
    brief: Brief,
    workspace: Path,
    *,
    known_tasks: Iterable[str],
    inherited: Mapping[str, Any] | None = None,
) -> Taken:
    """Read what an agent wrote for us, and take it out of the workspace. Never raises for what it left.

    Args:
        brief: What it was given.
        workspace: As it left it; whatever it started is dead.
        known_tasks: Ids of the search tasks.
        inherited: The manifest of the parent.
    """
    manifest, problem = read_manifest(workspace, known_tasks=known_tasks, inherited=inherited)
    forged = tuple(name for name, text in brief.placed.items() if not _still(workspace, name, text))
    _remove_manifest(workspace)
    return Taken(manifest=manifest, problem=problem, forged=forged)


def _still(workspace: Path, name: str, text: str) -> bool:
    content = text.encode()
    try:
        return read_plain_file(workspace, name, max_bytes=len(content)) == content
    except (MetricsError, OSError):
        return False


def _remove_manifest(workspace: Path) -> None:
    """Take the manifest out, and the folder it lay in where nothing else is there; links are not followed."""
    folder, name = MANIFEST.split("/")
    with suppress(OSError):
        top = os.open(workspace, _FOLDER)
        try:
            inner = os.open(folder, _FOLDER, dir_fd=top)
            try:
                os.unlink(name, dir_fd=inner)
            finally:
                os.close(inner)
            os.rmdir(folder, dir_fd=top)
        finally:
            os.close(top)
