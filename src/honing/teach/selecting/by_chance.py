"""The first control: by chance."""

from __future__ import annotations

from dataclasses import dataclass

from honing.teach.selecting.base import Pool


@dataclass(frozen=True, slots=True)
class Random:
    """Every snapshot is equally likely."""

    name: str = "random"
    about: str = "drawn by chance"

    def choose(self, pool: Pool) -> tuple[str, ...]:
        """See `SelectionMethod.choose`."""
        return pool.take(pool.drawn("random"))
