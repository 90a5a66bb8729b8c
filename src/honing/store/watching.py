"""Which runs ended while a block ran: for what is to be done with a run once it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class _Watch:
    ended: list[Path] = field(default_factory=list)
    depth: int = 0
    """Supervised runs that are open now, one inside the other."""


_WATCH: ContextVar[_Watch | None] = ContextVar("honing_watched_runs", default=None)


@contextmanager
def ended_runs() -> Iterator[list[Path]]:
    """Collect the folders of runs whose supervision ends inside the block, in this thread.

    A run that is worked on inside another one's supervision is that one's affair and not listed. Blocks nest:
    the innermost collects.

    Yields:
        The list, which grows; each folder once, in the order of endings.
    """
    watch = _Watch()
    token = _WATCH.set(watch)
    try:
        yield watch.ended
    finally:
        _WATCH.reset(token)


@contextmanager
def watched(folder: Path) -> Iterator[None]:
    """Around a supervision: tell whoever watches when it has ended."""
    watch = _WATCH.get()
    if watch is None:
        yield
        return
    watch.depth += 1
    try:
        yield
    finally:
        watch.depth -= 1
        if watch.depth == 0 and folder not in watch.ended:
            watch.ended.append(folder)
