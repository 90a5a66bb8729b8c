"""One command of an experiment as a process of its own: its output in files, its end within its limit.

These commands are the project's own, as those of a Makefile are: they run as the user. What they measure runs
in the sandbox of whatever `hone` they call.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

STARTED = Path(__file__).with_name("started.py")
GRACE_S = 20.0
"""Time that a command is given to end by itself after it was asked to."""
_LOOK_S = 0.05


class ProcessEnding(StrEnum):
    """How a command ended. Exactly one holds."""

    EXITED = "exited"
    KILLED = "killed"
    """By a signal that we did not send."""
    TIMEOUT = "timeout"
    STOPPED = "stopped"
    """We were asked to stop, and it was asked likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How one command ended."""

    ending: ProcessEnding
    exit_code: int
    """Of the process; minus the signal's number where it was killed."""
    duration_s: float


def run_process(
    words: Sequence[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    output: tuple[Path, Path],
    limit_s: float,
    should_stop: Callable[[], bool],
) -> ProcessEnd:
    """Run one command to its end.

    Args:
        words: Program and arguments.
        folder: Where it starts.
        env: Its complete environment.
        output: Files for stdout and stderr.
        limit_s: Wall-clock limit. At the limit, and when asked to stop, its process group is told to end
            (SIGTERM), and killed where it has not done so in time.
        should_stop: Asked again and again while it runs.
    """
    began = time.monotonic()
    with output[0].open("wb") as out, output[1].open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(STARTED), str(os.getpid()), *words],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            # A group of its own: Ctrl-C at the terminal reaches us alone, and the whole group can be ended.
            start_new_session=True,
        )
        try:
            ending = _watch(process, began + limit_s, should_stop)
        finally:
            _end(process)
    code = process.returncode
    if ending is ProcessEnding.EXITED and code < 0:
        ending = ProcessEnding.KILLED
    return ProcessEnd(ending=ending, exit_code=code, duration_s=time.monotonic() - began)


def _watch(
    process: subprocess.Popen[bytes], deadline: float, should_stop: Callable[[], bool]
) -> ProcessEnding:
    while not _ended(process):
        if should_stop():
            return ProcessEnding.STOPPED
        if time.monotonic() >= deadline:
            return ProcessEnding.TIMEOUT
        time.sleep(_LOOK_S)
    return ProcessEnding.EXITED


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended. It is left unreaped: until then its number, and its group's, is nobody else's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process if it is still there, and in any case whatever its group has left behind."""
    if not _ended(process):
        _signal_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + GRACE_S
        while not _ended(process) and time.monotonic() < until:
            time.sleep(_LOOK_S)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def program_of(words: Sequence[str]) -> list[str]:
    """The words with `hone` and `python` as this very installation."""
    own = {"hone": [sys.executable, "-m", "honing"], "python": [sys.executable], "python3": [sys.executable]}
    return [*own.get(words[0], [words[0]]), *words[1:]]
