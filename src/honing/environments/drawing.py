"""Seeds of tasks: the same on every machine, different for every split."""

from __future__ import annotations

import hashlib
import re

from honing.errors import EnvironmentFaultError

_SPLIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def drawn_seed(*key: object) -> int:
    """A seed in [0, 2^31) that depends on nothing but its key."""
    content = "\0".join(str(part) for part in key).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "big") >> 1


def content_digest(*parts: bytes) -> str:
    """A short name for what decides an episode: 12 hexadecimal digits."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:12]


def checked_split(split: str) -> str:
    """The split's name, which becomes part of the names of its tasks.

    Raises:
        EnvironmentFaultError: It has letters that a file name should not have.
    """
    if not _SPLIT.fullmatch(split):
        raise EnvironmentFaultError(
            f"A split is named by letters, digits, '-', '_' and '.', got {split!r}. Rename it."
        )
    return split
