"""Which files of a data set are taken where all of them are too many: those of one configuration and
split."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import yaml

from honing.contract.data.table_files import SPLIT_ORDER, place_of
from honing.contract.targets.base import SourceOptions
from honing.contract.targets.hub_listing import HubFile
from honing.errors import TargetError

_SMALL_BYTES = 1024**2
"""Files up to this size that are no data (cards, licences, scripts) are always taken."""
_DATA = (".parquet", ".jsonl", ".json", ".csv", ".tsv", ".arrow", ".txt", ".zip", ".gz", ".tar", ".zst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is taken of a data set."""

    files: tuple[HubFile, ...]
    left_out: tuple[HubFile, ...] = ()
    note: str = ""
    """What was left out, and why."""


def choose_files(files: Sequence[HubFile], card: str, options: SourceOptions, *, shown: str) -> Choice:
    """All files where they fit, else those of the wanted configuration and split, and every small one.

    Args:
        files: The whole data set, or the folder of it that is the target.
        card: Its README, whose header says which files make up which split.
        options: Limits, and what is wanted.
        shown: The target, for messages.

    Raises:
        TargetError: What is wanted is still too large, or does not exist.
    """
    if _fits(files, options):
        return Choice(files=tuple(files))
    places = _declared(card, files) or {file.path: place_of(file.path) for file in files}
    split, config = options.split, options.config
    if config is None:
        config = _only({place[1] for path, place in places.items() if _is_data(path)})
    if split is None:
        present = {place[0] for place in places.values() if config is None or place[1] == config}
        split = next((one for one in SPLIT_ORDER if one in present), None)
    wanted = [
        file
        for file in files
        if (not _is_data(file.path) and file.size <= _SMALL_BYTES)
        or _is_in(places.get(file.path), split, config)
    ]
    found = any(_is_in(places.get(file.path), split, config) for file in wanted)
    if not found or not _fits(wanted, options):
        raise _too_large(files, wanted if found else [], options, shown)
    left_out = tuple(file for file in files if file not in wanted)
    which = " and ".join(
        text
        for text in (f"configuration {config!r}" if config else "", f"split {split!r}" if split else "")
        if text
    )
    note = (
        f"too large to take whole ({_size(files)}): only {which} was fetched, {len(wanted)} files; "
        f"{len(left_out)} were left out ({_size(left_out)})"
    )
    return Choice(files=tuple(wanted), left_out=left_out, note=note)


def _fits(files: Sequence[HubFile], options: SourceOptions) -> bool:
    return (
        sum(file.size for file in files) <= options.max_total_bytes
        and all(file.size <= options.max_file_bytes for file in files)
        and len(files) <= options.max_files
    )


def _is_data(path: str) -> bool:
    return path.lower().endswith(_DATA)


def _is_in(place: tuple[str | None, str] | None, split: str | None, config: str | None) -> bool:
    return (
        place is not None
        and (split is not None or config is not None)
        and split in (None, place[0])
        and config in (None, place[1])
    )


def _only(configs: set[str]) -> str | None:
    main = [config for config in ("", "default", "main") if config in configs]
    return main[0] if main and len(configs) > 1 else None


def _declared(card: str, files: Sequence[HubFile]) -> dict[str, tuple[str | None, str]]:
    """{path: (split, configuration)} as the card's header declares it; empty where it does not."""
    header = re.match(r"---\r?\n(.*?)\r?\n---", card, re.DOTALL)
    try:
        found = yaml.safe_load(header[1]) if header else None
    except yaml.YAMLError:
        return {}
    configs = found.get("configs") if isinstance(found, dict) else None
    places: dict[str, tuple[str | None, str]] = {}
    for config in configs if isinstance(configs, list) else []:
        if not isinstance(config, dict):
            continue
        for split, pattern in _patterns(config.get("data_files")):
            matching = (file.path for file in files if fnmatchcase(file.path, pattern))
            places |= {path: (split, str(config.get("config_name", ""))) for path in matching}
    return places


def _patterns(data_files: Any) -> list[tuple[str, str]]:
    """(split, pattern) of a header's data_files, in any of its forms."""
    if isinstance(data_files, str):
        return [("train", data_files)]
    if isinstance(data_files, Mapping):
        data_files = [{"split": split, "path": path} for split, path in data_files.items()]
    found = []
    for entry in data_files if isinstance(data_files, list) else []:
        if isinstance(entry, str):
            found.append(("train", entry))
        elif isinstance(entry, Mapping):
            paths = entry.get("path")
            found += [
                (str(entry.get("split", "train")), str(path).replace("**/", "*"))
                for path in (paths if isinstance(paths, list) else [paths])
            ]
    return found


def _too_large(
    files: Sequence[HubFile], wanted: Sequence[HubFile], options: SourceOptions, shown: str
) -> TargetError:
    largest = max(wanted or files, key=lambda file: file.size)
    what = f"what is wanted of it {_size(wanted)}" if wanted else "nothing of it has the wanted name"
    return TargetError(
        f"{shown!r} has {_size(files)} in {len(files)} files, {what}; the limits are "
        f"{options.max_total_bytes:,} bytes in all and {options.max_file_bytes:,} in one file (the largest "
        f"is {largest.path}, {largest.size:,}). Name a folder of it (/tree/main/FOLDER), a --config or a "
        "--split, or raise HONING_MAX_TARGET_MIB and HONING_MAX_TARGET_FILE_MIB."
    )


def _size(files: Sequence[HubFile]) -> str:
    return f"{sum(file.size for file in files):,} bytes"
