"""Files of a workspace that a program would obey without being asked: it sees nothing in their place.

For programs that have no option against it. What lies there stays as it is; the program can neither read nor
change it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from honing.sandbox import Mount

_BLANKS = {".json": "{}\n"}
"""What an empty file of a kind holds, where that is not nothing."""


def hidden(names: Iterable[str], workspace: Path, inside: Path, blanks: Path) -> tuple[Mount, ...]:
    """Mounts that put an empty file or folder over each of these names that is there.

    Args:
        names: Files and folders, relative to the workspace. One that leads out of it over links is left: what
            lies outside is not visible anyway.
        workspace: The folder on the host.
        inside: What the command sees it as.
        blanks: Where to make the empty ones; outside the workspace.
    """
    root = Path(os.path.realpath(workspace))
    found = {Path(os.path.realpath(root / name)) for name in names}
    return tuple(
        Mount(_blank_for(path, blanks), inside / path.relative_to(root))
        for path in sorted(found)
        if path.is_relative_to(root) and path.exists()
    )


def _blank_for(path: Path, blanks: Path) -> Path:
    if path.is_dir():
        folder = blanks / "folder"
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    blanks.mkdir(parents=True, exist_ok=True)
    blank = blanks / f"file{path.suffix}"
    blank.write_text(_BLANKS.get(path.suffix, ""), encoding="utf-8")
    return blank
