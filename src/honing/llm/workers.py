"""A bounded pool of daemon threads for blocking work asked for by an event loop.

The standard library's pool is joined at interpreter exit, so one answerer that never returns would keep the
whole program from ending. These threads are daemons: closing the pool waits a stated while and then lets go.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Workers:
    """Runs blocking calls on at most `limit` threads; what does not fit waits in order of arrival."""

    def __init__(self, limit: int, *, name: str) -> None:
        self._limit = limit
        self._name = name
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._closed = False
        self._lock = threading.Lock()

    async def run(self, job: Callable[[], T]) -> T:
        """Await `job()` run on one of the threads. If the wait is cancelled, a started job runs on unseen."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the workers are closed: nothing more can be run on them")
            self._jobs.put((future, job))
            self._unfinished += 1
            if len(self._threads) < min(self._unfinished, self._limit):
                self._start()
        return await asyncio.wrap_future(future)

    def close(self, wait_s: float) -> None:
        """Take no more work, drop what has not started, and wait at most `wait_s` seconds for what has."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
        with suppress(queue.Empty):
            while (entry := self._jobs.get_nowait()) is not None:
                entry[0].cancel()
        for _ in threads:
            self._jobs.put(None)
        deadline = time.monotonic() + wait_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while True:
            entry = self._jobs.get()
            if entry is None:
                return
            future, job = entry
            if future.set_running_or_notify_cancel():
                try:
                    result = job()
                except BaseException as error:  # noqa: BLE001 - handed to the one who waits
                    future.set_exception(error)
                else:
                    future.set_result(result)
            with self._lock:
                self._unfinished -= 1
