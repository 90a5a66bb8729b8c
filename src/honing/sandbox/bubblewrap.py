"""The strong sandbox: bubblewrap's namespaces, a system call filter and control groups.

The command runs as an unprivileged user of its own user namespace, sees the system's programs, its mounts and
nothing else, and has a process table, a network, an IPC space and a /tmp of its own. No step needs root.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from honing.errors import MissingToolError
from honing.sandbox import selfcheck
from honing.sandbox.base import Cancel, Capability, Command, Finished, Network
from honing.sandbox.cgroups import hierarchy
from honing.sandbox.limits import process_limits
from honing.sandbox.mounts import (
    SYSTEM_FOLDERS,
    Bind,
    check_workdir,
    etc_files,
    etc_folders,
    interpreter,
    interpreter_binds,
    resolve,
    writable_sources,
)
from honing.sandbox.plan import Plan
from honing.sandbox.seccomp import Sockets, build_filter
from honing.sandbox.supervise import run_plan

INSIDE_ID = "65534"
"""User and group inside; outside it is the caller's, who therefore owns what the command writes."""
BRIDGE_INSIDE = "/dev/honing-bridge"
"""Where the script that starts the command is seen inside."""
_BRIDGE = Path(__file__).parent.joinpath("scripts/bridge.py").resolve()
_OWN_PROCESSES = 1
"""Process 1 counts against the cap of the control group."""


class Protection(StrEnum):
    """One part of the containment that a test may leave out to show that its attack is live."""

    NETWORK = "network"
    HIDDEN_FILES = "hidden_files"
    READ_ONLY = "read_only"
    CLEAN_ENV = "clean_env"
    PIDS = "pids"
    PRIVILEGES = "privileges"
    FILTER = "filter"
    NEW_SESSION = "new_session"
    DIE_WITH_PARENT = "die_with_parent"
    TMP_SIZE = "tmp_size"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"


ALL_PROTECTIONS = frozenset(Protection)


