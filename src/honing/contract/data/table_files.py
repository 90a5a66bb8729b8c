"""Which files of a folder are tables, and which split and configuration each belongs to."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.data.tables import Format, table_format
from honing.documents import parse_json
from honing.errors import MetricsError, TargetError

SPLIT_ORDER = ("test", "eval", "validation", "dev", "train")
"""Which split is measured when none is declared: the first of these that exists and can be judged."""
_SPLIT_WORDS = {
    "test": "test",
    "testing": "test",
    "eval": "eval",
    "evaluation": "eval",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "dev",
    "development": "dev",
    "train": "train",
    "training": "train",
}
_SPLIT = re.compile(
    rf"(?:^|(?<=[^a-z]))({'|'.join(sorted(_SPLIT_WORDS, key=len, reverse=True))})(?=[^a-z]|$)"
)
_SHARD = re.compile(r"(?:-\d{4,5}-of-\d{4,5}|^\d{4,5})$")
_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "site-packages", "venv"})
_NOT_TABLES = re.compile(
    r"(?:package(?:-lock)?|tsconfig|composer|dataset_infos?|dataset_dict|state|manifest|hf_manifest|config|"
    r"metadata|croissant|schema|settings|metrics|results?)\.json",
    re.IGNORECASE,
)
_MANIFESTS = ("hf_manifest.json", "manifest.json", "data/hf_manifest.json", "data/manifest.json")
_DEPTH = 5
_MAX_FILES = 2000


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a folder, possibly in several files."""

    config: str
    """The configuration it belongs to; empty for the only or main one."""
    split: str | None
    """A word of `SPLIT_ORDER`; None where no name says which."""
    files: tuple[str, ...]
    """Paths below the folder, in order."""

    @property
    def label(self) -> str:
        """How messages call it."""
        name = "/".join(part for part in (self.config, self.split) if part) or "(one table)"
        return f"{name}: {', '.join(self.files[:3])}{' ...' if len(self.files) > 3 else ''}"


def find_tables(folder: Path) -> list[Table]:
    """Every table below a folder, or the one table that a file is, in a stable order.

    Links are followed only inside the folder; hidden and vendored folders are passed over.

    Raises:
        TargetError: The folder does not exist.
    """
    if folder.is_file():
        return [Table("", _split_of(folder.name)[0], (folder.name,))] if table_format(folder) else []
    if not folder.is_dir():
        raise TargetError(f"{folder}: no such folder or file.")
    grouped: dict[tuple[str, str | None], list[str]] = {}
    for relative in sorted(_data_files(folder)):
        split, config = place_of(relative)
        grouped.setdefault((config, split), []).append(relative)
    tables = [
        Table(config, split, files) for (config, split), found in grouped.items() for files in _shards(found)
    ]
    return sorted(tables, key=lambda table: (table.config, table.split or "", table.files))


def _shards(files: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Files that are one table: shards together, the same table in several formats once."""
    shards = tuple(file for file in files if _SHARD.search(_stem(file)))
    whole = [file for file in files if file not in shards]
    if shards:
        yield shards
    by_stem: dict[str, list[str]] = {}
    for file in whole:
        by_stem.setdefault(f"{Path(file).parent}/{_stem(file)}", []).append(file)
    for same in by_stem.values():
        yield (
            min(same, key=lambda file: (list(Format).index(table_format(Path(file)) or Format.JSONL), file)),
        )


def verify_manifest(folder: Path, files: Sequence[str]) -> str | None:
    """Check files against the folder's manifest of hashes, where it has one.

    Returns:
        The manifest's path, or None where there is none.

    Raises:
        TargetError: A file is not listed, or its content differs from what the manifest promises.
    """
    for name in _MANIFESTS:
        path = folder / name
        if not path.is_file():
            continue
        listed = _listed_hashes(path, name)
        if listed is None:
            continue
        base = "" if "/" not in name or any(file in listed for file in files) else "data/"
        for file in files:
            promised = listed.get(file.removeprefix(base))
            if promised is None:
                raise TargetError(f"{name}: does not list {file}, so its content cannot be vouched for.")
            found = hashlib.sha256((folder / file).read_bytes()).hexdigest()
            if found != promised:
                raise TargetError(
                    f"{file}: sha256 is {found[:16]}..., but {name} promises {promised[:16]}.... "
                    "The download is damaged or the file was changed: fetch it again."
                )
        return name
    return None


def _listed_hashes(path: Path, name: str) -> dict[str, str] | None:
    """{path: sha256} of a manifest, in any of the usual forms; None where the file is something else."""
    try:
        document: Any = parse_json(path.read_bytes(), source=name)
    except (MetricsError, OSError):
        return None
    if isinstance(document, dict) and isinstance(document.get("files"), list | dict):
        document = document["files"]
    if isinstance(document, list):
        document = {one.get("path"): one for one in document if isinstance(one, dict)}
    if not isinstance(document, dict):
        return None
    hashes = {
        str(file): str(entry.get("sha256", "") if isinstance(entry, dict) else entry).lower()
        for file, entry in document.items()
    }
    listed = {file: digest for file, digest in hashes.items() if re.fullmatch(r"[0-9a-f]{64}", digest)}
    return listed or None


def _data_files(folder: Path) -> Iterator[str]:
    count = 0
    root = folder.resolve()
    for here, folders, names in os.walk(folder):
        relative = Path(here).relative_to(folder)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and one not in _SKIPPED_FOLDERS)
        if len(relative.parts) >= _DEPTH:
            folders.clear()
        for name in sorted(names):
            path = Path(here) / name
            if name.startswith(".") or _NOT_TABLES.fullmatch(name) or table_format(path) is None:
                continue
            if not path.resolve().is_relative_to(root) or not stat.S_ISREG(path.stat().st_mode):
                continue
            count += 1
            if count > _MAX_FILES:
                raise TargetError(
                    f"{folder}: more than {_MAX_FILES} data files; name the folder that holds the table."
                )
            yield (relative / name).as_posix()


def _stem(relative: str) -> str:
    name = Path(relative).name
    name = name[:-3] if name.lower().endswith(".gz") else name
    return name.rsplit(".", 1)[0]


def place_of(relative: str) -> tuple[str | None, str]:
    """The split and the configuration that a data file's path announces, `/` between names.

    Returns:
        A word of `SPLIT_ORDER` or None, and the configuration, empty for the only or main one.
    """
    split, rest = _split_of(_SHARD.sub("", _stem(relative)))
    parts = []
    for part in Path(relative).parent.parts:
        found, leftover = _split_of(part)
        if found is not None and split is None and not leftover:
            split = found
        elif found is None or leftover:
            parts.append(part)
    parts = [part for part in parts if part.lower() not in {"data", "dataset", "datasets", "raw"}]
    return split, "/".join([*parts, rest] if rest else parts)


def _split_of(text: str) -> tuple[str | None, str]:
    """The split named in a word, and what remains of the word without it."""
    matches = list(_SPLIT.finditer(text.lower()))
    if not matches:
        return None, text
    match = matches[-1]
    rest = (text[: match.start()] + text[match.end() :]).strip("-_. ")
    return _SPLIT_WORDS[match.group(1)], rest
