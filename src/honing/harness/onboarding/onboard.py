"""Pages about a folder around an agent: what is there, what is missing, what to do next."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from honing.errors import UsageError, boundary
from honing.harness.onboarding.look import look_at, missing
from honing.harness.onboarding.pages import domain_page, onboarding_page

ONBOARDING = "ONBOARDING.md"
DOMAIN = "domain_spec.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Onboarded:
    """What became of it."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Pages that were there already, and were left as they are."""
    parts: int
    """Files of the harness that were found."""
    missing: tuple[str, ...]
    """What a project would still need, one sentence each."""


def onboard_folder(folder: Path, into: Path | None = None) -> Onboarded:
    """Look at a folder and write two pages about it. Nothing in it is run, and no file is ever replaced.

    Args:
        folder: Of an agent: with its instructions, prompts, tools, scripts.
        into: Where the pages go; None: into the folder itself.

    Raises:
        UsageError: There is no such folder, or both pages are there already.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder. `hone harness scaffold DIR` makes a new one.")
    into = folder if into is None else into
    with boundary(UsageError, f"onboarding {folder}"):
        found = look_at(folder)
        into.mkdir(parents=True, exist_ok=True)
        pages = {into / ONBOARDING: onboarding_page(found), into / DOMAIN: domain_page(found)}
        written = tuple(path for path, text in pages.items() if _written(path, text))
    kept = tuple(path for path in pages if path not in written)
    if not written:
        raise UsageError(
            f"{into}: {ONBOARDING} and {DOMAIN} are there already, and are not replaced. Remove what is to "
            "be written anew, or name another folder with --into."
        )
    return Onboarded(written=written, kept=kept, parts=len(found.parts), missing=tuple(missing(found)))


def _written(path: Path, text: str) -> bool:
    """Write a new file; False where something has its name already, a dangling link included."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return True
