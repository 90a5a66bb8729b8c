"""What a sandbox really gives on this machine: each protection is attacked once, and only what held is
claimed.

A program's presence proves nothing (a container may forbid it the namespaces it needs), and neither does an
exit code of 0, so a check looks at the effect: a secret not read, a server not reached, a process not seen.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from honing.errors import HoningError, SandboxError
from honing.sandbox.base import Capability, Command, Ending, Finished, Limits, Mount, Network
from honing.sandbox.mounts import interpreter

_ATTACKS = Path(__file__).parent.joinpath("scripts/attacks.py").resolve()
_ENV = {"PATH": "/usr/bin:/bin", "HONING_CHECK": "given"}
_MIB = 1024**2
_PROCESSES = 24
_LIMITS = Limits(wall_s=20.0, memory_bytes=128 * _MIB, processes=_PROCESSES, disk_bytes=8 * _MIB)
_BY_SCRIPT = {
    Capability.NET_CUT: "net",
    Capability.NET_PORT_ONLY: "net",
    Capability.HOME_HIDDEN: "home_hidden",
    Capability.HOST_READ_ONLY: "host_read_only",
    Capability.ENV_CLEAN: "env_clean",
    Capability.PID_NAMESPACE: "pid_namespace",
    Capability.PRIVILEGES_DROPPED: "privileges_dropped",
    Capability.PIDS_CAP: "pids_cap",
}
"""Protections that a process inside can judge, by the name of the check in `attacks.py`."""


class Checkable(Protocol):
    """A sandbox before anything about it is proven."""

    @property
    def name(self) -> str: ...

    def attempt(self, command: Command) -> Finished:
        """Run a command without claiming anything."""
        ...

    def offered(self, network: Network) -> frozenset[Capability]:
        """What the sandbox puts in place for a command, proven or not."""
        ...


@dataclass(frozen=True, slots=True)
class Proof:
    """What a self-check found."""

    capabilities: frozenset[Capability]
    """Offered and held under attack."""
    reason: str
    """Why it does not work at all, or which offered protections did not hold; empty where all did."""
    works: bool = True
    """Whether commands start at all."""


_proofs: dict[Hashable, Proof] = {}
_proofs_lock = threading.Lock()


def proof(sandbox: Checkable, key: Hashable) -> Proof:
    """The self-check's result, found once per process and configuration (`key`)."""
    known = (sandbox.name, os.getpid(), key)
    with _proofs_lock:
        if known not in _proofs:
            _proofs[known] = check(sandbox)
        return _proofs[known]


def check(sandbox: Checkable) -> Proof:
    """Attack the sandbox now."""
    offered = sandbox.offered(Network.NONE)
    try:
        with tempfile.TemporaryDirectory(prefix="honing-check-") as folder, _targets(Path(folder)) as targets:
            held = {bit for bit in offered if bit not in _BY_SCRIPT} & _held_outside(
                sandbox, Path(folder), offered
            )
            held |= _held_inside(sandbox, Path(folder), targets, offered)
    except HoningError as error:
        return Proof(frozenset(), str(error), works=False)
    failed = sorted(offered - held)
    return Proof(frozenset(held), f"did not hold under attack: {', '.join(failed)}" if failed else "")


@contextlib.contextmanager
def _targets(folder: Path) -> Iterator[dict[str, Any]]:
    """Things on the host worth attacking: a secret, and servers that would answer."""
    hidden = folder / "hidden"
    hidden.mkdir()
    (hidden / "canary").write_text(secrets.token_hex())
    (folder / "work").mkdir()
    abstract = f"honing-check-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        for address in ("\0" + abstract, str(hidden / "socket")):
            server = stack.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(address)
            server.listen()
        stack.enter_context(_echo(udp))
        yield {
            "canary": str(hidden / "canary"),
            "outside": str(hidden / "written"),
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": abstract,
            "path": str(hidden / "socket"),
            "pid_namespace": str(Path("/proc/self/ns/pid").readlink()),
            "env": _ENV,
            "processes": _PROCESSES,
        }


@contextlib.contextmanager
def _echo(server: socket.socket) -> Iterator[None]:
    """Answer datagrams, so that one that gets through is seen by the attacker."""

    def serve() -> None:
        while True:
            data, address = server.recvfrom(16)
            if data == b"end":
                return
            server.sendto(data, address)

    thread = threading.Thread(target=serve, name="honing-check-echo", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.sendto(b"end", server.getsockname())
        thread.join()


def _attack(sandbox: Checkable, folder: Path, order: dict[str, Any]) -> Finished:
    return sandbox.attempt(
        Command(
            argv=[interpreter(), "-I", "-S", str(_ATTACKS), json.dumps(order)],
            workdir=folder / "work",
            mounts=[Mount(_ATTACKS), Mount(folder / "work", writable=True)],
            env=_ENV,
            limits=_LIMITS,
        )
    )


def _held_inside(
    sandbox: Checkable, folder: Path, targets: dict[str, Any], offered: frozenset[Capability]
) -> set[Capability]:
    """What a process inside saw hold."""
    bits = sorted({_BY_SCRIPT[bit] for bit in offered if bit in _BY_SCRIPT})
    finished = _attack(sandbox, folder, {"do": "check", "bits": bits, **targets})
    if not finished.ok:
        raise SandboxError(
            f"sandbox '{sandbox.name}': its self-check ended with {finished.ending.value} "
            f"({finished.exit_code}), expected 0: {finished.stderr.strip()[-500:]}"
        )
    results = json.loads(finished.stdout)
    held = {bit for bit in offered if bit in _BY_SCRIPT and results[_BY_SCRIPT[bit]] is True}
    # The inside may be wrong about a write that did arrive.
    return held - {Capability.HOST_READ_ONLY} if Path(targets["outside"]).exists() else held


def _held_outside(sandbox: Checkable, folder: Path, offered: frozenset[Capability]) -> set[Capability]:
    """What only we can see hold: daemons that are gone, and trees that were ended at their limits."""
    work = folder / "work"
    held = set()
    if Capability.TREE_KILLED in offered:
        _attack(sandbox, folder, {"do": "lock", "path": str(work / "lock")})
        if _is_free(work / "lock"):
            held.add(Capability.TREE_KILLED)
    if Capability.MEMORY_CAP in offered:
        finished = _attack(sandbox, folder, {"do": "memory", "size": 2 * _LIMITS.memory_bytes})
        if finished.ending is Ending.MEMORY:
            held.add(Capability.MEMORY_CAP)
    if Capability.DISK_CAP in offered:
        finished = _attack(sandbox, folder, {"do": "disk", "path": str(work), "size": 4 * _LIMITS.disk_bytes})
        if finished.ending is Ending.DISK:
            held.add(Capability.DISK_CAP)
        for file in work.iterdir():
            file.unlink()
    return held


def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock (and somebody once did: the daemon made the file)."""
    if not path.exists():
        return False
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
