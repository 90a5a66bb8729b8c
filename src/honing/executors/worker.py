"""The program inside a worker process: reads units from a socket, writes how each ended.

Run as a script that needs the standard library only, so a process is ready as soon as the unit function's own
module is imported.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import signal
import socket
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

_PR_SET_PDEATHSIG = 1
_TRACE_CHARACTERS = 4000
_ERROR_CHARACTERS = 2000
LOADING_MAIN = "HONING_WORKER_LOADS_MAIN"
"""Attribute of `sys` that is set while a worker loads the user's script."""


def main() -> None:
    """Serve until the supervisor closes the socket or dies."""
    # A copy is not inherited: programs that a unit starts must not hold the socket open after we are gone.
    channel = socket.socket(fileno=os.dup(int(sys.argv[1])))
    os.close(int(sys.argv[1]))
    _die_with(int(sys.argv[2]))
    preparation = pickle.loads(receive(channel))
    sys.path[:] = preparation["path"]
    try:
        _load_main(preparation["main"])
        fn = pickle.loads(preparation["fn"])
    except BaseException as error:  # noqa: BLE001 - reported to the supervisor, which raises it
        send(channel, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
        return
    send(channel, json.dumps({"ready": True}).encode())
    while True:
        try:
            value = json.loads(receive(channel))
        except EOFError:
            return
        send(channel, json.dumps(perform(fn, value)).encode())


def perform(fn: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    """Call the unit function: there is exactly one ending, whatever it does.

    The result is passed through JSON, so it is the same value here, from another process, and from the
    journal. Everything the function raises, `SystemExit` included, is the unit's failure; only
    `KeyboardInterrupt` passes.

    Returns:
        Fields of `Completed`: status ("done" or "failed"), result, error, error_kind, trace, started,
        duration_s.
    """
    started, clock = time.time(), time.perf_counter()
    ending: dict[str, Any]
    try:
        ending = {"status": "done", "result": as_json(fn(value))}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the unit's ending, whatever it is
        kind = type(error).__name__
        trace = "".join(traceback.format_exception(error))
        ending = {
            "status": "failed",
            "error": (str(error) or kind)[:_ERROR_CHARACTERS],
            "error_kind": kind,
            "trace": trace[-_TRACE_CHARACTERS:],
        }
    return {**ending, "started": started, "duration_s": time.perf_counter() - clock}


def as_json(value: Any) -> Any:
    """The value as JSON gives it back: tuples become lists, keys become text, order is kept.

    Raises:
        TypeError: The value holds something that is not JSON.
        ValueError: It holds a NaN or an infinity, or refers to itself.
    """
    return json.loads(json.dumps(value, allow_nan=False))


def send(channel: socket.socket, payload: bytes) -> None:
    """Write one message: eight bytes of length, then the bytes."""
    channel.sendall(struct.pack(">Q", len(payload)) + payload)


def receive(channel: socket.socket) -> bytes:
    """Read one message.

    Raises:
        EOFError: The other side is gone.
    """
    (length,) = struct.unpack(">Q", _exactly(channel, 8))
    return _exactly(channel, length)


def _exactly(channel: socket.socket, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        try:
            part = channel.recv(min(count - len(parts), 1 << 20))
        except ConnectionError as error:
            raise EOFError from error
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def _die_with(supervisor: int) -> None:
    """Be killed when the supervisor dies, however it dies and whatever the unit is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != supervisor:
        # It died before the kernel was told.
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(supervisor,), daemon=True).start()


def _watch(supervisor: int) -> None:
    pause = threading.Event()
    while os.getppid() == supervisor:
        pause.wait(0.5)
    os.kill(os.getpid(), signal.SIGKILL)


def _load_main(main: tuple[str, str] | None) -> None:
    """Make the user's own script importable under the name its functions were pickled by."""
    if main is None:
        return
    import runpy
    import types

    kind, name = main
    vars(sys)[LOADING_MAIN] = name
    module = types.ModuleType("__mp_main__")
    run: Any = runpy.run_path if kind == "path" else runpy.run_module
    module.__dict__.update(run(name, run_name="__mp_main__"))
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module


if __name__ == "__main__":
    main()
