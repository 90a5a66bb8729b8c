"""A system call filter (classic BPF), built by hand so that no library is needed.

The filter denies what no build, test or training command needs and what kernels were broken through:
namespaces, mounts, tracing, key rings, BPF, io_uring, module loading, terminal injection, and socket families
that a network namespace does not hold (AF_VSOCK reaches the hypervisor from any namespace).

Format: `struct sock_filter` of linux/filter.h (u16 code, u8 jump-if-true, u8 jump-if-false, u32 k) over
`struct seccomp_data` of linux/seccomp.h (nr at 0, arch at 4, low half of argument i at 16 + 8 i, little
endian).
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from honing.errors import MissingToolError

Program = list[tuple[int, int, int, int]]

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_EPERM, _ENOSYS, _EOPNOTSUPP = 1, 38, 95
ALLOW = (_RETURN, 0, 0, 0x7FFF0000)
DENY = (_RETURN, 0, 0, 0x00050000 | _EPERM)
NOT_HERE = (_RETURN, 0, 0, 0x00050000 | _ENOSYS)
NOT_SUPPORTED = (_RETURN, 0, 0, 0x00050000 | _EOPNOTSUPP)
"""As a file system without the feature answers, which programs that copy files take as such."""
NOTHING_TO_DO = (_RETURN, 0, 0, 0x00050000)
"""The call is skipped and returns 0."""
ASK = (_RETURN, 0, 0, 0x7FC00000)
"""The filter's listener decides, and answers in the kernel's place."""

_NAMESPACE_FLAGS = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_CLONE_NEWTIME = 0x80
"""Means a time namespace to unshare alone; in clone these bits are the exit signal."""
_X32_BIT = 0x40000000
_MSG_FASTOPEN = 0x20000000
_TERMINAL = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: typing into the terminal."""
_FILE_FLAGS = (0x40086602, 0x401C5820)
"""FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR."""
_SET_ID = 0o6000
_O_CREATES = 0o100 | 0o20000000
"""O_CREAT and the own bit of O_TMPFILE."""
_UNCHANGED = 0xFFFFFFFF
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_DGRAM = 1, 2
_TCP = 6

