"""The attacks of the conformance suite, and what holds each.

An attack is a short program that prints `GOT` once it got what it wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox_scene import Scene

from honing.sandbox import Capability
from honing.sandbox.bubblewrap import Protection
from honing.sandbox.landlock import Restriction

_LIBC = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack and who holds it."""

    name: str
    code: str
    """Runs with the scene's values as arguments: see `arguments`."""
    covered_by: Capability
    held_anyway: frozenset[str] = frozenset()
    """Sandboxes that hold it without claiming that capability."""
    bubblewrap_without: frozenset[Protection] = frozenset()
    """Protections whose removal lets it through; more than one where they back each other up."""
    landlock_without: frozenset[Restriction] = frozenset()


def arguments(scene: Scene) -> list[Any]:
    return [
        scene.hidden,
        scene.shown,
        scene.work,
        scene.victim.pid,
        scene.secret,
        scene.tcp_port,
        scene.udp_port,
        scene.abstract,
    ]


HEAD = """
import os, sys, socket, signal, time
hidden, shown, work, victim, secret, tcp, udp, abstract = sys.argv[1:]
victim, tcp, udp = int(victim), int(tcp), int(udp)
"""

P, R, C = Protection, Restriction, Capability
ATTACKS = [
    Attack(
        name="reads a file outside its mounts",
        code="open(hidden + '/secret').read() and print('GOT')",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.HIDDEN_FILES}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="reads a file outside through a link it makes",
        code="os.symlink(hidden + '/secret', 'link'); open('link').read() and print('GOT')",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.HIDDEN_FILES}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="lists a folder outside its mounts",
        code="os.listdir(hidden) and print('GOT')",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.HIDDEN_FILES}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="reads /etc/shadow",
        code="open('/etc/shadow').read() and print('GOT')",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.HIDDEN_FILES, P.PRIVILEGES}),
        landlock_without=frozenset({R.FILES, R.PRIVILEGES}),
    ),
    Attack(
        name="reads a variable of the process that started it",
        code="'PYTEST_CURRENT_TEST' in os.environ and print('GOT')",
        covered_by=C.ENV_CLEAN,
        bubblewrap_without=frozenset({P.CLEAN_ENV}),
    ),
    Attack(
        name="reads another process's environment",
        code="""
for entry in os.listdir('/proc'):
    if entry.isdigit():
        try:
            if secret.encode() in open(f'/proc/{entry}/environ', 'rb').read():
                print('GOT')
        except OSError:
            pass
""",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.PIDS, P.PRIVILEGES}),
    ),
    Attack(
        name="reads another process's memory map",
        code="open(f'/proc/{victim}/maps').read() and b'sleep' in open(f'/proc/{victim}/comm','rb').read() "
        "and print('GOT')",
        covered_by=C.HOME_HIDDEN,
        bubblewrap_without=frozenset({P.PIDS, P.PRIVILEGES}),
    ),
    Attack(
        name="sees another process",
        code="open(f'/proc/{victim}/comm').read().startswith('sleep') and print('GOT')",
        covered_by=C.PID_NAMESPACE,
        bubblewrap_without=frozenset({P.PIDS}),
    ),
    Attack(
        name="signals another process",
        code="os.kill(victim, signal.SIGCONT); print('GOT')",
        covered_by=C.PID_NAMESPACE,
        held_anyway=frozenset({"landlock"}),
        bubblewrap_without=frozenset({P.PIDS, P.PRIVILEGES}),
        landlock_without=frozenset({R.SCOPE}),
    ),
    Attack(
        name="changes another process's limits",
        code="import resource; resource.prlimit(victim, resource.RLIMIT_NOFILE, (64, 64)); print('GOT')",
        covered_by=C.PID_NAMESPACE,
        held_anyway=frozenset({"landlock"}),
        bubblewrap_without=frozenset({P.PIDS, P.PRIVILEGES}),
        landlock_without=frozenset({R.FILTER, R.PRIVILEGES}),
    ),
    Attack(
        name="creates a file outside its mounts",
        code="open(hidden + '/new', 'w'); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.HIDDEN_FILES, P.READ_ONLY}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="writes to a read-only mount",
        code="open(shown + '/page', 'w').write('x'); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="cuts a file of a read-only mount short",
        code="os.truncate(shown + '/page', 0); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="deletes from a read-only mount",
        code="os.unlink(shown + '/page'); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="moves a file out of a read-only mount",
        code="os.rename(shown + '/page', work + '/page'); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        landlock_without=frozenset({R.FILES}),
    ),
    Attack(
        name="changes the mode of a file of a read-only mount",
        code="os.chmod(shown + '/page', 0o777); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.METADATA}),
    ),
    Attack(
        name="changes the mode of an open file of a read-only mount",
        code="os.chmod(os.open(shown + '/page', os.O_RDONLY), 0o777); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.METADATA}),
    ),
    Attack(
        name="changes the mode of a read-only file through a link in its workspace",
        code="os.symlink(shown + '/page', 'link'); os.chmod('link', 0o777); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.METADATA}),
    ),
    Attack(
        name="changes the times of a file of a read-only mount",
        code="os.utime(shown + '/page', (1, 1)); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.METADATA}),
    ),
    Attack(
        name="sets an attribute on a file of a read-only mount",
        code="os.setxattr(shown + '/page', 'user.x', b'1'); print('GOT')",
        covered_by=C.HOST_READ_ONLY,
        bubblewrap_without=frozenset({P.READ_ONLY}),
        landlock_without=frozenset({R.METADATA}),
    ),
    Attack(
        name="connects to a TCP server on the host's loopback",
        code="socket.create_connection(('127.0.0.1', tcp), 2); print('GOT')",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.NETWORK}),
        landlock_without=frozenset({R.NETWORK}),
    ),
    Attack(
        name="connects within a send (fast open)",
        code="""
s = socket.socket()
s.sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', tcp)); print('GOT')
""",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.NETWORK}),
        landlock_without=frozenset({R.NETWORK}),
    ),
    Attack(
        name="asks a UDP server (as a name lookup does)",
        code="""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
s.sendto(secret.encode(), ('127.0.0.1', udp)); s.recv(512) and print('GOT')
""",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.NETWORK}),
        landlock_without=frozenset({R.NETWORK}),
    ),
    Attack(
        name="connects to an abstract Unix socket",
        code="socket.socket(socket.AF_UNIX).connect('\\0' + abstract); print('GOT')",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.NETWORK}),
        landlock_without=frozenset({R.NETWORK, R.SCOPE}),
    ),
    Attack(
        name="connects to a Unix socket outside its mounts",
        code="socket.socket(socket.AF_UNIX).connect(hidden + '/server'); print('GOT')",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.HIDDEN_FILES}),
        landlock_without=frozenset({R.NETWORK}),
    ),
    Attack(
        name="opens a netlink socket other than for routes",
        code="socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15); print('GOT')",
        covered_by=C.NET_PORT_ONLY,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="opens a raw packet socket",
        code="socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 3); print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER, P.PRIVILEGES}),
        landlock_without=frozenset({R.FILTER, R.PRIVILEGES}),
    ),
    Attack(
        name="mounts a file system",
        code=_LIBC + "os.mkdir('m'); libc.mount(b'none', b'm', b'tmpfs', 0, None) == 0 and print('GOT')\n"
        "libc.umount2(b'm', 2)",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.PRIVILEGES, P.FILTER}),
    ),
    Attack(
        name="makes a user namespace",
        code=_LIBC + "libc.unshare(0x10000000) == 0 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.PRIVILEGES, P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="makes a user namespace with clone3",
        code=_LIBC + "a = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)\n"
        "pid = libc.syscall(435, a, 88)\nif pid == 0: os._exit(0)\npid > 0 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.PRIVILEGES, P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="traces a process",
        code=_LIBC + "libc.ptrace(0, 0, None, None) == 0 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="sets up io_uring, which no filter sees into",
        code=_LIBC + "libc.syscall(425, 1, (ctypes.c_char * 120)()) >= 0 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="uses the kernel's key rings",
        code=_LIBC + "libc.syscall(248, b'user', b'honing-test', b'x', 1, -1) >= 0 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="becomes another user",
        code="os.setuid(1); print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.PRIVILEGES}),
        landlock_without=frozenset({R.PRIVILEGES}),
    ),
    Attack(
        name="gives a file to another user",
        code="open('f', 'w'); os.chown('f', 1, 1); print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.PRIVILEGES}),
        landlock_without=frozenset({R.PRIVILEGES, R.METADATA}),
    ),
    Attack(
        name="leaves a file that runs as its owner",
        code="open('f', 'w'); os.chmod('f', 0o4755); os.stat('f').st_mode & 0o4000 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="creates a file that runs as its owner",
        code="os.open('f', os.O_CREAT | os.O_WRONLY, 0o4755); os.stat('f').st_mode & 0o4000 and print('GOT')",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
        landlock_without=frozenset({R.FILTER}),
    ),
    Attack(
        name="types into its terminal",
        code="""
import fcntl, termios
ours, theirs = os.openpty()
if os.fork() == 0:
    os.setsid(); fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    try:
        fcntl.ioctl(theirs, termios.TIOCSTI, b'x'); print('GOT', flush=True)
    except OSError as error:
        # EPERM is the filter's answer; a kernel that forbids it by itself says EIO.
        error.errno != 1 and print('GOT', flush=True)
    os._exit(0)
os.wait()
""",
        covered_by=C.PRIVILEGES_DROPPED,
        bubblewrap_without=frozenset({P.FILTER}),
    ),
    Attack(
        name="leaves a daemon that rewrites its result",
        code="""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(0, 3)
        time.sleep(0.3)
        open('result', 'w').write('1.0')
    os._exit(0)
time.sleep(0.1)
open('result', 'w').write('0.1')
""",
        covered_by=C.TREE_KILLED,
        held_anyway=frozenset({"unconfined"}),
        bubblewrap_without=frozenset({P.PIDS, P.MEMORY, P.PROCESSES}),
    ),
]
