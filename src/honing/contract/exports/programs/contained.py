"""Runs one command inside a container that is the sandbox already: limits of time and memory, and its end."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol


class SandboxError(Exception):
    """The command could not be started."""


class Ending(Enum):
    """How a command ended."""

    EXITED = "exited"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a command may use."""

    wall_s: float = 600.0
    memory_bytes: int = 4 * 1024**3
    processes: int = 512
    disk_bytes: int = 4 * 1024**3


@dataclass(frozen=True)
class Mount:
    """A folder that the command sees; here it sees the container's own."""

    source: Path
    writable: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command."""

    argv: Sequence[str]
    workdir: Path
    mounts: Sequence[Mount] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    stdin: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How it ended, and what it printed."""

    ending: Ending
    stdout: str
    stderr: str
    detail: str = ""


class Sandbox(Protocol):
    """What the scorer asks for."""

    def run(self, command: Command) -> Finished: ...


class Contained:
    """Starts the command in a session of its own, and ends that session whole."""

    def run(self, command: Command) -> Finished:
        """Run a command to its end or limit."""
        try:
            process = subprocess.Popen(
                command.argv,
                cwd=command.workdir,
                env=dict(command.env),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (command.limits.disk_bytes, command.limits.disk_bytes)
                ),
            )
        except OSError as error:
            raise SandboxError(str(error)) from error
        ending = Ending.EXITED
        try:
            out, err = process.communicate(command.stdin, command.limits.wall_s)
        except subprocess.TimeoutExpired:
            ending = Ending.TIMEOUT
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return Finished(
            ending=ending, stdout=out.decode("utf-8", "replace"), stderr=err.decode("utf-8", "replace")
        )


def python_mounts() -> tuple[Mount, ...]:
    """The interpreter's own folder."""
    return (Mount(Path(sys.base_prefix)),)
