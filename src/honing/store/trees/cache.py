"""Which contents a folder's files had at the last snapshot, so that an unchanged file is not read again."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from honing.store.atomic import write_atomic
from honing.store.trees.scan import Seen

_SETTLED_NS = 50_000_000
"""A file touched less than this before it was read may be written again within the same tick of the file
system's clock; it is read anew the next time."""
_SETTLED_COARSE_NS = 2_000_000_000
"""The same for file systems whose times have whole seconds."""


class StatCache:
    """The remembered contents of one folder.

    A remembered content counts only for the same path, device, inode, size, modification and change time. A
    program can set the modification time back, but not the change time.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        key = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()
        self._path = root / "stat-cache" / f"{key[:32]}.json"
        self._known = _read(self._path)

    def content(self, path: bytes, seen: Seen) -> str | None:
        """The hash of a file's bytes, or None where it has to be read."""
        found = self._known.get(quote_from_bytes(path))
        return found[1] if found is not None and found[0] == _stamp(seen) else None

    def remember(self, contents: dict[bytes, str], seen: dict[bytes, Seen], started_ns: int) -> None:
        """Replace what is remembered by what a snapshot found that began at `started_ns` (Unix time)."""
        settled = {
            quote_from_bytes(path): [_stamp(seen[path]), content]
            for path, content in contents.items()
            if _settled(seen[path], started_ns)
        }
        if settled != self._known:
            self._path.parent.mkdir(exist_ok=True)
            write_atomic(self._path, json.dumps(settled).encode("ascii"))


def _read(path: Path) -> dict[str, list[Any]]:
    try:
        known = json.loads(path.read_bytes())
        if all(isinstance(stamp, list) and isinstance(content, str) for stamp, content in known.values()):
            return dict(known)
    except (OSError, ValueError, TypeError, AttributeError):
        # Only speed is lost: every file is read again.
        return {}
    return {}


def _stamp(seen: Seen) -> list[int]:
    return [seen.device, seen.inode, seen.size, seen.mtime_ns, seen.ctime_ns]


def _settled(seen: Seen, started_ns: int) -> bool:
    coarse = seen.mtime_ns % 1_000_000_000 == 0 and seen.ctime_ns % 1_000_000_000 == 0
    margin = _SETTLED_COARSE_NS if coarse else _SETTLED_NS
    return max(seen.mtime_ns, seen.ctime_ns) < started_ns - margin
