"""What a run tells while it works: how far each step is, and lines about what happened.

Both lie in `logs/`, which is no part of a run's identity. Nothing here waits for the disk, and nothing fails
a run: whoever cannot write simply tells nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from honing.errors import StoreError
from honing.store.encoding import Json, json_bytes, parse_json

PROGRESS = Path("logs/progress.json")
"""Where each step stands."""
LOG = Path("logs/log.txt")
"""What happened, one line each, the newest last."""
_INTERVAL_S = 0.5
"""Shortest time between two writings of the same progress."""
_STEPS = 200
"""Steps that are kept; the oldest go first."""
_LOG_BYTES = 1 << 20
"""Where the log is longer, its older half is dropped."""
_LINE_CHARACTERS = 2000


class Telling:
    """The live state of one run, written by its supervisor. Safe to use from several threads."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write nothing yet.

        Args:
            folder: The run's.
            clock: Unix time in seconds, for what is written.
            ticks: Monotonic time in seconds, for how often.
        """
        self._folder = folder
        self._clock = clock
        self._ticks = ticks
        self._guard = threading.Lock()
        self._steps: dict[str, dict[str, Json]] | None = None
        self._waiting: dict[str, Callable[[], Mapping[str, Json]]] = {}
        self._timer: threading.Timer | None = None
        self._written = float("-inf")

    def step(self, name: str, standing: Callable[[], Mapping[str, Json]], *, at_once: bool = False) -> None:
        """Say where a step stands. It is written at most every half second; the last word always is, half a
        second late where it comes too early.

        Args:
            name: The step's.
            standing: Makes what is to be said, as JSON; asked only where it is written, by any thread.
            at_once: Write now: the step begins or ends.
        """
        with self._guard:
            self._waiting.pop(name, None)
            self._waiting[name] = standing
            if at_once or self._ticks() - self._written >= _INTERVAL_S:
                self._write()
            elif self._timer is None:
                self._timer = threading.Timer(_INTERVAL_S, self._late)
                self._timer.daemon = True
                self._timer.start()

    def _late(self) -> None:
        with self._guard:
            self._timer = None
            if self._waiting:
                self._write()

    def _write(self) -> None:
        """Write every step, with what waits to be said."""
        self._written = self._ticks()
        if self._steps is None:
            self._steps = {str(one["step"]): one for one in read_progress(self._folder)}
        for name, standing in self._waiting.items():
            # The step that was heard of last stands last.
            self._steps.pop(name, None)
            self._steps[name] = {**standing(), "step": name, "at": self._clock()}
        self._waiting.clear()
        for oldest in list(self._steps)[:-_STEPS]:
            del self._steps[oldest]
        with suppress(OSError, StoreError):
            self._replace(PROGRESS, json_bytes({"schema": 1, "steps": list(self._steps.values())}))

    def line(self, text: str) -> None:
        """Add a line to the log, with the time. Line ends and what lies beyond 2,000 characters are left
        out."""
        words = " ".join(text[:_LINE_CHARACTERS].splitlines())
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        payload = f"{stamp} {words}\n".encode("utf-8", "backslashreplace")
        path = self._folder / LOG
        with self._guard, suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
            )
            try:
                size = os.fstat(descriptor).st_size
                os.write(descriptor, payload)
                kept = (
                    os.pread(descriptor, _LOG_BYTES // 2, size - _LOG_BYTES // 2)
                    if size > _LOG_BYTES
                    else b""
                )
            finally:
                os.close(descriptor)
            if kept:
                self._replace(LOG, kept.partition(b"\n")[2] + payload)

    def _replace(self, relative: Path, payload: bytes) -> None:
        """Put a whole file in place of the old one, without waiting for the disk."""
        path = self._folder / relative
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}.new")
        draft.write_bytes(payload)
        draft.replace(path)


def read_progress(folder: Path) -> list[dict[str, Json]]:
    """Where the steps of a run stand, the newest last; none where nothing was told, or nothing readable."""
    try:
        found = parse_json((folder / PROGRESS).read_bytes(), where=str(PROGRESS))
    except (OSError, StoreError):
        return []
    steps = found.get("steps") if isinstance(found, dict) else None
    return (
        [one for one in steps if isinstance(one, dict) and "step" in one] if isinstance(steps, list) else []
    )


def read_log(folder: Path, *, most_bytes: int = 64 * 1024) -> list[str]:
    """The last lines of a run's log, whole ones, the newest last; none where there is no log."""
    try:
        descriptor = os.open(folder / LOG, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return []
    try:
        size = os.fstat(descriptor).st_size
        payload = os.pread(descriptor, most_bytes, max(0, size - most_bytes))
    finally:
        os.close(descriptor)
    lines = payload.decode("utf-8", "replace").split("\n")
    return [line for line in (lines[1:] if size > most_bytes else lines) if line]
