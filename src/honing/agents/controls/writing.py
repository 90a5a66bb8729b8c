"""Writing into a workspace from our own process: never through a link, never outside."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path, PurePosixPath

from honing.errors import AgentError


def place_in(workspace: Path, name: str) -> Path:
    """Where a file of that name is to lie; its folders are made, and a link or folder in its way is removed.

    Args:
        workspace: Nothing outside it is touched.
        name: Relative, with slashes.

    Raises:
        AgentError: The name leads out of the workspace.
    """
    parts = PurePosixPath(name).parts
    if not parts or PurePosixPath(name).is_absolute() or ".." in parts:
        raise AgentError(f"{name!r} does not lie in the workspace.")
    folder = workspace
    for part in parts[:-1]:
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
        folder.mkdir(exist_ok=True)
    path = folder / parts[-1]
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or not path.is_file():
        path.unlink(missing_ok=True)
    return path


def write(workspace: Path, name: str, text: str) -> None:
    """Write a file; one that begins with `#!` becomes executable.

    Raises:
        AgentError: The name leads out of the workspace.
    """
    path = place_in(workspace, name)
    path.write_text(text, encoding="utf-8")
    if text.startswith("#!"):
        path.chmod(path.stat().st_mode | stat.S_IXUSR)


def remove(workspace: Path, name: str) -> None:
    """Remove a file, a link or a folder, where it is there.

    Raises:
        AgentError: The name leads out of the workspace.
    """
    place_in(workspace, name).unlink(missing_ok=True)
