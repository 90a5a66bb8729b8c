"""What a process does to itself, between fork and exec, to be contained without namespaces.

It drops every capability but keeps its user (a Python may live below root's home), takes a Landlock ruleset
(files, TCP ports, abstract sockets, signals) and a system call filter. Constants: linux/landlock.h,
linux/seccomp.h, linux/prctl.h, linux/capability.h.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NO_NEW_PRIVILEGES, _SUBREAPER, _DROP_BOUND, _AMBIENT, _SECUREBITS = 38, 36, 24, 47, 28
_AMBIENT_CLEAR_ALL = 4
_NO_ROOT_LOCKED = 0b1111
"""SECBIT_NOROOT and SECBIT_NO_SETUID_FIXUP, both locked: user 0 is a user like any other."""
_CAPABILITY_VERSION = 0x20080522
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_RULE_PATH, _RULE_PORT = 1, 2
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_FILTER_MODE, _NEW_LISTENER = 1, 8

_READ = 0b1101
"""Execute, read files, list folders."""
_WRITE_SINCE = {1: 0b1_1111_1111_0010, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""Write rights by the Landlock version that brought them: files, linking elsewhere, truncating, devices."""
_OF_FILES = 0b111 | 1 << 14 | 1 << 15
"""Rights that a rule on a single file may name."""
_BIND_TCP, _CONNECT_TCP = 1, 2
_SCOPED = 0b11
"""Abstract Unix sockets and signals stay within the domain."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


class _PortRule(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("port", ctypes.c_uint64))


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that none can slip away."""
    _check(_libc.prctl(_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER")


def confine(wanted: dict[str, Any]) -> int | None:
    """Contain this process for good.

    Args:
        wanted: `abi` (Landlock version), `read`, `write` and `devices` (paths), `ports` (TCP ports to connect
            to; None leaves the network open), `scoped` (signals and abstract sockets stay inside), `drop`
            (capabilities) and `filter` (a seccomp program; empty for none).

    Returns:
        The descriptor on which the filter's notifications arrive; None without a filter.
    """
    _check(_libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")
    if wanted["drop"]:
        drop_capabilities()
    _restrict(wanted)
    lines = wanted["filter"]
    if not lines:
        return None
    program = _FilterProgram(len(lines) // 8, lines)
    call = _SECCOMP[os.uname().machine]
    return _check(_libc.syscall(call, _FILTER_MODE, _NEW_LISTENER, ctypes.byref(program)), "seccomp")


def drop_capabilities() -> None:
    """Give up every capability. The first steps need one themselves; they may fail where there is none."""
    _libc.prctl(_SECUREBITS, _NO_ROOT_LOCKED, 0, 0, 0)
    for capability in range(64):
        _libc.prctl(_DROP_BOUND, capability, 0, 0, 0)
    _libc.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, nothing), "capset")


def _restrict(wanted: dict[str, Any]) -> None:
    abi = wanted["abi"]
    write = sum(rights for since, rights in _WRITE_SINCE.items() if abi >= since)
    closed = wanted["ports"] is not None and abi >= 4
    scoped = wanted["scoped"] and abi >= 6
    rules = _Rules(_READ | write, _BIND_TCP | _CONNECT_TCP if closed else 0, _SCOPED if scoped else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _check(_libc.syscall(_CREATE_RULESET, ctypes.byref(rules), size, 0), "landlock_create_ruleset")
    for path in wanted["read"]:
        _allow_path(ruleset, path, _READ)
    for path in (*wanted["write"], *wanted["devices"]):
        _allow_path(ruleset, path, _READ | write)
    for port in wanted["ports"] or () if closed else ():
        rule = _PortRule(_CONNECT_TCP, port)
        _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PORT, ctypes.byref(rule), 0), "landlock_add_rule")
    _check(_libc.syscall(_RESTRICT_SELF, ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)


def _allow_path(ruleset: int, path: bytes, rights: int) -> None:
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not os.path.isdir(path):
        rights &= _OF_FILES
    rule = _PathRule(rights, parent)
    _check(_libc.syscall(_ADD_RULE, ruleset, _RULE_PATH, ctypes.byref(rule), 0), "landlock_add_rule")
    os.close(parent)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result
