"""The Python environment of a target: made once, kept by what decides it, shared by no other target.

A target's set-up scripts are foreign code, so everything is built inside the sandbox, where only the new
environment and a copy of the sources can be written. Later stages see both read-only.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from honing.contract.derivation.install_repairs import InstallPlan
from honing.contract.derivation.installer import Installer, Workplace, find_python
from honing.contract.spec import EnvironmentSpec, Provenance
from honing.contract.stages.copies import set_aside
from honing.errors import SandboxError, StoreError, boundary
from honing.sandbox import Mount, remove_tree
from honing.store import digest, parse_json, write_atomic

LOCK_FILE = "environment.lock.txt"
"""Name of the resolved versions in a run."""
_SCHEMA = 2
_MARKER = "environment.json"
_OWN_TRACES = (".egg-info", ".dist-info", "build", "dist", "__pycache__", ".eggs")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltEnvironment:
    """A finished environment, ready for every stage."""

    folder: Path
    """The virtual environment. Never written again."""
    source: Path
    """The copy of the target it was built from; editable installs point there."""
    source_roots: tuple[str, ...]
    """Folders of the working copy that come first on PYTHONPATH."""
    lock: str
    """Resolved versions, one `name==version` a line, with hashes where the index gave them."""
    python: str
    """Version of the interpreter."""
    repairs: tuple[str, ...]
    """What was wrong with the set-up and how it was helped, one sentence each."""
    generated: tuple[str, ...]
    """Files that building wrote among the sources (`pkg/_version.py`, compiled modules)."""
    reused: bool
    """Whether it was there already."""

    @property
    def digest(self) -> str:
        """sha256 over the resolved versions: what a level is bound to."""
        return hashlib.sha256(self.lock.encode()).hexdigest()

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """What a stage must see, read-only."""
        return (Mount(self.folder), Mount(self.source))

    def env(self, workspace: Path, path: str) -> dict[str, str]:
        """Variables of a stage in `workspace`.

        Args:
            workspace: Its working copy: what lies there is imported before what was installed.
            path: PATH as it would be without the environment.
        """
        roots = [str(workspace / root) if root != "." else str(workspace) for root in self.source_roots]
        variables = {"PATH": f"{self.folder / 'bin'}:{path}", "VIRTUAL_ENV": str(self.folder)}
        return variables | ({"PYTHONPATH": ":".join(roots)} if roots else {})

    def provenance(self) -> tuple[Provenance, ...]:
        """What was repaired, for the contract."""
        return tuple(Provenance(part="environment", by="repair", why=why) for why in self.repairs)

    def copy_generated(self, workspace: Path) -> None:
        """Put what building wrote among the sources into a working copy, where nothing lies there yet.

        Where a folder on the way is a link in the working copy, nothing is written: it may lead out.
        """
        for name in self.generated:
            target = workspace / name
            way = [workspace / parent for parent in Path(name).parents]
            if target.exists() or target.is_symlink() or any(map(Path.is_symlink, way)):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.source / name, target)


def build_environment(
    spec: EnvironmentSpec, source: Path, *, identity: str, place: Workplace, hidden: Sequence[str] = ()
) -> BuiltEnvironment:
    """The environment of a target: the kept one, or a new one.

    Args:
        spec: What is installed.
        source: The target's files; they are copied.
        identity: What tells this target from every other (its tree).
        place: Where environments are kept, and what builds them.
        hidden: Files of the target that no later stage may see there: its right answers.

    Raises:
        StageError: A package cannot be installed; the error carries the typed failure.
        MissingToolError: A tool of ours is missing, such as the asked-for Python.
    """
    python = find_python(spec.python)
    key = _key(spec, identity, python.version, place, hidden)
    folder = place.root / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _alone(folder.with_name(f"{key}.lock")):
        if (kept := _kept(folder)) is not None:
            return kept
        # Never finished: whoever was building it is gone, for the lock is ours.
        remove_tree(folder)
        folder.mkdir()
        try:
            return _build(spec, source, folder, Installer(spec, folder, python, place), hidden)
        except BaseException:
            remove_tree(folder)
            raise


def _build(
    spec: EnvironmentSpec, source: Path, folder: Path, installer: Installer, hidden: Sequence[str]
) -> BuiltEnvironment:
    copy = folder / "source"
    with boundary(SandboxError, "copying the target's sources"):
        shutil.copytree(source, copy, symlinks=True)
    before = _files(copy)
    plan = InstallPlan(
        install=spec.install,
        build_constraints=spec.build_constraints,
        build_isolation=spec.build_isolation,
    )
    plan = installer.install(plan)
    lock = installer.lock()
    generated = sorted(name for name in _files(copy) - before if not _is_trace(name))
    for name in hidden:
        set_aside(copy, glob.escape(name))
    installer.clean()
    document = {
        "schema": _SCHEMA,
        "python": installer.python.version,
        "source_roots": list(spec.source_roots),
        "repairs": list(plan.repairs),
        "generated": generated,
        "lock": lock,
    }
    # Written last: a folder without it is never used.
    write_atomic(folder / _MARKER, json.dumps(document, indent=1).encode())
    return _from_document(folder, document, reused=False)


def _kept(folder: Path) -> BuiltEnvironment | None:
    try:
        document = parse_json((folder / _MARKER).read_bytes(), where=str(folder / _MARKER))
    except (OSError, StoreError):
        return None
    if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
        return None
    return _from_document(folder, document, reused=True)


def _from_document(folder: Path, document: dict[str, Any], *, reused: bool) -> BuiltEnvironment:
    return BuiltEnvironment(
        folder=folder / "venv",
        source=folder / "source",
        source_roots=tuple(document["source_roots"]),
        lock=document["lock"],
        python=document["python"],
        repairs=tuple(document["repairs"]),
        generated=tuple(document["generated"]),
        reused=reused,
    )


def _key(spec: EnvironmentSpec, identity: str, version: str, place: Workplace, hidden: Sequence[str]) -> str:
    """What decides an environment, as one name. Another target never has the same."""
    inputs = spec.model_dump(mode="json", exclude={"timeout_s"})
    decides = {
        "schema": _SCHEMA,
        "spec": inputs,
        "target": identity,
        "python": version,
        "prefix": sys.base_prefix,
        "indexes": asdict(place.indexes),
        "hidden": list(hidden),
    }
    return digest(decides)[:32]


def _files(folder: Path) -> set[str]:
    found = set()
    for base, _, names in os.walk(folder):
        inside = Path(base).relative_to(folder)
        found |= {str(inside / name) for name in names if stat.S_ISREG((Path(base) / name).lstat().st_mode)}
    return found


def _is_trace(name: str) -> bool:
    return any(part.endswith(_OWN_TRACES) for part in Path(name).parts)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that ends with this process; whoever comes second waits, for it wants the same."""
    with boundary(StoreError, f"locking {path}"), path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
