"""Small targets for the tests of hints, written as files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from honing.contract.hints import Hint, find_hints


def made(folder: Path, files: Mapping[str, str]) -> Path:
    """A target with these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def hints_of(folder: Path, files: Mapping[str, str]) -> list[Hint]:
    """The hints of a target with these files."""
    return find_hints(made(folder, files))


def in_readme(folder: Path, shell: str, files: Mapping[str, str] | None = None) -> list[Hint]:
    """The hints of a README with one block of shell text, without those of the other files."""
    found = hints_of(folder, {"README.md": f"# Target\n\n```bash\n{shell}\n```\n", **(files or {})})
    return [hint for hint in found if hint.anchor.startswith("README.md:")]


def told(hints: list[Hint]) -> list[tuple[str, str, str]]:
    """Role, anchor and command of each hint."""
    return [(hint.role.value, hint.anchor, hint.command) for hint in hints]
