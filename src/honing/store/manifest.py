"""`run.json`: what a run folder is, who may read it, and how a new one appears."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path

from honing._version import __version__
from honing.errors import StoreError, boundary
from honing.store.atomic import sync_folder, write_atomic
from honing.store.encoding import Json, json_bytes, parse_json
from honing.store.plain_file import read_plain

SCHEMA = 1
"""Version of `run.json` and of the folder's layout that this code writes."""
OLDEST_SCHEMA = 1
"""Oldest version this code still opens."""
MANIFEST = "run.json"
_MANIFEST_BYTES = 64_000_000


class RunStatus(StrEnum):
    """Where a run stands. Exactly one holds."""

    CREATED = "created"
    """Nothing was started yet."""
    RUNNING = "running"
    """A supervisor holds its lock."""
    DONE = "done"
    """Finished."""
    FAILED = "failed"
    """Ended by an error; `reason` says which."""
    STOPPED = "stopped"
    """Asked to stop and did; resumable."""
    EXHAUSTED = "exhausted"
    """A budget is spent; resumable with a larger one."""
    INTERRUPTED = "interrupted"
    """Its supervisor died without a word (kill -9, power); resumable. Never written, only observed."""


_REQUIRED = {
    "id": str,
    "kind": str,
    "config": dict,
    "command": list,
    "seed": int,
    "status": str,
    "created": float,
}


def read_manifest(folder: Path) -> dict[str, Json]:
    """Read and check `run.json`; see `Run.open`."""
    path = folder / MANIFEST
    try:
        text = read_plain(path, limit_bytes=_MANIFEST_BYTES)
    except FileNotFoundError as error:
        found = "an empty folder or none" if not folder.is_dir() else "a folder without run.json"
        raise StoreError(
            f"{folder}: expected a run, found {found}. `hone runs list` shows the runs."
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path}: cannot read: {error.strerror}. Check its owner and permissions."
        ) from error
    manifest = parse_json(text, where=str(path))
    if not isinstance(manifest, dict):
        raise StoreError(f"{path}: expected a mapping, found {type(manifest).__name__}. This is not a run.")
    _check_schema(path, manifest.get("schema"))
    for field, wanted in _REQUIRED.items():
        value = manifest.get(field)
        if not isinstance(value, (int, float) if wanted is float else wanted) or isinstance(value, bool):
            raise StoreError(
                f"{path}: '{field}' must be of type {wanted.__name__}, found {value!r}. The file is "
                "damaged: restore it "
                "from a copy, or start a new run."
            )
    if manifest["status"] not in set(RunStatus):
        raise StoreError(f"{path}: 'status' is {manifest['status']!r}, which this version does not know.")
    return {"reason": "", "ended": None, **manifest}


def versions() -> dict[str, str]:
    """What the results may depend on: python, honing, the platform, and every installed distribution."""
    return {
        **_installed(),
        "honing": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


@cache
def _installed() -> dict[str, str]:
    """Looked up once per process: it reads one file per package."""
    from importlib.metadata import distributions

    named = ((found.metadata["Name"], found.version) for found in distributions())
    return dict(sorted((name.lower(), version) for name, version in named if name))


def _check_schema(path: Path, schema: Json) -> None:
    if not isinstance(schema, int) or isinstance(schema, bool):
        raise StoreError(f"{path}: 'schema' must be a whole number, found {schema!r}. The file is damaged.")
    if schema > SCHEMA:
        raise StoreError(
            f"{path}: written by a newer Honing (schema {schema}, this version reads {OLDEST_SCHEMA} to "
            f"{SCHEMA}). "
            "Update with `pip install -U honing`."
        )
    if schema < OLDEST_SCHEMA:
        raise StoreError(
            f"{path}: written by an older Honing (schema {schema}, this version reads {OLDEST_SCHEMA} to "
            f"{SCHEMA}). "
            "Its artifacts can be read as plain files; repeat the command in its 'command' field for a new "
            "run."
        )


def new_id(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%d-%H%M%S-%f}-{os.urandom(2).hex()}"


def checked_name(name: str) -> str:
    if not name or name.startswith((".", "-")) or not all(c.isalnum() or c in "._-" for c in name):
        raise StoreError(
            f"{name!r}: a run's name consists of letters, digits, '.', '_' and '-', and starts with none of "
            "these marks."
        )
    return name


def make_home(root: Path) -> None:
    """Make the folder of runs, ignored by git. One that is there is the user's own and left as it is.

    Raises:
        StoreError: It cannot be made.
    """
    if root.exists():
        return
    with boundary(StoreError, f"making the folder of runs {root}"):
        # Another process may be making it too.
        root.mkdir(parents=True, exist_ok=True)
        write_atomic(root / ".gitignore", b"# Made by Honing: runs are not for version control.\n*\n")


def publish(folder: Path, manifest: dict[str, Json]) -> None:
    """Make the folder under a draft name and rename it, so a half-made run is never seen."""
    draft = folder.with_name(f".{manifest['id']}.new")
    try:
        make_home(folder.parent)
        draft.mkdir(parents=True)
        write_atomic(draft / MANIFEST, json_bytes(manifest))
        if folder.exists():
            raise FileExistsError
        draft.rename(folder)
        sync_folder(folder.parent)
    except FileExistsError as error:
        _discard(draft)
        raise StoreError(
            f"{folder}: a run of this name exists. Resume it with `hone runs resume {folder.name}`, or "
            "choose another name."
        ) from error
    except OSError as error:
        _discard(draft)
        raise StoreError(
            f"{folder}: cannot make the run folder: {error.strerror}. Choose another place with HONING_HOME."
        ) from error


def _discard(draft: Path) -> None:
    (draft / MANIFEST).unlink(missing_ok=True)
    if draft.is_dir():
        draft.rmdir()
