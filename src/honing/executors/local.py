"""Worker processes on this machine: for units that compute, or that may take their process down with them."""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import ExecutorError, UsageError
from honing.executors.attempt import completed
from honing.executors.base import Completed, Unit, UnitFunction, UnitStatus
from honing.executors.crew import Crew
from honing.executors.worker import LOADING_MAIN, receive, send

_WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class LocalExecutor:
    """Runs units in worker processes.

    The function must be importable by name in another process (defined at the top of a module, or a
    `functools.partial` of one with arguments that pickle). A worker that the system kills loses nothing: its
    unit is run again in a new one. Workers die with the supervisor, also when it is killed.
    """

    workers: int = 2
    """Processes at a time."""
    max_lost: int = 2
    """How many workers one unit may lose before it ends as WORKER_LOST: then it, not chance, is the cause."""

    def __post_init__(self) -> None:
        if self.workers < 1 or self.max_lost < 0:
            raise UsageError(f"workers must be at least 1 and max_lost at least 0, got {self}.")

    @property
    def name(self) -> str:
        return "local"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        preparation = prepare(fn)
        return Crew(lambda number: ProcessWorker(preparation, self.max_lost), self.workers).run(
            units, should_stop
        )


class _WorkerDiedError(Exception):
    """The process ended while a unit was under way."""


class ProcessWorker:
    """One process at a time, replaced when it dies. All methods but `kill` belong to the thread that made
    it."""

    def __init__(self, preparation: bytes, max_lost: int) -> None:
        self._preparation = preparation
        self._max_lost = max_lost
        self._child: _Child | None = None
        self._killed = False

    @property
    def process_id(self) -> int | None:
        """Of the process at the moment; None while there is none."""
        child = self._child
        return None if child is None else child.process.pid

    def perform(self, unit: Unit) -> Completed:
        starts = 0
        while True:
            starts += 1
            child = self._child = self._child or _start(self._preparation)
            try:
                fields = json.loads(child.ask(json.dumps(unit.input).encode()))
            except (_WorkerDiedError, OSError):
                ending = self._bury()
                if starts > self._max_lost or self._killed:
                    return _lost(unit, starts, ending)
                continue
            return completed(unit, fields, worker=f"process-{child.process.pid}", attempts=starts)

    def close(self) -> None:
        """Let the process end by itself; it waits for the next unit, so that is at once."""
        self._bury()

    def kill(self) -> bool:
        self._killed = True
        child = self._child
        if child is not None:
            # Its own session, so the programs that the unit started in it die as well.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.process.pid, signal.SIGKILL)
        return True

    def _bury(self) -> str:
        """Reap the process; how it ended, as text."""
        child, self._child = self._child, None
        return "" if child is None else child.end()


class _Child:
    """A worker process, its socket, and a watch on the process itself."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self.process = process
        self._channel = channel
        self._poller = select.poll()
        self._poller.register(channel, select.POLLIN)
        # A program that a unit started may have inherited the socket, so its end alone does not tell of a
        # death.
        self._watch = _open_watch(process)
        if self._watch is not None:
            self._poller.register(self._watch, select.POLLIN)

    def ask(self, message: bytes) -> bytes:
        """Send one message and wait for the answer.

        Raises:
            _WorkerDiedError: The process ended instead of answering.
            OSError: It ended before it could be asked.
        """
        send(self._channel, message)
        ready = {descriptor for descriptor, _ in self._poller.poll()}
        if self._channel.fileno() not in ready:
            raise _WorkerDiedError
        try:
            return receive(self._channel)
        except EOFError as error:
            raise _WorkerDiedError from error

    def end(self) -> str:
        """Close everything and reap the process; how it ended, as text."""
        self._channel.close()
        if self._watch is not None:
            os.close(self._watch)
        code = self.process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"


def _open_watch(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return os.pidfd_open(process.pid)
    except (OSError, AttributeError):
        # Only Linux has it; elsewhere the socket alone must do.
        return None


def _start(preparation: bytes) -> _Child:
    """A process that has loaded the function and waits for units."""
    ours, theirs = socket.socketpair()
    with theirs:
        # Its own session: Ctrl-C reaches the supervisor only, which lets the units under way finish.
        process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER), str(theirs.fileno()), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=2,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
    child = _Child(process, ours)
    try:
        answer = json.loads(child.ask(preparation))
    except (_WorkerDiedError, OSError) as error:
        raise ExecutorError(
            f"A worker process ended with {child.end()} before it could load the unit function. "
            "Its error output above says why."
        ) from error
    if "error" in answer:
        child.end()
        raise ExecutorError(
            f"The unit function cannot be loaded in a worker process: {answer['error']}. "
            "Define it at the top of an importable module."
        )
    return child


def _lost(unit: Unit, starts: int, ending: str) -> Completed:
    return Completed(
        unit=unit,
        status=UnitStatus.WORKER_LOST,
        error=f"its worker process died {starts} times, the last time with {ending} (out of memory?)",
        error_kind="WorkerLost",
        attempts=starts,
        worker="process",
    )


def prepare(fn: UnitFunction) -> bytes:
    """What a worker needs to know first: the import path, the user's script where it is needed, the
    function."""
    if hasattr(sys, LOADING_MAIN):
        raise ExecutorError(
            "A worker process loads this script and would start the run again. "
            "Put the script's action under `if __name__ == '__main__':`."
        )
    try:
        pickled = pickle.dumps(fn)
    except Exception as error:
        raise ExecutorError(
            f"{fn!r} cannot be sent to a worker process: {error}. Define the unit function at the top of an "
            "importable "
            "module (arguments by functools.partial), or use the threads executor."
        ) from error
    main = _main_script() if b"__main__" in pickled else None
    path = [entry or str(Path.cwd()) for entry in sys.path]
    return pickle.dumps({"path": path, "main": main, "fn": pickled})


def _main_script() -> tuple[str, str]:
    main: Any = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return ("module", str(spec.name))
    file = getattr(main, "__file__", None)
    if file is None or not Path(file).exists():
        raise ExecutorError(
            "The unit function was typed in, so a worker process cannot import it. Put it into a file, or "
            "use the "
            "threads executor."
        )
    return ("path", str(Path(file).resolve()))
