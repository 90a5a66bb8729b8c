"""What a sandbox is: one contained command, its limits, and how it ended.

Whatever an agent or a target wrote runs here. A sandbox says which protections it really gives (`Capability`,
proven by a probe at start-up, never assumed from a program's presence), and a stage says which it needs;
`require` fails closed where they do not meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from honing.errors import MissingToolError


class Capability(StrEnum):
    """One protection. A sandbox lists those it gives, a `Finished` those that held for its command."""

    NET_CUT = "net_cut"
    """No network at all, other than the forwards asked for: no TCP, UDP, abstract or foreign path sockets."""
    NET_PORT_ONLY = "net_port_only"
    """TCP is limited to the forwarded ports; other families are denied. Weaker than NET_CUT."""
    HOME_HIDDEN = "home_hidden"
    """The user's home, other runs and everything not mounted cannot be read."""
    HOST_READ_ONLY = "host_read_only"
    """Nothing outside the writable mounts can be changed."""
    ENV_CLEAN = "env_clean"
    """The command sees the variables it was given and no others."""
    PID_NAMESPACE = "pid_namespace"
    """Other processes cannot be seen or signalled, and no descendant outlives the command."""
    TREE_KILLED = "tree_killed"
    """At the limit, and when Honing itself is killed -9, every descendant dies, daemons included."""
    PRIVILEGES_DROPPED = "privileges_dropped"
    """No capabilities, no new privileges, no mounts, no nested user namespaces."""
    MEMORY_CAP = "memory_cap"
    """The memory limit holds for all processes together."""
    PIDS_CAP = "pids_cap"
    """The process limit holds for all processes together."""
    DISK_CAP = "disk_cap"
    """The disk limit holds for all files together."""


class Network(StrEnum):
    """What a command may reach."""

    NONE = "none"
    """Nothing but the command's `forwards`."""
    OPEN = "open"
    """The host's network (installing a target). Never combined with secrets."""


class Ending(StrEnum):
    """How a command ended. Exactly one holds."""

    EXITED = "exited"
    """By itself, with `exit_code`."""
    SIGNALLED = "signalled"
    """By a signal that we did not send (`exit_code` is minus its number)."""
    TIMEOUT = "timeout"
    """At `Limits.wall_s`; the whole tree was killed."""
    MEMORY = "memory"
    """At `Limits.memory_bytes`."""
    DISK = "disk"
    """At `Limits.disk_bytes`."""
    STOPPED = "stopped"
    """Because the caller asked (`Cancel`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may use."""

    wall_s: float = 600.0
    """Wall-clock limit. The whole process tree is killed at the limit."""
    memory_bytes: int = 4 * 1024**3
    """Memory of all processes together, where `MEMORY_CAP` holds; of each process otherwise."""
    processes: int = 512
    """Processes and threads together, where `PIDS_CAP` holds."""
    disk_bytes: int = 4 * 1024**3
    """Bytes written below the writable mounts together, where `DISK_CAP` holds."""
    output_bytes: int = 1024 * 1024
    """Bytes kept of each of stdout and stderr: the first and the last half; the rest is only counted."""
    open_files: int = 1024
    """File descriptors of each process."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A host folder or file made visible inside."""

    source: Path
    """Path on the host. Symbolic links in it are resolved before mounting."""
    inside: Path | None = None
    """Path inside; the same as `source` when None."""
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Forward:
    """A loopback TCP port inside that leads to a Unix socket outside. It works with the network cut."""

    port: int
    socket: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command and everything it may touch."""

    argv: Sequence[str]
    """Program and arguments. Shell text runs as ("bash", "-c", text), unaltered."""
    workdir: Path
    """Where it starts. Must lie below one of the mounts."""
    mounts: Sequence[Mount] = ()
    """Beyond the system folders (/usr, /lib, /etc's public part), which are always visible read-only."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The complete environment, PATH and HOME included where wanted; nothing is inherited."""
    network: Network = Network.NONE
    forwards: Sequence[Forward] = ()
    limits: Limits = field(default_factory=Limits)
    stdin: bytes = b""
    trace: Path | None = None
    """A writable folder of the host in which to see what the command does (`Finished.trace`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What was seen of one command. Paths are relative to the traced folder."""

    processes: tuple[tuple[str, ...], ...] = ()
    """Argument lists of the programs run, each once, in the order seen; long words and lists are cut."""
    processes_by: str = ""
    """How they were found: `sampling` of /proc."""
    opened: tuple[str, ...] = ()
    """Files of the folder that something in the command opened, each once, in that order."""
    opened_by: str = ""
    """`inotify`; empty where the folder could not be watched, and then `opened` says nothing."""
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Files with another content or other attributes than before."""
    removed: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()
    """One sentence for each way in which something may have been missed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended, as our own process saw it."""

    ending: Ending
    exit_code: int | None
    """0-255, minus the signal's number, or None where we killed it."""
    stdout: str
    """Sanitised: valid UTF-8, no control or escape sequences but newline and tab, bidi and zero-width
    characters shown as \\uXXXX. Bounded by `Limits.output_bytes`; a cut is marked by a line that says how
    much is missing."""
    stderr: str
    stdout_bytes: int
    """Bytes written in all, also those that were dropped."""
    stderr_bytes: int
    duration_s: float
    sandbox: str
    """Name of the implementation."""
    capabilities: frozenset[Capability]
    """The protections that held for this command."""
    detail: str = ""
    """One sentence where the ending needs one."""
    trace: Trace | None = None
    """What was seen of it; None where `Command.trace` asked for nothing, or it never started."""

    @property
    def ok(self) -> bool:
        """Whether the command exited by itself with code 0. An exit code is not a score."""
        return self.ending is Ending.EXITED and self.exit_code == 0


class Cancel(Protocol):
    """Tells a running command to stop; `threading.Event` is one."""

    def is_set(self) -> bool: ...


class Sandbox(Protocol):
    """Runs one command contained. Safe to call from several threads at once.

    `run` returns for everything the command does, however hostile; it raises `SandboxError` only where the
    sandbox itself failed (ours), so the caller can tell an infrastructure failure from a bad command.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The protections this sandbox gives on this machine, found by a probe."""
        ...

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished: ...


def require(sandbox: Sandbox, needed: Iterable[Capability], *, what: str) -> None:
    """Refuse to go on where a needed protection is missing.

    Args:
        sandbox: The sandbox that would run the command.
        needed: Protections without which it must not run.
        what: Who needs them, for the message ("stage evaluate").

    Raises:
        MissingToolError: At least one is missing; the text names them and what to install.
    """
    missing = sorted(set(needed) - sandbox.capabilities)
    if missing:
        raise MissingToolError(
            f"{what} needs {', '.join(missing)}, which the sandbox '{sandbox.name}' does not give here. "
            "Install bubblewrap (Debian: apt-get install bubblewrap) and run `hone doctor`, "
            "or choose `--sandbox unconfined` to accept the risk; the choice is recorded beside every result."
        )
