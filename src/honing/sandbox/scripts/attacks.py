"""Tries, from inside a sandbox, to get out; prints what held as JSON. Run as a script with `python -I -S`.

Told what to attack as JSON in argv[1]: a canary file, a folder to write to, ports and a socket name of
servers that listen on the host, the host's pid namespace, the exact environment, and how many processes to
fork.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

_CLONE_NEWUSER = 0x10000000
_UNANSWERED_S = 0.5


def fails(attack: Callable[[], object]) -> bool:
    try:
        attack()
    except OSError:
        return True
    return False


def cannot_read(target: dict[str, Any]) -> bool:
    return fails(lambda: os.close(os.open(target["canary"], os.O_RDONLY)))


def cannot_write(target: dict[str, Any]) -> bool:
    def create(place: str) -> None:
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        os.unlink(place)

    attacks: list[Callable[[], object]] = [
        *(lambda folder=folder: create(f"{folder}/honing-attack") for folder in ("/usr", "/etc", "/var/lib")),
        lambda: create(target["outside"]),
        lambda: os.chmod(target["canary"], 0o600),
        lambda: os.utime(target["canary"]),
    ]
    return all(fails(attack) for attack in attacks)


def cannot_connect(target: dict[str, Any]) -> bool:
    def tcp() -> None:
        socket.create_connection(("127.0.0.1", target["tcp"]), _UNANSWERED_S).close()

    def udp() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(_UNANSWERED_S)
            client.connect(("127.0.0.1", target["udp"]))
            client.send(b"ping")
            client.recv(16)

    def abstract() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect("\0" + target["abstract"])

    def path() -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(target["path"])

    def hypervisor() -> None:
        socket.socket(40, socket.SOCK_STREAM).close()  # AF_VSOCK is in every network namespace

    return all(fails(attack) for attack in (tcp, udp, abstract, path, hypervisor))


def has_exact_env(target: dict[str, Any]) -> bool:
    # What the kernel was given: the interpreter itself may add a locale to its own copy.
    with open("/proc/self/environ") as file:
        given = file.read().split("\0")[:-1]
    found = dict(pair.split("=", 1) for pair in given)
    return bool(found == target["env"])


def has_own_processes(target: dict[str, Any]) -> bool:
    return bool(os.readlink("/proc/self/ns/pid") != target["pid_namespace"]) and os.getppid() == 1


def has_no_privileges(_: dict[str, Any]) -> bool:
    with open("/proc/self/status") as file:
        status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    powers = {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}
    if any(powers.values()) or status["NoNewPrivs"].strip() != "1" or status["Seccomp"].strip() != "2":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    results = (
        libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
        libc.unshare(_CLONE_NEWUSER),
        libc.ptrace(0, 0, None, None),
    )
    return all(result == -1 for result in results)


def cannot_fork_more(target: dict[str, Any]) -> bool:
    children = []
    try:
        for _ in range(3 * target["processes"]):
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
    except OSError:
        return bool(len(children) <= target["processes"])
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    return False


CHECKS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "home_hidden": cannot_read,
    "host_read_only": cannot_write,
    "net": cannot_connect,
    "env_clean": has_exact_env,
    "pid_namespace": has_own_processes,
    "privileges_dropped": has_no_privileges,
    "pids_cap": cannot_fork_more,
}


def hold_lock(path: str) -> None:
    """Leave a daemon behind: a grandchild in a session of its own that ignores SIGTERM and holds a lock on
    `path`."""
    import fcntl
    import signal

    ready, told = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)
            os.write(told, b"1")
            os.closerange(0, 3)
            time.sleep(60)
        os._exit(0)
    os.read(ready, 1)


def fill_memory(size: int) -> None:
    """Hold `size` bytes in four children together, none of which holds more than a quarter."""
    for _ in range(4):
        if os.fork() == 0:
            _held = b"\1" * (size // 4)
            time.sleep(2)
            os._exit(0)
    time.sleep(2)


def fill_disk(folder: str, size: int) -> None:
    for number in range(size >> 20):
        with open(f"{folder}/{number}", "wb") as file:
            file.write(b"\1" * (1 << 20))
    time.sleep(2)


def main() -> None:
    target = json.loads(sys.argv[1])
    name = target["do"]
    if name == "check":
        held = {bit: check(target) for bit, check in CHECKS.items() if bit in target["bits"]}
        sys.stdout.write(json.dumps(held))
    elif name == "lock":
        hold_lock(target["path"])
    elif name == "memory":
        fill_memory(target["size"])
    elif name == "disk":
        fill_disk(target["path"], target["size"])


if __name__ == "__main__":
    main()
