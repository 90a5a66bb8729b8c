"""A crew of threads, each with one worker, that share a queue of units. Both executors are made of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Protocol

from honing.executors.base import Completed, Unit

LOOK_AHEAD = 64
"""Units that wait in the queue beyond those under way. While the reader commits a batch, the workers go
on."""
TICK_S = 0.2
"""Longest time without a batch, seconds."""


class Worker(Protocol):
    """Does one unit at a time, on the thread that hired it."""

    def perform(self, unit: Unit) -> Completed: ...

    def close(self) -> None:
        """End it in peace; called by its own thread."""
        ...

    def kill(self) -> bool:
        """End it at once, in the middle of its unit; called by another thread. False where that is
        impossible."""
        ...


class Crew:
    """Hires workers as units come in and runs them to the end."""

    def __init__(self, hire: Callable[[int], Worker], workers: int) -> None:
        """Nobody is hired yet.

        Args:
            hire: Makes worker number n (from 0), on that worker's thread.
            workers: How many at most.
        """
        self._hire = hire
        self._size = workers
        self._waiting: SimpleQueue[Unit | None] = SimpleQueue()
        self._finished: SimpleQueue[Completed | BaseException | None] = SimpleQueue()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._workers: dict[int, Worker] = {}
        self._guard = threading.Lock()
        self._open = 0

    def run(
        self, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        source = iter(units)
        clean = False
        try:
            while True:
                self._feed(source, should_stop)
                if self._open == 0:
                    break
                yield self._collect()
            clean = True
        finally:
            self._dismiss(kill=not clean)

    def _feed(self, source: Iterator[Unit], should_stop: Callable[[], bool]) -> None:
        """Put units into the queue as far as the look-ahead goes; none any more once asked to stop."""
        while self._open < self._size + LOOK_AHEAD and not self._stopping.is_set():
            unit = None if should_stop() else next(source, None)
            if unit is None:
                break
            self._open += 1
            self._waiting.put(unit)
            if len(self._threads) < min(self._size, self._open):
                self._start_thread()
        if should_stop():
            self._stopping.set()

    def _start_thread(self) -> None:
        # Daemons: after a second Ctrl-C the interpreter must not wait for a unit that never ends.
        number = len(self._threads)
        thread = threading.Thread(
            target=self._work, args=(number,), name=f"honing-worker-{number}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _work(self, number: int) -> None:
        """The life of one thread. It outlives its worker: a worker process dies with the thread that started
        it."""
        try:
            worker = self._hire(number)
            with self._guard:
                self._workers[number] = worker
            try:
                while (unit := self._waiting.get()) is not None:
                    # A unit that was queued but not started when the stop came is handed back unstarted.
                    self._finished.put(None if self._stopping.is_set() else worker.perform(unit))
            finally:
                worker.close()
        except BaseException as error:  # noqa: BLE001 - raised again by the calling thread
            self._finished.put(error)

    def _collect(self) -> list[Completed]:
        """Everything that completed by now; waits for the first of them, but not longer than a tick."""
        batch: list[Completed] = []
        with suppress(Empty):
            self._take(self._finished.get(timeout=TICK_S), batch)
            while True:
                self._take(self._finished.get_nowait(), batch)
        return batch

    def _take(self, found: Completed | BaseException | None, batch: list[Completed]) -> None:
        if isinstance(found, BaseException):
            raise found
        self._open -= 1
        if found is not None:
            batch.append(found)

    def _dismiss(self, *, kill: bool) -> None:
        self._stopping.set()
        for _ in self._threads:
            self._waiting.put(None)
        with self._guard:
            stuck = {number for number, worker in self._workers.items() if kill and not worker.kill()}
        for number, thread in enumerate(self._threads):
            if number not in stuck:
                thread.join()
