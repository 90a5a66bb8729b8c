"""The fall-back where user namespaces are forbidden: Landlock, a system call filter and a warden.

It needs no privilege and no namespace, so it works in ordinary containers. It is weaker than bubblewrap, and
says so by the protections it does not list: processes and file names are visible, a TCP rule names ports and
not machines, and there is no private /tmp.
"""

from __future__ import annotations

import functools
import os
import platform
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from honing.errors import MissingToolError, SandboxError
from honing.sandbox import selfcheck
from honing.sandbox.base import Cancel, Capability, Command, Finished, Network
from honing.sandbox.cgroups import hierarchy
from honing.sandbox.limits import process_limits
from honing.sandbox.mounts import (
    OWN_ETC,
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
from honing.sandbox.relay import open_listeners
from honing.sandbox.seccomp import Owner, Sockets, build_filter, notified
from honing.sandbox.supervise import run_plan

WARDEN = Path(__file__).parent.joinpath("scripts/warden.py").resolve()
WARDEN_PROCESSES = 1
"""The warden counts against the cap of the control group."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_LOWEST_ABI = 3
"""Older versions let a command cut files short that it may not write."""


@functools.cache
def landlock_abi() -> int:
    """The kernel's Landlock version; 0 where it has none or it is switched off."""
    import ctypes

    create_ruleset, ask_version = 444, 1
    return max(0, int(ctypes.CDLL(None).syscall(create_ruleset, None, 0, ask_version)))


class Restriction(StrEnum):
    """One part of the containment that a test may leave out to show that its attack is live."""

    FILES = "files"
    NETWORK = "network"
    FILTER = "filter"
    SCOPE = "scope"
    PRIVILEGES = "privileges"
    METADATA = "metadata"
    MEMORY = "memory"
    PROCESSES = "processes"
    DISK = "disk"


ALL_RESTRICTIONS = frozenset(Restriction)


class LandlockSandbox:
    """Contains a command with Landlock.

    A mount cannot be shown at another path, nor a folder be read-only below a writable one; such commands are
    refused.

    Args:
        restrictions: Everything but in tests.

    Raises:
        MissingToolError: The kernel's Landlock is missing or too old.
    """

    name = "landlock"

    def __init__(self, *, restrictions: frozenset[Restriction] = ALL_RESTRICTIONS) -> None:
        if landlock_abi() < _LOWEST_ABI:
            raise MissingToolError(
                f"Landlock version {landlock_abi()} found on Linux {platform.release()}, expected at least "
                f"{_LOWEST_ABI}. Use Linux 6.12 or newer with `landlock` in its `lsm=` list, or bubblewrap."
            )
        self._restrictions = restrictions

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The protections that held when this sandbox was attacked, once per process."""
        return self.proof.capabilities

    @property
    def proof(self) -> selfcheck.Proof:
        """What the self-check found, with the reason where something did not hold."""
        return selfcheck.proof(self, self._restrictions)

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        proven = self.capabilities
        return run_plan(self._plan(command, self.offered(command.network) & proven), cancel)

    def attempt(self, command: Command) -> Finished:
        """Run a command of the self-check, before anything is proven."""
        return run_plan(self._plan(command, frozenset()), None)

    def offered(self, network: Network) -> frozenset[Capability]:
        """What is put in place, proven or not."""
        needs = {
            Capability.ENV_CLEAN: set[Restriction](),
            Capability.HOME_HIDDEN: {Restriction.FILES},
            Capability.HOST_READ_ONLY: {Restriction.FILES, Restriction.METADATA, Restriction.FILTER},
            Capability.PRIVILEGES_DROPPED: {Restriction.PRIVILEGES, Restriction.FILTER},
            Capability.DISK_CAP: {Restriction.DISK, Restriction.FILES},
        }
        if network is Network.NONE and landlock_abi() >= 4:
            needs[Capability.NET_PORT_ONLY] = {Restriction.NETWORK, Restriction.FILTER}
        if landlock_abi() >= 6:
            # Older versions let a command kill its warden.
            needs[Capability.TREE_KILLED] = {Restriction.SCOPE}
        if hierarchy().memory:
            needs[Capability.MEMORY_CAP] = {Restriction.MEMORY, Restriction.FILES}
        if hierarchy().pids:
            needs[Capability.PIDS_CAP] = {Restriction.PROCESSES, Restriction.FILES}
        return frozenset(bit for bit, parts in needs.items() if parts <= self._restrictions)

    def _plan(self, command: Command, capabilities: frozenset[Capability]) -> Plan:
        binds = resolve(command.mounts)
        check_workdir(command, binds)
        _check_expressible(binds)
        if command.forwards and command.network is Network.NONE and landlock_abi() < 4:
            raise SandboxError(
                "sandbox 'landlock': a forward with the network cut needs Landlock 4 (Linux 6.7)"
            )
        limits, groups, kept = command.limits, hierarchy(), self._restrictions
        group_memory = groups.memory and Restriction.MEMORY in kept
        group_pids = groups.pids and Restriction.PROCESSES in kept
        folders = writable_sources(binds)
        return Plan(
            sandbox=self.name,
            capabilities=capabilities,
            command=command,
            argv=[interpreter(), "-I", "-S", str(WARDEN), "{channel}"],
            job={"confine": self._confinement(command, binds, folders)},
            rlimits=process_limits(
                limits,
                memory_capped=group_memory or Restriction.MEMORY not in kept,
                processes_capped=group_pids or Restriction.PROCESSES not in kept,
                disk_capped=Restriction.DISK not in kept,
            ),
            namespace=False,
            folders=folders,
            listeners=open_listeners([forward.port for forward in command.forwards]),
            memory_bytes=limits.memory_bytes if group_memory else None,
            processes=limits.processes + WARDEN_PROCESSES if group_pids else None,
            watch_memory=not groups.memory and Restriction.MEMORY in kept,
            watch_disk=Restriction.DISK in kept,
        )

    def _confinement(self, command: Command, binds: list[Bind], folders: list[str]) -> dict[str, Any]:
        """What `scripts/confine.py` is told."""
        kept = self._restrictions
        reads = [folder for folder in SYSTEM_FOLDERS if Path(folder).is_dir()]
        reads += [bind.source for bind in (*etc_folders(), *etc_files(command.network))]
        # The host's own: no mount can put ours in their place.
        reads += [f"/etc/{file.name}" for file in OWN_ETC.iterdir() if Path("/etc", file.name).exists()]
        reads += ["/proc", *(bind.source for bind in (*interpreter_binds(), *binds) if not bind.writable)]
        if Restriction.FILES not in kept:
            reads, folders = ["/"], ["/"]
        ports = None
        sockets = Sockets.ORDINARY
        if command.network is Network.NONE and Restriction.NETWORK in kept:
            ports = [forward.port for forward in command.forwards]
            sockets = Sockets.TCP_ONLY if ports else Sockets.NONE
        owner = Owner(os.geteuid(), os.getegid()) if Restriction.METADATA in kept else None
        return {
            "abi": landlock_abi(),
            "read": [os.fsencode(path) for path in reads],
            "write": [os.fsencode(path) for path in folders],
            "devices": [os.fsencode(device) for device in _DEVICES if Path(device).exists()],
            "ports": ports,
            "scoped": Restriction.SCOPE in kept,
            "drop": Restriction.PRIVILEGES in kept,
            "filter": build_filter(sockets, on_host=owner) if Restriction.FILTER in kept else b"",
            "notify": notified(),
        }


def _check_expressible(binds: list[Bind]) -> None:
    """Refuse mounts that Landlock has no rule for, rather than protect less than was asked."""
    writable = writable_sources(binds)
    for bind in binds:
        if os.path.realpath(bind.inside) != bind.source:
            raise SandboxError(
                f"sandbox 'landlock': {bind.source} cannot be shown at {bind.inside}; "
                "mount it at its own path, or install bubblewrap"
            )
        if not bind.writable and any(
            PurePosixPath(bind.source).is_relative_to(parent) for parent in writable
        ):
            raise SandboxError(
                f"sandbox 'landlock': {bind.source} cannot be read-only below a writable mount; "
                "move one of them, or install bubblewrap"
            )