class BubblewrapSandbox:
    """Contains a command with bubblewrap.

    Args:
        program: The bwrap to use; found on the usual system path when None. The caller's PATH is not
            searched, so a program of that name planted there is never run.
        protections: Everything but in tests.

    Raises:
        MissingToolError: bubblewrap is not installed.
    """

    name = "bubblewrap"

    def __init__(
        self, program: Path | None = None, *, protections: frozenset[Protection] = ALL_PROTECTIONS
    ) -> None:
        found = str(program) if program else shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")
        if found is None:
            raise MissingToolError(
                "bubblewrap is not installed: no bwrap in /usr/local/bin, /usr/bin, /bin. "
                "Install it (Debian: apt-get install bubblewrap; Fedora: dnf install bubblewrap)."
            )
        self._program = found
        self._protections = protections

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The protections that held when this sandbox was attacked, once per process."""
        return self.proof.capabilities

    @property
    def proof(self) -> selfcheck.Proof:
        """What the self-check found, with the reason where something did not hold."""
        return selfcheck.proof(self, (self._program, self._protections))

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        proven = self.capabilities
        return run_plan(self._plan(command, self.offered(command.network) & proven), cancel)

    def attempt(self, command: Command) -> Finished:
        """Run a command of the self-check, before anything is proven."""
        return run_plan(self._plan(command, frozenset()), None)

    def offered(self, network: Network) -> frozenset[Capability]:
        """What is put in place, proven or not."""
        needs = {
            Capability.HOME_HIDDEN: {Protection.HIDDEN_FILES, Protection.PIDS},
            Capability.HOST_READ_ONLY: {Protection.READ_ONLY, Protection.HIDDEN_FILES},
            Capability.ENV_CLEAN: {Protection.CLEAN_ENV},
            Capability.PID_NAMESPACE: {Protection.PIDS},
            Capability.TREE_KILLED: {Protection.PIDS, Protection.DIE_WITH_PARENT},
            Capability.PRIVILEGES_DROPPED: {Protection.PRIVILEGES, Protection.FILTER, Protection.NEW_SESSION},
            Capability.DISK_CAP: {Protection.DISK, Protection.TMP_SIZE},
        }
        if network is Network.NONE:
            # Hidden files too: a Unix socket that can be seen can be connected to.
            cut = {Protection.NETWORK, Protection.FILTER, Protection.HIDDEN_FILES}
            needs |= {Capability.NET_CUT: cut, Capability.NET_PORT_ONLY: cut}
        if hierarchy().memory:
            needs[Capability.MEMORY_CAP] = {Protection.MEMORY}
        if hierarchy().pids or os.getuid() != 0:
            needs[Capability.PIDS_CAP] = {Protection.PROCESSES}
        return frozenset(bit for bit, parts in needs.items() if parts <= self._protections)

    def _plan(self, command: Command, capabilities: frozenset[Capability]) -> Plan:
        binds = resolve(command.mounts)
        check_workdir(command, binds)
        limits, groups = command.limits, hierarchy()
        group_memory = groups.memory and Protection.MEMORY in self._protections
        group_pids = groups.pids and Protection.PROCESSES in self._protections
        has_filter = Protection.FILTER in self._protections
        copies = _open_files(
            etc_files(command.network) if Protection.HIDDEN_FILES in self._protections else []
        )
        filters = [self._filter()] if has_filter else []
        return Plan(
            sandbox=self.name,
            capabilities=capabilities,
            command=command,
            argv=self._argv(command, binds, filters, copies),
            files=[*filters, *(descriptor for descriptor, _ in copies)],
            job={} if Protection.CLEAN_ENV in self._protections else {"env": dict(os.environb)},
            rlimits=process_limits(
                limits,
                memory_capped=group_memory or Protection.MEMORY not in self._protections,
                processes_capped=group_pids or Protection.PROCESSES not in self._protections,
                disk_capped=Protection.DISK not in self._protections,
            ),
            namespace=True,
            folders=writable_sources(binds),
            inner_ports=[forward.port for forward in command.forwards],
            memory_bytes=limits.memory_bytes if group_memory else None,
            processes=limits.processes + _OWN_PROCESSES if group_pids else None,
            watch_memory=not groups.memory and Protection.MEMORY in self._protections,
            watch_disk=Protection.DISK in self._protections,
        )

    @staticmethod
    def _filter() -> int:
        """The system call filter in a memory file, at its start."""
        descriptor = os.memfd_create("filter")
        os.write(descriptor, build_filter(Sockets.ORDINARY))
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def _argv(
        self,
        command: Command,
        binds: list[Bind],
        filters: list[int],
        copies: Sequence[tuple[int, str]],
    ) -> list[str]:
        kept = self._protections
        argv = [
            self._program,
            "--unshare-ipc",
            "--unshare-uts",
            "--unshare-cgroup-try",
            "--hostname",
            "honing",
        ]
        if Protection.NETWORK in kept and command.network is Network.NONE:
            argv += ["--unshare-net"]
        if Protection.PIDS in kept:
            argv += ["--unshare-pid", "--as-pid-1"]
        if Protection.PRIVILEGES in kept:
            argv += ["--unshare-user", "--disable-userns", "--uid", INSIDE_ID, "--gid", INSIDE_ID]
            argv += ["--cap-drop", "ALL"]
        if Protection.DIE_WITH_PARENT in kept:
            argv += ["--die-with-parent"]
        if Protection.NEW_SESSION in kept:
            argv += ["--new-session"]
        if filters:
            argv += ["--seccomp", str(filters[0])]
        # The bridge starts with nothing; the command's variables reach it over the channel, not through `ps`.
        argv += ["--clearenv", "--info-fd", "{info}"]
        argv += self._file_system(command, binds, copies)
        return [*argv, "--", interpreter(), "-I", "-S", BRIDGE_INSIDE, "{channel}"]

    def _file_system(
        self, command: Command, binds: list[Bind], copies: Sequence[tuple[int, str]]
    ) -> list[str]:
        """The arguments that build the file tree, in the order bubblewrap carries them out."""
        kept = self._protections
        own = {"/dev/shm": 4}
        if Protection.HIDDEN_FILES in kept:
            argv = _system()
            own |= {"/tmp": 2, "/var/tmp": 4}
        else:
            argv = ["--ro-bind" if Protection.READ_ONLY in kept else "--bind", "/", "/"]
        argv += ["--dev", "/dev", "--proc", "/proc"]
        for folder, share in own.items():
            if Protection.TMP_SIZE in kept:
                # They lie in memory, so they must leave room for the command itself.
                size = min(command.limits.disk_bytes, command.limits.memory_bytes // share)
                argv += ["--size", str(max(size, 4096))]
            argv += ["--perms", "1777", "--tmpfs", folder]
        for descriptor, inside in copies:
            argv += ["--perms", "0644", "--file", str(descriptor), inside]
        for bind in (*interpreter_binds(), *binds):
            writable = bind.writable or Protection.READ_ONLY not in kept
            argv += ["--bind" if writable else "--ro-bind", bind.source, bind.inside]
        if Protection.READ_ONLY in kept:
            # What is left of the roots is memory that no limit counts.
            argv += ["--remount-ro", "/dev", "--remount-ro", "/"]
        return argv


def _system() -> list[str]:
    """The arguments that show programs, libraries and the public part of /etc."""
    argv = []
    for folder in SYSTEM_FOLDERS:
        if Path(folder).is_symlink():
            argv += ["--symlink", str(Path(folder).readlink()), folder]
        elif Path(folder).is_dir():
            argv += ["--ro-bind", folder, folder]
    for bind in etc_folders():
        argv += ["--ro-bind", bind.source, bind.inside]
    return argv


def _open_files(files: list[Bind]) -> list[tuple[int, str]]:
    """Files that bubblewrap copies into its tree, the bridge among them, as descriptor and place inside.

    Bubblewrap reads the mount table anew for each bind: twenty of them take as long as all the rest.
    """
    binds = [*files, Bind(str(_BRIDGE), BRIDGE_INSIDE)]
    return [(os.open(bind.source, os.O_RDONLY | os.O_CLOEXEC), bind.inside) for bind in binds]
