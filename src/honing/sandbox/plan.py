"""What a sandbox decides for one command, and what the script inside is told of it."""

from __future__ import annotations

import marshal
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from honing.errors import SandboxError
from honing.sandbox.base import Capability, Command
from honing.sandbox.mounts import absolute


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sandbox decided for one command."""

    sandbox: str
    capabilities: frozenset[Capability]
    command: Command
    argv: Sequence[str]
    """The program that contains the command. `{channel}` and `{info}` stand for descriptors made by
    `run_plan`."""
    files: Sequence[int] = ()
    """Open descriptors it inherits under the same numbers; closed by `run_plan`."""
    job: Mapping[str, Any] = field(default_factory=dict)
    """Told to the script inside, beyond what every job holds."""
    rlimits: Sequence[tuple[int, int]] = ()
    namespace: bool
    """Whether it starts a pid namespace, whose first process it names on `{info}`."""
    folders: Sequence[str] = ()
    """Host folders the command can write to."""
    listeners: Sequence[tuple[int, socket.socket]] = ()
    """Forwarded ports that are already open."""
    inner_ports: Sequence[int] = ()
    """Forwarded ports that the script inside is to open."""
    memory_bytes: int | None
    """Cap for a memory control group; None where none is made."""
    processes: int | None
    """Cap for a pids control group; None where none is made."""
    watch_memory: bool
    watch_disk: bool = True


def start_job(plan: Plan, groups: Sequence[int]) -> bytes:
    """The job as `bridge.receive_job` reads it: four bytes of length, then a marshalled dict of bytes and
    numbers.

    Args:
        plan: Holds the command.
        groups: Descriptors of the control groups to enter, inherited under these numbers.

    Raises:
        SandboxError: An argument or a variable cannot be given to any program.
    """
    command = plan.command
    try:
        argv = [os.fsencode(word) for word in command.argv]
        env = {os.fsencode(name): os.fsencode(value) for name, value in command.env.items()}
    except UnicodeEncodeError as error:
        raise SandboxError(f"command {list(command.argv)!r}: cannot be encoded: {error}") from error
    if not argv:
        raise SandboxError("command: argv is empty, expected a program")
    if any(b"\0" in word for word in (*argv, *env, *env.values())):
        raise SandboxError(f"command {list(command.argv)!r}: an argument or a variable holds a NUL byte")
    if any(not name or b"=" in name for name in env):
        raise SandboxError(f"command {list(command.argv)!r}: a variable's name is empty or holds '='")
    job = {
        "argv": argv,
        "env": env,
        "workdir": os.fsencode(absolute(command.workdir)),
        "rlimits": list(plan.rlimits),
        "ports": list(plan.inner_ports),
        "groups": list(groups),
        **plan.job,
    }
    data = marshal.dumps(job)
    return len(data).to_bytes(4, "little") + data