# Tables: system call numbers by name, for (x86_64, aarch64); None where a processor has no such call. Since
# 5.1 every architecture gives a new call the same number.
_Numbers = Mapping[str, tuple[int | None, int | None]]
_DENIED: _Numbers = {
    "vhangup": (153, 58), "pivot_root": (155, 41), "adjtimex": (159, 171), "chroot": (161, 51),
    "acct": (163, 89), "settimeofday": (164, 170), "mount": (165, 40), "umount2": (166, 39),
    "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "ptrace": (101, 117),
    "syslog": (103, 116), "iopl": (172, None), "ioperm": (173, None), "init_module": (175, 105),
    "delete_module": (176, 106), "quotactl": (179, 60), "clock_settime": (227, 112),
    "kexec_load": (246, 104), "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    "migrate_pages": (256, 238), "perf_event_open": (298, 241), "fanotify_init": (300, 262),
    "open_by_handle_at": (304, 265), "clock_adjtime": (305, 266), "setns": (308, 268),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "finit_module": (313, 273), "kexec_file_load": (320, 294), "bpf": (321, 280), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "pidfd_getfd": (438, 438), "process_madvise": (440, 440),
    "mount_setattr": (442, 442), "quotactl_fd": (443, 443), "open_tree_attr": (467, 467),
}  # fmt: skip
"""Never allowed."""
_JUDGED: _Numbers = {
    "ioctl": (16, 29), "socket": (41, 198), "sendto": (44, 206), "sendmsg": (46, 211),
    "sendmmsg": (307, 269), "clone": (56, 220), "clone3": (435, 435), "unshare": (272, 97),
    "openat2": (437, 437),
}  # fmt: skip
"""Allowed or not by their arguments."""
_MODES: Mapping[str, tuple[int | None, int | None, int]] = {
    "chmod": (90, None, 1), "fchmod": (91, 52, 1), "fchmodat": (268, 53, 2), "fchmodat2": (452, 452, 2),
    "creat": (85, None, 1), "mknod": (133, None, 1), "mknodat": (259, 33, 2),
}  # fmt: skip
"""Calls that set a mode, and the argument that is the mode."""
_OPENS: Mapping[str, tuple[int | None, int | None, int]] = {"open": (2, None, 1), "openat": (257, 56, 2)}
"""Calls that set a mode where they create, and the argument that holds the flags; the mode follows."""
_CHANGES_OF_MODE = ("chmod", "fchmod", "fchmodat", "fchmodat2")
_TIMES: _Numbers = {
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
}  # fmt: skip
_OWNERS: Mapping[str, tuple[int | None, int | None, int]] = {
    "chown": (92, None, 1), "fchown": (93, 55, 1), "lchown": (94, None, 1), "fchownat": (260, 54, 2),
}  # fmt: skip
"""Calls that set an owner, and the argument that is the user; the group follows."""
_ATTRIBUTES: _Numbers = {
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
"""Not supported where no namespaces part the command from the host: any file's attributes could be set."""
_SHARED: _Numbers = {"shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180)}
"""Denied there as well: what other programs share."""
_OF_PROCESSES: Mapping[str, tuple[int | None, int | None, int]] = {
    "prlimit64": (302, 261, 0), "setpriority": (141, 140, 1), "ioprio_set": (251, 30, 1),
    "sched_setaffinity": (203, 122, 0), "sched_setscheduler": (144, 119, 0),
    "sched_setparam": (142, 118, 0), "sched_setattr": (314, 274, 0),
}  # fmt: skip
"""Calls that change a process, and the argument that names it: 0, the caller itself, is allowed."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the filter must know of a processor."""

    audit: int
    """AUDIT_ARCH_* of linux/audit.h."""
    column: int
    """Its place in the tables."""


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(0xC000003E, 0),
    "aarch64": Architecture(0xC00000B7, 1),
}


class Sockets(StrEnum):
    """Which sockets a command may create."""

    ORDINARY = "ordinary"
    """Unix, IPv4 and IPv6 streams and datagrams, route netlink: for a network of the command's own."""
    TCP_ONLY = "tcp_only"
    """IPv4 and IPv6 TCP: the rest would pass a Landlock port rule by."""
    NONE = "none"
    """No `socket` call succeeds; `socketpair` still does."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user and group a command on the host runs as."""

    user: int
    group: int


def build_filter(sockets: Sockets, *, on_host: Owner | None = None, machine: str | None = None) -> bytes:
    """The filter as the kernel and `bwrap --seccomp` read it.

    Args:
        sockets: What `socket` may create.
        on_host: Given where no namespaces part the command from the host. Then other processes and the files'
            owners and attributes cannot be changed, and changes of mode and time are handed to a listener
            (`notified`).
        machine: Processor name as `platform.machine()` gives it; this machine's when None.

    Raises:
        MissingToolError: No table exists for this processor.
    """
    machine = machine or platform.machine()
    architecture = _architecture(machine)
    number = _Lookup(architecture.column)
    program = [_load(4), *_if_equal(architecture.audit, [], otherwise=[NOT_HERE]), _load(0)]
    if machine == "x86_64":
        program += [(_AT_LEAST, 0, 1, _X32_BIT), NOT_HERE]
    program += _always(DENY, number, _DENIED)
    # Their flags lie in memory, where a filter cannot look; on ENOSYS programs fall back to clone and openat.
    program += [*number.when("clone3", _JUDGED, [NOT_HERE]), *number.when("openat2", _JUDGED, [NOT_HERE])]
    program += number.when("clone", _JUDGED, [*_deny_bits(0, _NAMESPACE_FLAGS), ALLOW])
    program += number.when("unshare", _JUDGED, [*_deny_bits(0, _NAMESPACE_FLAGS | _CLONE_NEWTIME), ALLOW])
    requests = _TERMINAL if on_host is None else (*_TERMINAL, *_FILE_FLAGS)
    program += number.when(
        "ioctl",
        _JUDGED,
        [_argument(1), *(line for one in requests for line in _if_equal(one, [DENY])), ALLOW],
    )
    program += number.when("socket", _JUDGED, _socket_rules(sockets))
    if sockets is not Sockets.ORDINARY:
        # Fast open connects within a send, which Landlock's connect rule does not see.
        for name, position in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
            program += number.when(name, _JUDGED, [*_deny_bits(position, _MSG_FASTOPEN), ALLOW])
    program += _mode_rules(number, ASK if on_host else ALLOW)
    if on_host is not None:
        program += _host_rules(number, on_host)
    program.append(ALLOW)
    return b"".join(struct.pack("<HBBI", *line) for line in program)


def notified(machine: str | None = None) -> dict[int, str]:
    """The calls that a filter made with `on_host` hands to its listener: name by number."""
    number = _Lookup(_architecture(machine or platform.machine()).column)
    tables: dict[str, tuple[int | None, ...]] = {name: _MODES[name] for name in _CHANGES_OF_MODE}
    tables.update(_TIMES)
    return {call: name for name in tables if (call := number.of(name, tables)) is not None}


def _architecture(machine: str) -> Architecture:
    if machine not in ARCHITECTURES:
        raise MissingToolError(
            f"no system call table for the processor {machine!r}: the filter exists for "
            f"{', '.join(sorted(ARCHITECTURES))}. Use `--sandbox unconfined` to accept the risk."
        )
    return ARCHITECTURES[machine]


class _Lookup:
    """The tables as one processor reads them."""

    def __init__(self, column: int) -> None:
        self._column = column

    def of(self, name: str, table: Mapping[str, tuple[int | None, ...]]) -> int | None:
        return table[name][self._column]

    def when(self, name: str, table: Mapping[str, tuple[int | None, ...]], then: Program) -> Program:
        """Rules for one call; `then` has to return. Nothing where the processor has no such call."""
        call = self.of(name, table)
        return [] if call is None else _if_equal(call, then)


def _always(answer: tuple[int, int, int, int], number: _Lookup, table: _Numbers) -> Program:
    return [line for name in table for line in number.when(name, table, [answer])]


def _mode_rules(number: _Lookup, otherwise: tuple[int, int, int, int]) -> Program:
    """No file may come to run as its owner or group: outside, the owner may be root."""
    program: Program = []
    for name, (*_, position) in _MODES.items():
        final = otherwise if name in _CHANGES_OF_MODE else ALLOW
        program += number.when(name, _MODES, [*_deny_bits(position, _SET_ID), final])
    for name, (*_, position) in _OPENS.items():
        creates = [_argument(position), (_ANY_BIT, 1, 0, _O_CREATES), ALLOW]
        program += number.when(name, _OPENS, [*creates, *_deny_bits(position + 1, _SET_ID), ALLOW])
    return program


def _host_rules(number: _Lookup, owner: Owner) -> Program:
    program = [*_always(DENY, number, _SHARED), *_always(NOT_SUPPORTED, number, _ATTRIBUTES)]
    program += _always(ASK, number, _TIMES)
    for name, (*_, position) in _OF_PROCESSES.items():
        program += number.when(name, _OF_PROCESSES, [_argument(position), *_if_equal(0, [ALLOW]), DENY])
    for name, (*_, position) in _OWNERS.items():
        # Giving a file to its owner changes nothing, except that it clears set-user-id bits; so it only looks
        # done.
        groups = [_argument(position + 1)]
        for group in (owner.group, _UNCHANGED):
            groups += _if_equal(group, [NOTHING_TO_DO])
        groups.append(DENY)
        users = [_argument(position)]
        for user in (owner.user, _UNCHANGED):
            users += _if_equal(user, groups)
        program += number.when(name, _OWNERS, [*users, DENY])
    return program


def _socket_rules(sockets: Sockets) -> Program:
    if sockets is Sockets.NONE:
        return [DENY]
    tcp = [_argument(2), *_if_equal(0, [ALLOW]), *_if_equal(_TCP, [ALLOW]), DENY]
    internet: Program = [_argument(1), (_AND, 0, 0, 0xF)]
    if sockets is Sockets.TCP_ONLY:
        internet += [*_if_equal(_SOCK_STREAM, tcp), DENY]
        return [_argument(0), *_if_equal(_AF_INET, internet), *_if_equal(_AF_INET6, internet), DENY]
    internet += [*_if_equal(_SOCK_STREAM, [ALLOW]), *_if_equal(_SOCK_DGRAM, [ALLOW]), DENY]
    route = [_argument(2), *_if_equal(0, [ALLOW]), DENY]
    return [
        _argument(0),
        *_if_equal(_AF_UNIX, [ALLOW]),
        *_if_equal(_AF_INET, internet),
        *_if_equal(_AF_INET6, internet),
        *_if_equal(_AF_NETLINK, route),
        DENY,
    ]


def _load(offset: int) -> tuple[int, int, int, int]:
    return (_LOAD, 0, 0, offset)


def _argument(position: int) -> tuple[int, int, int, int]:
    return _load(16 + 8 * position)


def _if_equal(value: int, then: Program, otherwise: Program | None = None) -> Program:
    """Run `then` where the loaded word equals `value`; one that does not return falls through."""
    if otherwise is not None:
        return [(_EQUAL, len(otherwise), 0, value), *otherwise, *then]
    return [(_EQUAL, 0, len(then), value), *then]


def _deny_bits(position: int, bits: int) -> Program:
    return [_argument(position), (_ANY_BIT, 0, 1, bits), DENY]
