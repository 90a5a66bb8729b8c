"""Watches over a command that has no pid namespace: parent of all its orphans, and the end of them all.

It kills the whole tree when the command ends, when Honing asks (by closing its end of the channel), and when
Honing itself is gone, which looks the same. Messages out: as the bridge's.
"""

from __future__ import annotations

import _socket
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from typing import Any

    from honing.sandbox.scripts import bridge, confine, metadata, tree
else:
    import _signal  # The part of `signal` that is compiled in: no enumerations, a third of the time.

    sys.path.append(os.path.dirname(os.path.abspath(__file__)))
    import bridge
    import confine
    import metadata
    import tree

_REAP_PAUSE_S = 0.2
_KILL_LIMIT_S = 8.0


def main(channel: int) -> None:
    job = bridge.receive_job(channel)
    bridge.enter_groups(channel, job["groups"])
    confine.adopt_orphans()
    status = None
    try:
        command, notifications = start(channel, job)
        for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM):
            _signal.signal(number, _signal.SIG_IGN)
        tell(channel, b"S")
        status = watch(channel, command, notifications)
    finally:
        # Whatever went wrong with the warden itself, nothing it started may stay.
        end_descendants()
    if status is not None:
        tell(channel, b"E" + status.to_bytes(4, "little"))


def tell(channel: int, message: bytes) -> None:
    """Send to Honing, which may be gone; `watch` finds that out."""
    try:
        os.write(channel, message)
    except (BrokenPipeError, ConnectionResetError):
        return


def start(channel: int, job: dict[str, Any]) -> tuple[int, metadata.Metadata | None]:
    """Fork the command; its process id, and what answers its calls where it is confined."""
    ours, theirs = _socket.socketpair()
    command = os.fork()
    if command == 0:
        ours.close()
        become(channel, job, theirs)
    theirs.close()
    message, ancillary, _, _ = ours.recvmsg(4096, _socket.CMSG_SPACE(4))
    ours.close()
    if message != b"ok":
        bridge.fail(
            channel, message.decode("utf-8", "replace") or "the command's process died before it was confined"
        )
    if not ancillary:
        return command, None
    listener = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
    return command, metadata.Metadata(listener, job["confine"]["notify"], job["confine"]["write"])


def become(channel: int, job: dict[str, Any], outside: _socket.socket) -> None:
    """In the child: confine, tell, and become the command."""
    try:
        os.setsid()
        os.chdir(job["workdir"])
        bridge.set_limits(job["rlimits"])
        listener = confine.confine(job["confine"]) if job["confine"] else None
        given = [] if listener is None else [(_socket.SOL_SOCKET, 1, listener.to_bytes(4, sys.byteorder))]
        outside.sendmsg([b"ok"], given)
    except (OSError, ValueError) as error:
        outside.send(f"confining the command: {error}".encode())
        os._exit(1)
    # Nothing of ours stays open in the command, the channel least of all.
    os.closerange(3, 1 << 16)
    for number in bridge.SIGNALS_TO_RESTORE:
        _signal.signal(number, _signal.SIG_DFL)
    program = bridge.find_program(job["argv"][0], job["env"].get(b"PATH", bridge.DEFAULT_PATH))
    try:
        if b"/" not in program:
            raise FileNotFoundError(2, "No such file or directory")
        os.execve(program, job["argv"], job["env"])
    except OSError as error:
        os._exit(bridge.cannot_run(job["argv"][0], error))


def watch(channel: int, command: int, notifications: metadata.Metadata | None) -> int | None:
    """Wait for the command's end; its wait status, or None where the tree is to be killed first."""
    ended = os.pidfd_open(command)
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    poll.register(ended, select.POLLIN)
    if notifications is not None:
        poll.register(notifications.listener, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll(_REAP_PAUSE_S * 1000):
            if descriptor == ended:
                return os.waitpid(command, 0)[1]
            if descriptor == channel:
                return None  # Nothing is ever sent after the job, so this is the end of file.
            if notifications is not None:
                notifications.answer()
        reap_orphans(command)


def reap_orphans(command: int) -> None:
    """Collect ended orphans, but leave the command's own status for `watch`."""
    while True:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None or found.si_pid == command:
            return
        os.waitpid(found.si_pid, 0)


def end_descendants() -> None:
    """Kill until nothing is left below. All are stopped first, so that none can fork away."""
    deadline = time.monotonic() + _KILL_LIMIT_S
    while time.monotonic() < deadline:
        alive = tree.descendants(os.getpid())[1:]
        for number in (_signal.SIGSTOP, _signal.SIGKILL):
            for pid in alive:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    continue
            if number == _signal.SIGSTOP and tree.descendants(os.getpid())[1:] != alive:
                break
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


if __name__ == "__main__":
    main(int(sys.argv[1]))
