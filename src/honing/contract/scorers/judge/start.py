"""Split off the solver, read the job, and write the verdict where the solver cannot."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import struct
import sys
import warnings
from typing import NoReturn

from honing.contract.scorers.judge.crossing import Channel, EndedError
from honing.contract.scorers.judge.referee import Solver, judge
from honing.contract.scorers.judge.solver import solve

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> NoReturn:
    """Judge the job on standard input."""
    warnings.simplefilter("ignore")
    verdicts = os.dup(1)
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        os.close(verdicts)
        _become_solver(theirs)
    theirs.close()
    _close_memory()
    channel = Channel(ours)
    if channel.receive() != "ready":
        os._exit(1)
    # Only now: the solver was split off, and has given up standard input, before tests and nonce are read.
    job = json.loads(sys.stdin.buffer.read())
    _silence()
    os.write(verdicts, f"{job['nonce']} ready\n".encode())
    solver = Solver(channel)
    _set_alarm(solver, job["time_limit_s"])
    try:
        verdict = judge(job, solver)
    except EndedError as error:
        verdict = {"kind": "failed", "why": str(error)}
    _stop_alarm()
    _write_all(verdicts, f"{job['nonce']} {json.dumps(verdict)}\n".encode())
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    os._exit(0)


def _become_solver(end: socket.socket) -> NoReturn:
    os.setsid()
    _silence()
    _give_up_privileges()
    with contextlib.suppress(BaseException):
        solve(Channel(end))
    os._exit(0)


def _silence() -> None:
    empty = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(empty, descriptor)


def _close_memory() -> None:
    """Close this process's memory and descriptors to others of the same user."""
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)


def _give_up_privileges() -> None:
    """Without capabilities not even root reads the memory of a process that closed it."""
    if sys.platform == "linux":
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
        if ctypes.CDLL(None, use_errno=True).capset(header, bytes(24)) != 0:
            raise OSError(ctypes.get_errno(), "capset")


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def _set_alarm(solver: Solver, seconds: float) -> None:
    def late(*_: object) -> None:
        solver.ended = f"no result within {seconds:g} s"
        raise EndedError(solver.ended)

    signal.signal(signal.SIGALRM, late)
    # It rings again and again, so that a bare `except:` in the tests cannot hold it off.
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.2)


def _stop_alarm() -> None:
    for _ in range(3):
        try:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        except EndedError:
            continue


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]
