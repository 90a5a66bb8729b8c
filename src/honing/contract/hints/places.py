"""Where a command is meant to run, and whether the files it names are there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from honing.contract.hints.files import TargetFiles
from honing.contract.hints.invocations import Form, Invocation

_FILE = re.compile(
    r"(?:\./|\.\./)*[\w.-]+(?:/[\w.-]+)*\.(?:py|sh|ya?ml|jsonl?|toml|txt|cfg|ini|csv|gz|ipynb)"
)
_OUTPUTS = re.compile(r"--?\w*(?:out|output|save|log|result)\w*")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of the target."""

    folder: str
    why: str = ""
    """What speaks for it; empty for the folder that the text itself names."""


def inside(base: str, path: str) -> str:
    """`path` seen from `base`, within the target: `..` ends at the top."""
    if path.startswith(("/", "~", "$")):
        return "."
    found = os.path.normpath(f"/{base}/{path}").lstrip("/")
    return found or "."


def is_there(files: TargetFiles, folder: str, path: str) -> bool:
    """Whether a path that a command names exists, seen from the folder it runs in."""
    if path.startswith(("/", "~", "$")):
        return False
    found = os.path.normpath(f"{folder}/{path}")
    return not found.startswith("..") and (files.is_file(found) or files.is_folder(found))


def has_program(files: TargetFiles, folder: str, invocation: Invocation) -> bool | None:
    """Whether the script or module of an invocation is in the target; None where it is neither."""
    if invocation.form is Form.SCRIPT:
        return is_there(files, folder, invocation.program)
    if invocation.form is Form.MODULE:
        return module_file(files, folder, invocation.program) is not None
    return None


def module_file(files: TargetFiles, folder: str, module: str) -> str | None:
    """The file that `python -m module` runs, or a module's own file, below `folder` or `folder/src`."""
    if not re.fullmatch(r"[\w.-]{1,200}", module) or ".." in module:
        return None
    path = module.strip(".").replace(".", "/")
    for base in (folder, f"{folder}/src"):
        for candidate in (f"{path}.py", f"{path}/__main__.py", f"{path}/__init__.py"):
            found = os.path.normpath(f"{base}/{candidate}")
            if files.is_file(found):
                return found
    return None


def locate(files: TargetFiles, found: Sequence[Invocation], candidates: Sequence[str]) -> Place:
    """The folder among `candidates` from which most of the files that a command names are there.

    Where none holds any, a script is looked for in the folders directly below the first candidate. A command
    that names no file is taken to run at the top, where that is a candidate.
    """
    counted = [(_hits(files, folder, found), folder) for folder in candidates]
    most = max(hits for hits, _ in counted)
    if most:
        return Place(next(folder for hits, folder in counted if hits == most))
    missing = [one for one in found if has_program(files, candidates[0], one) is False]
    for invocation in missing:
        below = [folder for folder in files.folders(candidates[0]) if has_program(files, folder, invocation)]
        if len(below) == 1:
            return Place(below[0], f"`{invocation.program}` lies in {below[0]}/")
    refers = any(one.form is Form.SCRIPT or any(True for _ in _paths(one)) for one in found)
    return Place(candidates[0] if refers or "." not in candidates else ".")


def _hits(files: TargetFiles, folder: str, found: Sequence[Invocation]) -> int:
    hits = 0
    for invocation in found:
        if has_program(files, folder, invocation):
            hits += 2
        hits += sum(is_there(files, folder, path) for path in _paths(invocation))
        hits += sum(
            module_file(files, folder, word.text.split(":")[0]) is not None
            for word in invocation.arguments
            if re.fullmatch(r"[\w.]+:\w+", word.text)
        )
        if invocation.program.startswith("pip") and any(
            re.fullmatch(r"(-e)?\.(\[.*\])?", word.text) for word in invocation.arguments
        ):
            hits += any(files.is_file(f"{folder}/{name}") for name in ("pyproject.toml", "setup.py"))
    return hits


def _paths(invocation: Invocation) -> Iterator[str]:
    """The files and folders that an invocation reads."""
    option = ""
    for word in invocation.arguments:
        text = word.text.split("=", 1)[-1]
        name = word.text.split("=", 1)[0] if "=" in word.text else option
        option = word.text if word.text.startswith("-") else ""
        if _OUTPUTS.fullmatch(name):
            continue
        if _FILE.fullmatch(text) or text.startswith(".."):
            yield text
