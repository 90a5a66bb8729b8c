"""Which commit of the project a result belongs to."""

from __future__ import annotations

import subprocess
from pathlib import Path

_LIMIT_S = 20.0


def commit_of(folder: Path) -> str:
    """The checked-out commit, with a `+` where tracked files differ from it; empty outside of a checkout."""
    head = _git(folder, "rev-parse", "HEAD")
    if not head:
        return ""
    return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
