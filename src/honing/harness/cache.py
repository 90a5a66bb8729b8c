"""What was judged once is not judged again: results by what decides them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from honing.store import canonical_json

Json = Any
"""A value `json.dumps` can write."""


class Remember(Protocol):
    """Keeps results. `executors.Memo` does it in a run's journal, `Remembered` in this process."""

    def remember(self, step: str, key: Json, make: Callable[[], Json]) -> Json:
        """The result under this key: the one that is kept, or what `make` gives, which then is.

        Asked for one key by several threads at once, one makes it and the others wait. What `make` raises
        goes through, and nothing is kept; whoever waited then makes it for itself.
        """
        ...


class Remembered:
    """Results in a dictionary, gone with the process."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[tuple[str, str], _Turn] = {}
        self._kept: dict[tuple[str, str], Json] = {}

    def remember(self, step: str, key: Json, make: Callable[[], Json]) -> Json:
        """See `Remember.remember`."""
        place = (step, canonical_json(key))
        with self._guard:
            turn = self._turns.setdefault(place, _Turn())
            turn.users += 1
        try:
            with turn.lock:
                if place not in self._kept:
                    self._kept[place] = make()
                return self._kept[place]
        finally:
            with self._guard:
                turn.users -= 1
                if not turn.users:
                    del self._turns[place]

    def __len__(self) -> int:
        return len(self._kept)


@dataclass(slots=True)
class _Turn:
    """Who works on a key, and how many want to."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0
