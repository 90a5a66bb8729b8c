"""Process 1 inside the bubblewrap sandbox: opens the forwarded ports, starts the command, reports how it
ended.

Run as a script with `python -I -S`, never imported by Honing. It costs every stage its start-up, so it
imports only modules compiled into the interpreter (9 ms against 19 ms with `os` and `socket`,
benchmarks/sandbox.py). Being process 1 it cannot be killed from inside, and its exit makes the kernel end
everything else in the namespace.

The job arrives over the inherited socket, which is the only tie to Honing: where Honing dies before the job
is sent, the read ends early and nothing is started. Messages out: `L` with the listening sockets, `S` once
the command runs, `E` and four bytes of wait status at its end, `F` and a text where the bridge itself failed.
"""

from __future__ import annotations

import marshal
import posix
import resource
import sys

DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"
SIGNALS_TO_RESTORE = (13, 25)
"""SIGPIPE and SIGXFSZ: Python ignores them, and an ignored signal stays ignored across exec."""


def receive_job(channel: int) -> dict:  # type: ignore[type-arg]
    """The job as `supervise.start_job` sent it: four bytes of length, then a marshalled dict."""
    size = int.from_bytes(read_exactly(channel, 4), "little")
    return marshal.loads(read_exactly(channel, size))  # type: ignore[no-any-return]


def read_exactly(channel: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = posix.read(channel, size - len(data))
        if not chunk:
            # Honing is gone (or gave up) before the command was started: start nothing.
            posix._exit(1)
        data += chunk
    return data


def enter_groups(channel: int, groups: list[int]) -> None:
    """Move into the control groups, and leave no descriptor open but the channel, which no child inherits."""
    try:
        for group in groups:
            posix.write(group, b"0")
    except OSError as error:
        fail(channel, f"entering the control group: {error.strerror}")
    posix.closerange(3, channel)
    posix.closerange(channel + 1, 1 << 16)
    posix.set_inheritable(channel, False)  # noqa: FBT003


def open_listeners(channel: int, ports: list[int]) -> None:
    """Listen on the loopback ports and hand the sockets out, so that nothing inside can take or close them.

    `::1` is taken too where it exists: else a client that tries IPv6 first could meet a squatter.
    """
    import _socket

    listeners = []
    for port in ports:
        for family, address in ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1")):
            try:
                listener = _socket.socket(family, _socket.SOCK_STREAM)
                listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
                listener.listen(64)
            except OSError as error:
                if family == _socket.AF_INET:
                    fail(channel, f"cannot listen on {address}:{port} inside the sandbox: {error}")
                continue
            listeners.append((port, listener))
    outside = _socket.socket(fileno=channel)
    fds = b"".join(s.fileno().to_bytes(4, sys.byteorder) for _, s in listeners)
    text = ",".join(str(port) for port, _ in listeners).encode()
    outside.sendmsg([b"L" + len(text).to_bytes(2, "little") + text], [(_socket.SOL_SOCKET, 1, fds)])
    outside.detach()
    for _, listener in listeners:
        listener.close()


def fail(channel: int, text: str) -> None:
    posix.write(channel, b"F" + text.encode("utf-8", "replace"))
    posix._exit(1)


def set_limits(limits: list[tuple[int, int]]) -> None:
    for which, value in limits:
        _, hard = resource.getrlimit(which)
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(which, (value, value))


def find_program(name: bytes, path: bytes) -> bytes:
    """Where the command's own PATH finds `name`; `name` itself where it does not."""
    if b"/" in name:
        return name
    for folder in path.split(b":"):
        candidate = (folder or b".") + b"/" + name
        if posix.access(candidate, posix.X_OK) and not is_folder(candidate):
            return candidate
    return name


def is_folder(path: bytes) -> bool:
    return posix.stat(path).st_mode & 0o170000 == 0o040000


def spawn(argv: list[bytes], env: dict[bytes, bytes]) -> int:
    """Start the command; its process id, or minus a shell's exit code where that fails."""
    program = find_program(argv[0], env.get(b"PATH", DEFAULT_PATH))
    try:
        if b"/" not in program:
            raise FileNotFoundError(2, "No such file or directory")
        return posix.posix_spawn(program, argv, env, setsigdef=SIGNALS_TO_RESTORE)
    except OSError as error:
        return -cannot_run(argv[0], error)


def cannot_run(program: bytes, error: OSError) -> int:
    """Say on stderr why a program cannot be started; the exit code that a shell would give."""
    posix.write(2, b"honing: cannot run " + program + b": " + str(error.strerror).encode() + b"\n")
    return 127 if error.errno == 2 else 126


def main(channel: int) -> None:
    job = receive_job(channel)
    enter_groups(channel, job["groups"])
    if job["ports"]:
        open_listeners(channel, job["ports"])
    try:
        posix.chdir(job["workdir"])
    except OSError as error:
        fail(channel, f"cannot enter the working folder {job['workdir']!r}: {error.strerror}")
    set_limits(job["rlimits"])
    child = spawn(job["argv"], job["env"])
    posix.write(channel, b"S")
    status = -child << 8
    while child > 0:
        pid, status = posix.wait()
        if pid == child:
            break
    posix.write(channel, b"E" + status.to_bytes(4, "little"))
    posix._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
