"""Folders that are shipped as data, written out as projects: all of it, or nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from honing.errors import UsageError, boundary
from honing.sandbox import remove_tree

_DOT = "dot-"
_TEXT = ".txt"


def write_project(sources: Sequence[Path], folder: Path) -> tuple[str, ...]:
    """Write shipped folders as one: a file of a later one replaces the same of an earlier one.

    A name that begins with `dot-` begins with a dot afterwards, and `.py.txt` becomes `.py`: shipped as they
    are meant, they would be taken for our own. What begins with `#!` may be executed.

    Args:
        sources: Shipped folders.
        folder: Must not exist, or be empty; folders above it are made.

    Returns:
        The files written, relative to the folder, sorted.

    Raises:
        UsageError: Something lies there already, or it cannot be written; nothing is left behind then.
    """
    refuse_filled(folder)
    draft = folder.absolute().with_name(f".{folder.absolute().name[:80]}.{secrets.token_hex(6)}.new")
    with boundary(UsageError, f"writing {folder}"):
        draft.parent.mkdir(parents=True, exist_ok=True)
        try:
            for source in sources:
                for file, name in _files(source):
                    _write(file.read_bytes(), draft / name)
            draft.rename(folder.absolute())
        except BaseException:
            remove_tree(draft)
            raise
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))


def refuse_filled(folder: Path) -> None:
    """Refuse to write where something lies already.

    Raises:
        UsageError: It is a file or a link, or a folder with something in it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder}: is not a folder. Name one that does not exist yet, or an empty one.")
    if folder.is_dir() and (first := next(folder.iterdir(), None)) is not None:
        raise UsageError(
            f"{folder}: is not empty (it holds {first.name!r}). Nothing was written; name a folder that does "
            "not exist yet, or an empty one."
        )


def _files(source: Path) -> Iterator[tuple[Path, Path]]:
    for file in sorted(source.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file, Path(*(_meant(part) for part in file.relative_to(source).parts))


def _meant(name: str) -> str:
    if name.startswith(_DOT):
        name = "." + name.removeprefix(_DOT)
    return name.removesuffix(_TEXT) if name.endswith(f".py{_TEXT}") else name


def _write(content: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755 if content.startswith(b"#!") else 0o644)
