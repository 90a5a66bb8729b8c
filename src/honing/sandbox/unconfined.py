"""No containment, for those who ask for it by name: the command can do whatever its user can.

What it still gives is order, not safety: a clean environment, a time limit for the whole tree, limits where a
control group or polling can hold them, and bounded output. A hostile command can lift all of these but the
environment, so that is the one protection it claims.
"""

from __future__ import annotations

import os

from honing.errors import SandboxError
from honing.sandbox import selfcheck
from honing.sandbox.base import Cancel, Capability, Command, Finished, Network
from honing.sandbox.cgroups import hierarchy
from honing.sandbox.landlock import WARDEN, WARDEN_PROCESSES
from honing.sandbox.limits import process_limits
from honing.sandbox.mounts import check_workdir, interpreter, resolve, writable_sources
from honing.sandbox.plan import Plan
from honing.sandbox.relay import open_listeners
from honing.sandbox.supervise import run_plan


class UnconfinedSandbox:
    """Runs a command as the caller, with order and without containment."""

    name = "unconfined"

    @property
    def capabilities(self) -> frozenset[Capability]:
        """The protections that held when this sandbox was attacked, once per process."""
        return self.proof.capabilities

    @property
    def proof(self) -> selfcheck.Proof:
        """What the self-check found, with the reason where something did not hold."""
        return selfcheck.proof(self, None)

    def run(self, command: Command, *, cancel: Cancel | None = None) -> Finished:
        return run_plan(self._plan(command, self.capabilities), cancel)

    def attempt(self, command: Command) -> Finished:
        """Run a command of the self-check, before anything is proven."""
        return run_plan(self._plan(command, frozenset()), None)

    def offered(self, network: Network) -> frozenset[Capability]:
        """What is put in place, proven or not."""
        del network  # It is always open.
        return frozenset({Capability.ENV_CLEAN})

    def _plan(self, command: Command, capabilities: frozenset[Capability]) -> Plan:
        binds = resolve(command.mounts)
        check_workdir(command, binds)
        for bind in binds:
            if os.path.realpath(bind.inside) != bind.source:
                raise SandboxError(
                    f"sandbox 'unconfined': {bind.source} cannot be shown at {bind.inside}; "
                    "mount it at its own path, or install bubblewrap"
                )
        limits, groups = command.limits, hierarchy()
        return Plan(
            sandbox=self.name,
            capabilities=capabilities,
            command=command,
            argv=[interpreter(), "-I", "-S", str(WARDEN), "{channel}"],
            job={"confine": None},
            rlimits=process_limits(limits, memory_capped=groups.memory, processes_capped=groups.pids),
            namespace=False,
            folders=writable_sources(binds),
            listeners=open_listeners([forward.port for forward in command.forwards]),
            memory_bytes=limits.memory_bytes if groups.memory else None,
            processes=limits.processes + WARDEN_PROCESSES if groups.pids else None,
            watch_memory=not groups.memory,
        )
