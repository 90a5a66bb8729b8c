"""Removing what a command left behind, however it left it."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from honing.errors import SandboxError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def remove_tree(path: Path) -> None:
    """Remove what a hostile command wrote: unreadable, nested beyond any path's length, full of links.

    Links are removed, never followed. Call it only once the command's processes are gone. Nothing happens
    where the path does not exist.

    Raises:
        SandboxError: Something cannot be removed even after it was made writable.
    """
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        if _is_folder(parent, path.name):
            top = _open_folder(parent, path.name)
            try:
                _empty(top)
            finally:
                os.close(top)
            os.rmdir(path.name, dir_fd=parent)
        else:
            os.unlink(path.name, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SandboxError(f"removing {path}: {error}") from error
    finally:
        os.close(parent)


def _empty(top: int) -> None:
    """Remove everything in an open folder.

    Folders two levels down are moved up one level instead of being entered, so neither recursion nor a path
    ever grows with the depth of the nesting.
    """
    numbers = itertools.count()
    while names := os.listdir(top):
        for name in names:
            if not _is_folder(top, name):
                os.unlink(name, dir_fd=top)
                continue
            folder = _open_folder(top, name)
            try:
                for inner in os.listdir(folder):  # noqa: PTH208 - an open folder has no path
                    if not _is_folder(folder, inner):
                        os.unlink(inner, dir_fd=folder)
                        continue
                    os.chmod(inner, 0o700, dir_fd=folder)
                    os.rename(inner, _free_name(top, numbers), src_dir_fd=folder, dst_dir_fd=top)
            finally:
                os.close(folder)
            os.rmdir(name, dir_fd=top)


def _free_name(folder: int, numbers: Iterator[int]) -> str:
    for number in numbers:
        name = f"honing-removal-{number}"
        try:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return name
    raise AssertionError("itertools.count ended")


def _is_folder(parent: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _open_folder(parent: int, name: str) -> int:
    """Open a folder that may have been made inaccessible to its owner."""
    os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)
