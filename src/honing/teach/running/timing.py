"""What a phase took: volatile, so it lies in the run's evidence and in no artifact."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from honing.store import Run

_KIND = "phase"


@dataclass(frozen=True, slots=True)
class Took:
    """Of one phase, over all sessions that finished it or left it in order."""

    wall_s: float
    cpu_s: float
    """Of this process and of its workers."""


@contextmanager
def timed(run: Run, phase: str, *, workers_cpu_s: Callable[[], float] = lambda: 0.0) -> Iterator[None]:
    """Note what the block took, also where it ends by an error.

    Args:
        run: Whose evidence it is.
        phase: Its name.
        workers_cpu_s: Processor time of processes that are not waited for yet.
    """
    wall, cpu = time.monotonic(), _cpu_s() + workers_cpu_s()
    try:
        yield
    finally:
        spent = _cpu_s() + workers_cpu_s() - cpu
        # Less than nothing where a worker died in between: its share is not known.
        took = {"phase": phase, "wall_s": time.monotonic() - wall, "cpu_s": max(0.0, spent)}
        run.evidence().append(_KIND, took)


def times_of(run: Run) -> dict[str, Took]:
    """What each phase took so far, by name; a phase that was killed lacks its last session."""
    found: dict[str, Took] = {}
    path = run.path / "evidence.jsonl"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    for line in lines:
        body = _body(line)
        if body is not None:
            name = str(body["phase"])
            before = found.get(name, Took(0.0, 0.0))
            found[name] = Took(before.wall_s + float(body["wall_s"]), before.cpu_s + float(body["cpu_s"]))
    return found


def _body(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        # A line that a crash cut short: nobody was told that it was written.
        return None
    return record.get("body") if record.get("kind") == _KIND else None


def _cpu_s() -> float:
    own, workers = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime
