"""Worker processes that stay from one step to the next: what they have loaded (a model, a library that takes
seconds) is loaded once."""

from __future__ import annotations

import base64
import os
import pickle
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from honing.errors import ExecutorError
from honing.executors.base import Completed, Json, Unit, UnitFunction
from honing.executors.crew import Crew
from honing.executors.local import LocalExecutor, ProcessWorker, prepare


class ResidentExecutor:
    """As `LocalExecutor`, with processes that serve many steps. A context manager: they end with it.

    What a unit function keeps in its process (a cache) is there for the next step too, so it must not depend
    on which units came before. A function of the user's own script gets processes of its own.

    Args:
        workers: Processes at a time.
        max_lost: As in `LocalExecutor`.

    Raises:
        UsageError: No workers.
    """

    def __init__(self, workers: int = 2, *, max_lost: int = 2) -> None:
        self._plain = LocalExecutor(workers, max_lost)
        self._residents = [_Resident(max_lost) for _ in range(workers)]

    @property
    def name(self) -> str:
        return "resident"

    @property
    def workers(self) -> int:
        return self._plain.workers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def cpu_s(self) -> float:
        """Seconds of processor time that the processes that are alive took so far. Nothing where the system
        does not tell (only Linux does here)."""
        return sum(resident.cpu_s() for resident in self._residents)

    def close(self) -> None:
        """End the processes. Safe to repeat; a later step starts new ones."""
        for resident in self._residents:
            resident.close()

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        prepare(fn)
        pickled = pickle.dumps(fn)
        if b"__main__" in pickled:
            return self._plain.run(fn, units, should_stop)
        name = base64.b64encode(pickled).decode()
        # Found out before any unit: a worker would fail each of them alike.
        try:
            _loaded(name)
        except Exception as error:
            raise ExecutorError(f"{fn!r} cannot be loaded by its name: {error}.") from error
        return Crew(lambda number: _Borrowed(self._residents[number], name), self.workers).run(
            units, should_stop
        )


class _Resident:
    """One process, and the thread that owns it: a process dies with the thread that started it."""

    def __init__(self, max_lost: int) -> None:
        self._max_lost = max_lost
        self._guard = threading.Lock()
        self._asked: SimpleQueue[tuple[Unit, Future[Completed]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._worker: ProcessWorker | None = None

    def perform(self, unit: Unit) -> Completed:
        answer: Future[Completed] = Future()
        with self._guard:
            if self._thread is None:
                self._worker = ProcessWorker(prepare(call), self._max_lost)
                self._thread = threading.Thread(
                    target=self._serve, args=(self._worker,), name="honing-resident", daemon=True
                )
                self._thread.start()
            self._asked.put((unit, answer))
        return answer.result()

    def cpu_s(self) -> float:
        with self._guard:
            process = None if self._worker is None else self._worker.process_id
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        # utime, stime and those of children that it waited for (proc(5), fields 14 to 17).
        return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> bool:
        with self._guard:
            worker = self._worker
        if worker is not None:
            worker.kill()
            self.close()
        return True

    def close(self) -> None:
        with self._guard:
            thread, self._thread, self._worker = self._thread, None, None
            if thread is not None:
                self._asked.put(None)
        if thread is not None:
            thread.join()

    def _serve(self, worker: ProcessWorker) -> None:
        while (asked := self._asked.get()) is not None:
            unit, answer = asked
            try:
                answer.set_result(worker.perform(unit))
            except BaseException as error:  # noqa: BLE001 - raised again by who asked
                answer.set_exception(error)
        worker.close()


class _Borrowed:
    """A resident for one step."""

    def __init__(self, resident: _Resident, name: str) -> None:
        self._resident = resident
        self._name = name

    def perform(self, unit: Unit) -> Completed:
        wrapped = replace(unit, input={"fn": self._name, "input": unit.input})
        return replace(self._resident.perform(wrapped), unit=unit)

    def close(self) -> None:
        """It stays for the next step."""

    def kill(self) -> bool:
        return self._resident.kill()


def call(asked: dict[str, Any]) -> Json:
    """In the worker process: do what one unit of one step asks."""
    return _loaded(asked["fn"])(asked["input"])


@lru_cache(maxsize=256)
def _loaded(name: str) -> UnitFunction:
    found: UnitFunction = pickle.loads(base64.b64decode(name))
    return found
