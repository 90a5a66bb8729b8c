"""Advice that was paid for once, kept across runs by what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.store import digest, json_bytes, parse_json, write_atomic

Json = Any


class Shelf:
    """A folder of documents by the hash of what they answer. Safe to use from several threads and processes.

    Args:
        folder: Made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: Json) -> dict[str, Json] | None:
        """What is kept under a key; None where nothing is, or where the file is not what was written."""
        path = self._path(key)
        try:
            found = parse_json(path.read_bytes(), where=str(path))
        except (OSError, StoreError):
            return None
        whole = isinstance(found, dict) and found.get("key") == key and isinstance(found.get("value"), dict)
        return dict(found["value"]) if whole else None

    def keep(self, key: Json, value: Mapping[str, Json]) -> None:
        """Keep a document; another one under the same key is replaced.

        Raises:
            StoreError: The folder cannot be written.
        """
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: cannot make this folder: {error.strerror}.") from error
        write_atomic(path, json_bytes({"key": key, "value": dict(value)}))

    def _path(self, key: Json) -> Path:
        name = digest(key)
        return self._folder / name[:2] / f"{name}.json"
