"""What a rollout may leave: new files, none of which could take the judge's place.

A file of the target that it changed or removed could be the grader. A new file could be one as well: a module
that is found before the one the grader means, or one that Python, pytest or make load by themselves.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

from honing.contract.stages.failures import Failure, FailureKind, StageFailedError
from honing.contract.workbench.bench import Bench
from honing.store import Entry, EntryKind, TreeDiff, TreeId

OWN_TRACES = ("*/__pycache__", "__pycache__", "*/__pycache__/*", "__pycache__/*", ".pytest_cache",
              "*/.pytest_cache", ".pytest_cache/*", "*/.pytest_cache/*")  # fmt: skip
"""What programs leave beside their source without meaning it. It is not handed on: compiled files can say of
themselves that their source needs no check."""
LOADED_BY_THEMSELVES = (
    "sitecustomize.py", "usercustomize.py", "conftest.py", "*.pth", "*.egg-link", "pytest.ini", ".pytest.ini",
    "tox.ini", "setup.cfg", "pyproject.toml", "GNUmakefile", "makefile", "Makefile", ".npmrc",
)  # fmt: skip
"""Files that Python, pytest, make or npm act on wherever they find them."""
_MODULES = (".py", ".pyc", ".so", ".pyd")


@dataclass(frozen=True, slots=True)
class Intruder:
    """A new file that could take the judge's place."""

    path: str
    why: str


def check_untouched(bench: Bench, tree: TreeId, set_aside: Iterable[str], stage: str) -> None:
    """Refuse a rollout that changed or removed what the target brought, or put something before it.

    Args:
        bench: Holds the tree with which the rollout began.
        tree: What it left.
        set_aside: Files that we took away ourselves.
        stage: `rollout` or `benchmark`.

    Raises:
        StageFailedError: The text names the files.
    """
    diff = bench.trees.diff(bench.prepared, tree)
    allowed = [*bench.contract.stages.rollout.writes, *OWN_TRACES, *set_aside]
    touched = sorted(name for name in _gone(diff) if not _any(name, allowed))
    if touched:
        raise _tampered(
            stage,
            touched,
            f"the {stage} changed what the target brought ({', '.join(touched[:5])}): one of them may judge. "
            "If it means to, name them in stages.rollout.writes",
        )
    before = bench.trees.load(bench.prepared).entries
    found = [one for one in intruders(before, diff, import_folders(bench)) if not _any(one.path, allowed)]
    if found:
        shown = "; ".join(f"{one.path}: {one.why}" for one in found[:5])
        raise _tampered(
            stage,
            [one.path for one in found],
            f"the {stage} left files that could take the judge's place ({shown}). If it means to, name them "
            "in stages.rollout.writes",
        )


def traces_left(bench: Bench, tree: TreeId) -> tuple[str, ...]:
    """Compiled files and caches that a rollout left: removed before anything judges."""
    diff = bench.trees.diff(bench.prepared, tree)
    entries = (*diff.added, *(pair.after for pair in (*diff.changed, *diff.type_changed, *diff.renamed)))
    return tuple(entry.name for entry in entries if _any(entry.name, OWN_TRACES))


def import_folders(bench: Bench) -> tuple[str, ...]:
    """Folders from which the evaluate stage imports, whatever lies there."""
    contract = bench.contract
    roots = contract.environment.source_roots if contract.environment is not None else ()
    stages = contract.stages
    return tuple({_plain(name) for name in (".", stages.evaluate.workdir, *roots)})


def intruders(before: Sequence[Entry], diff: TreeDiff, folders: Sequence[str]) -> list[Intruder]:
    """New files that something judging could load without meaning to.

    Args:
        before: What the target brought.
        diff: What was added.
        folders: Where imports begin; beside them every folder in which the target has modules, since a
            program's own folder comes first.
    """
    names = {entry.name for entry in before}
    roots = {*folders, *(posixpath.dirname(name) for name in names if name.endswith(".py"))}
    new = [entry.name for entry in diff.added if entry.kind in (EntryKind.FILE, EntryKind.LINK)]
    new += [pair.after.name for pair in diff.renamed]
    found = []
    for name in sorted(new):
        base, parent = posixpath.basename(name), posixpath.dirname(name)
        loaded = next((one for one in LOADED_BY_THEMSELVES if fnmatch(base, one)), None)
        if loaded is not None:
            found.append(Intruder(name, "is acted on wherever it lies"))
        elif base.endswith(_MODULES) and (parent in roots or _is_package_of(name, roots)):
            found.append(Intruder(name, "lies where the judge's imports are looked for"))
    return found


def _is_package_of(name: str, roots: Iterable[str]) -> bool:
    """Whether a file makes its folder a package below a folder of imports."""
    folder = posixpath.dirname(name)
    return posixpath.basename(name).startswith("__init__.") and posixpath.dirname(folder) in roots


def _gone(diff: TreeDiff) -> set[str]:
    pairs = (*diff.changed, *diff.type_changed, *diff.renamed, *diff.mode_changed)
    return {entry.name for entry in diff.removed} | {pair.before.name for pair in pairs}


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _plain(folder: str) -> str:
    normal = posixpath.normpath(folder)
    return "" if normal == "." else normal


def _tampered(stage: str, names: Sequence[str], text: str) -> StageFailedError:
    return StageFailedError(
        Failure(kind=FailureKind.TAMPERED, stage=stage, text=text, names=tuple(names[:20]))
    )
