"""Being asked to stop: Ctrl-C, SIGTERM, or a file named `stop` in the run folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from types import FrameType, TracebackType
from typing import Any, Self

from honing.errors import StoppedError

_FILE_INTERVAL_S = 0.1


class StopReason(StrEnum):
    """Who asked. Exactly one holds."""

    CTRL_C = "Ctrl-C"
    SIGTERM = "SIGTERM"
    FILE = "the stop file"


class StopWatch:
    """While entered, the first SIGINT or SIGTERM is noted and the second one raises KeyboardInterrupt at
    once.

    Signals reach Python's main thread only; entered on another thread, only the stop file is watched.
    """

    def __init__(self, file_exists: Callable[[], bool]) -> None:
        """Watch nothing yet.

        Args:
            file_exists: Tells whether the stop file is there.
        """
        self._file_exists = file_exists
        self._looked = 0.0
        self._before: dict[signal.Signals, Any] = {}
        self.reason: StopReason | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set by Python, so Python cannot set it again.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def asked(self) -> bool:
        """Whether anybody asked by now. The file is looked for at most ten times a second."""
        if self.reason is None and time.monotonic() - self._looked >= _FILE_INTERVAL_S:
            self._looked = time.monotonic()
            if self._file_exists():
                self.reason = StopReason.FILE
        return self.reason is not None

    def raise_if_asked(self, progress: str) -> None:
        """End as asked: KeyboardInterrupt for Ctrl-C, StoppedError otherwise.

        Args:
            progress: How far the work got, for the message.
        """
        if self.reason is StopReason.CTRL_C:
            raise KeyboardInterrupt(f"Stopped by Ctrl-C. {progress}")
        if self.reason is not None:
            raise StoppedError(f"Stopped by {self.reason.value}. {progress}")

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.reason is not None:
            raise KeyboardInterrupt("Stopped at once by a second signal; units under way are lost.")
        self.reason = StopReason.CTRL_C if number == signal.SIGINT else StopReason.SIGTERM
