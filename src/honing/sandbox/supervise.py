"""One contained command from start to end, the same way for every sandbox.

A sandbox writes a `Plan`: what to start, what the script in it is told, which limits hold. `run_plan` starts
it, reads its output, watches its limits, ends its tree and says how it ended. Nothing the command does
decides that ending but its own exit status, and nothing outlives the call.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Iterator

from honing.errors import MissingToolError, SandboxError
from honing.sandbox.base import Cancel, Ending, Finished
from honing.sandbox.cgroups import Group
from honing.sandbox.limits import Meters
from honing.sandbox.plan import Plan, start_job
from honing.sandbox.processes import ProcessHandle, reap
from honing.sandbox.relay import Relay
from honing.sandbox.streams import Capture
from honing.sandbox.traces import Tracer

START_LIMIT_S = 30.0
KILL_LIMIT_S = 10.0
CANCEL_PAUSE_S = 0.05
_CHUNK = 256 * 1024


def run_plan(plan: Plan, cancel: Cancel | None) -> Finished:
    """Run a command to its end, whatever that is.

    Raises:
        SandboxError: The sandbox could not be set up, or something in it could not be ended.
    """
    with contextlib.ExitStack() as stack:
        for descriptor in plan.files:
            stack.callback(os.close, descriptor)
        watch = _Watch(plan, cancel, time.monotonic(), stack)
        try:
            watch.begin()
            watch.until_ended()
        finally:
            watch.end_tree()
        return watch.finished()


_channels: set[socket.socket] = set()


@functools.cache
def _close_in_forks() -> None:
    os.register_at_fork(after_in_child=_close_channels)


def _close_channels() -> None:
    for channel in _channels:
        channel.close()


@contextlib.contextmanager
def _closed_in_forks(channel: socket.socket) -> Iterator[None]:
    """Close the channel in every child forked meanwhile: its end tells the other side that we are gone."""
    _close_in_forks()
    _channels.add(channel)
    try:
        yield
    finally:
        _channels.discard(channel)


class _Watch:
    """The state of one contained command."""

    def __init__(
        self, plan: Plan, cancel: Cancel | None, started: float, stack: contextlib.ExitStack
    ) -> None:
        limits = plan.command.limits
        self._plan = plan
        self._cancel = cancel
        self._started = started
        self._deadline = started + limits.wall_s
        self._stack = stack
        self._stdout, self._stderr = Capture(limits.output_bytes), Capture(limits.output_bytes)
        self._readers: dict[int, Capture] = {}
        self._stdin: int | None = None
        self._unsent = memoryview(plan.command.stdin)
        self._messages = b""
        self._listeners = list(plan.listeners)
        self._relay: Relay | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._handle: ProcessHandle | None = None
        self._group: Group | None = None
        self._meters: Meters | None = None
        self._tracer: Tracer | None = None
        self._running = False
        self._status: int | None = None
        self._verdict: tuple[Ending, str] | None = None
        self._ended = started

    # Start

    def begin(self) -> None:
        plan = self._plan
        self._channel, theirs = socket.socketpair()
        self._stack.enter_context(self._channel)
        self._stack.enter_context(_closed_in_forks(self._channel))
        with contextlib.ExitStack() as given:
            given.enter_context(theirs)
            self._group = Group(plan.memory_bytes, plan.processes)
            entrances = self._group.open_entrances()
            for descriptor in entrances:
                given.callback(os.close, descriptor)
            job = start_job(plan, entrances)
            info = self._launch([*plan.files, *entrances], theirs)
        if self._listeners:
            self._start_relay()
        root = self._find_root(info)
        if root is None:
            return  # It failed to start; `finished` says why, from what it wrote.
        self._meters = Meters(
            plan.command.limits,
            plan.folders,
            root,
            exceeded=self._group.memory_was_exceeded,
            watch_memory=plan.watch_memory,
            watch_disk=plan.watch_disk,
        )
        if plan.command.trace is not None:
            self._tracer = Tracer(plan.command.trace, root)
            self._stack.callback(self._tracer.close)
        self._channel.settimeout(START_LIMIT_S)
        # A failed start closes the other end; what it wrote says why.
        with contextlib.suppress(ConnectionError):
            self._channel.sendall(job)
        self._channel.settimeout(0)

    def _launch(self, inherited: list[int], theirs: socket.socket) -> int:
        """Start the containing program; returns where it will name the namespace's first process."""
        plan = self._plan
        with contextlib.ExitStack() as given:
            outputs = []
            for capture in (self._stdout, self._stderr):
                read, write = os.pipe()
                given.callback(os.close, write)
                os.set_blocking(read, False)
                self._readers[read] = capture
                outputs.append(write)
            if self._unsent:
                stdin, self._stdin = os.pipe()
                os.set_blocking(self._stdin, False)
            else:
                stdin = os.open(os.devnull, os.O_RDONLY)
            given.callback(os.close, stdin)
            info, info_theirs = os.pipe()
            self._stack.callback(os.close, info)
            given.callback(os.close, info_theirs)
            words = {"{channel}": str(theirs.fileno()), "{info}": str(info_theirs)}
            argv = [words.get(word, word) for word in plan.argv]
            try:
                # The parent-death signal inside strikes when this thread ends, and this thread waits. A
                # session of its own, so that Ctrl-C is for us alone; no environment, so nothing leaks.
                self._process = subprocess.Popen(
                    argv,
                    stdin=stdin,
                    stdout=outputs[0],
                    stderr=outputs[1],
                    pass_fds=(*inherited, theirs.fileno(), info_theirs),
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            except FileNotFoundError as error:
                raise MissingToolError(
                    f"sandbox '{plan.sandbox}': {argv[0]} cannot be started ({error.strerror}). "
                    "Run `hone doctor`."
                ) from error
            except OSError as error:
                raise SandboxError(f"sandbox '{plan.sandbox}': starting {argv[0]}: {error}") from error
        return info

    def _find_root(self, info: int) -> int | None:
        """The process above the whole tree; None where the containing program failed."""
        assert self._process is not None
        if not self._plan.namespace:
            return self._process.pid
        text = b""
        poll = select.poll()
        poll.register(info, select.POLLIN)
        while not text.rstrip().endswith(b"}"):
            if not poll.poll(START_LIMIT_S * 1000):
                raise SandboxError(
                    f"sandbox '{self._plan.sandbox}': did not start within {START_LIMIT_S:g} s"
                )
            chunk = os.read(info, 4096)
            if not chunk:
                return None
            text += chunk
        pid = int(json.loads(text)["child-pid"])
        try:
            self._handle = ProcessHandle(pid)
        except ProcessLookupError:
            return None
        self._stack.callback(self._handle.close)
        return pid

    def _start_relay(self) -> None:
        targets = {forward.port: forward.socket for forward in self._plan.command.forwards}
        self._relay = Relay(self._listeners, targets)

    # Watch

    def until_ended(self) -> None:
        """Carry bytes and look at limits until the command ended, failed to start, or has to be ended."""
        if self._meters is None:
            return
        while self._status is None and self._verdict is None:
            if not self._wait_for_bytes(self._pause()):
                return
            self._verdict = self._check()

    def _pause(self) -> float:
        assert self._meters is not None
        until = min(self._deadline, self._meters.next_look)
        if self._tracer is not None:
            until = min(until, self._tracer.next_look)
        if not self._running:
            until = min(until, self._started + START_LIMIT_S)
        pause = until - time.monotonic()
        return max(0.0, pause if self._cancel is None else min(pause, CANCEL_PAUSE_S))

    def _check(self) -> tuple[Ending, str] | None:
        assert self._meters is not None
        now = time.monotonic()
        if self._tracer is not None and now >= self._tracer.next_look:
            self._tracer.look()
        if self._status is not None:
            return None
        if self._cancel is not None and self._cancel.is_set():
            return Ending.STOPPED, "the caller asked to stop"
        if now >= self._deadline:
            return Ending.TIMEOUT, f"still running after {self._plan.command.limits.wall_s:g} s"
        if not self._running and now >= self._started + START_LIMIT_S:
            raise SandboxError(f"sandbox '{self._plan.sandbox}': did not start within {START_LIMIT_S:g} s")
        return self._meters.look() if now >= self._meters.next_look else None

    def _wait_for_bytes(self, timeout_s: float) -> bool:
        """Serve whatever is ready. False once the script inside is gone."""
        poll = select.poll()
        channel = self._channel.fileno()
        poll.register(channel, select.POLLIN)
        for reader in self._readers:
            poll.register(reader, select.POLLIN)
        if self._stdin is not None:
            poll.register(self._stdin, select.POLLOUT)
        alive = True
        for descriptor, _ in poll.poll(timeout_s * 1000):
            if descriptor in self._readers:
                self._read(descriptor)
            elif descriptor == self._stdin:
                self._feed()
            else:
                alive = self._listen()
        return alive

    def _read(self, descriptor: int) -> bool:
        """Read once. False where nothing is there now, or will ever be."""
        try:
            chunk = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if chunk:
            self._readers[descriptor].add(chunk)
            return True
        del self._readers[descriptor]
        os.close(descriptor)
        return False

    def _feed(self) -> None:
        assert self._stdin is not None
        try:
            self._unsent = self._unsent[os.write(self._stdin, self._unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = memoryview(b"")
        if not self._unsent:
            os.close(self._stdin)
            self._stdin = None

    def _listen(self) -> bool:
        """Read what the script inside reports. False once it hung up."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._channel, 4096, 16)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        self._messages += data
        if self._messages[:1] == b"L" and descriptors:
            size = int.from_bytes(self._messages[1:3], "little")
            ports = [int(port) for port in self._messages[3 : 3 + size].split(b",")]
            self._messages = self._messages[3 + size :]
            sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
            self._listeners += zip(ports, sockets, strict=True)
            self._start_relay()
        if self._messages[:1] == b"S":
            self._running = True
            self._messages = self._messages[1:]
        if self._messages[:1] == b"E" and len(self._messages) >= 5:
            self._status = int.from_bytes(self._messages[1:5], "little")
        return bool(data)

    # End

    def end_tree(self) -> None:
        """Kill everything, wait until it is gone, and take in what it had written.

        Raises:
            SandboxError: Something would not die.
        """
        try:
            gone = self._kill()
            self._ended = time.monotonic()
        finally:
            for reader in list(self._readers):
                while self._read(reader):
                    pass
            for descriptor in (*self._readers, *([] if self._stdin is None else [self._stdin])):
                os.close(descriptor)
            self._readers, self._stdin = {}, None
            if self._relay is not None:
                self._relay.close()
            else:
                for _, listener in self._listeners:
                    listener.close()
        if self._verdict is None and self._meters is not None:
            self._verdict = self._meters.look(ended=True)
        if self._group is not None:
            gone = self._group.remove(KILL_LIMIT_S) and gone
        if not gone:
            raise SandboxError(
                f"sandbox '{self._plan.sandbox}': processes of {list(self._plan.command.argv)[:1]} "
                f"are still there {KILL_LIMIT_S:g} s after being killed; look for state D with `ps`"
            )

    def _kill(self) -> bool:
        """Whether everything we started is gone."""
        if self._process is None:
            return True
        if self._handle is not None:
            # The kernel ends a namespace's other processes before its first one counts as ended.
            self._handle.kill()
            gone = self._handle.wait(KILL_LIMIT_S)
        else:
            # Without a namespace the warden kills the tree once this end is closed.
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_WR)
            gone = reap(self._process, KILL_LIMIT_S)
        if not reap(self._process, KILL_LIMIT_S if self._handle else 0.0):
            self._process.kill()
            gone = reap(self._process, KILL_LIMIT_S) and gone
        return gone

    def finished(self) -> Finished:
        ending, exit_code, detail = self._ending()
        return Finished(
            ending=ending,
            exit_code=exit_code,
            stdout=self._stdout.text(),
            stderr=self._stderr.text(),
            stdout_bytes=self._stdout.total_bytes,
            stderr_bytes=self._stderr.total_bytes,
            duration_s=self._ended - self._started,
            sandbox=self._plan.sandbox,
            capabilities=self._plan.capabilities,
            detail=detail,
            trace=self._tracer.finish() if self._tracer is not None else None,
        )

    def _ending(self) -> tuple[Ending, int | None, str]:
        own = None if self._status is None else os.waitstatus_to_exitcode(self._status)
        if self._verdict is not None:
            return self._verdict[0], own, self._verdict[1]
        if own is not None:
            return (Ending.EXITED if own >= 0 else Ending.SIGNALLED), own, ""
        if self._running:
            return Ending.SIGNALLED, -9, "the process that supervised the command inside was killed with it"
        said = self._messages[1:].decode("utf-8", "replace") or self._stderr.text().strip()
        raise SandboxError(
            f"sandbox '{self._plan.sandbox}' could not be set up for {list(self._plan.command.argv)[:3]}: "
            f"{said or 'it ended without a word'}. Run `hone doctor`."
        )
