"""Unit functions for the tests: importable by name, so that worker processes find them."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def note(path: str, line: str) -> None:
    """Append one line; several processes may do it at once."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def square(x: int) -> dict[str, int]:
    return {"x": x, "square": x * x}


def odd(kind: str) -> Any:
    """Everything a unit may do to its caller."""
    if kind == "raise":
        raise ValueError("the unit's own \udcff words")
    if kind == "silent":
        raise KeyError
    if kind == "exit":
        sys.exit(3)
    if kind == "long":
        raise RuntimeError("x" * 100_000)
    return {
        "tuple": {"t": (1, 2)},
        "keys": {1: "a"},
        "nan": float("nan"),
        "object": {1, 2},
        "big": "é" * 2_000_000,
    }[kind]


def logged(path: str, x: int, *, pause_s: float = 0.0) -> int:
    """Write down that this input was started."""
    note(path, str(x))
    time.sleep(pause_s)
    return x


def meet(path: str, together: int, x: int) -> list[float]:
    """Wait until that many units have been started, this one included; when it began and ended."""
    began = time.monotonic()
    note(path, str(x))
    while len(lines(Path(path))) < together and time.monotonic() - began < 30:
        time.sleep(0.002)
    return [began, time.monotonic()]


def die(path: str, task: dict[str, int]) -> int:
    """Kill the own process the first `deaths` times."""
    note(path, str(task["x"]))
    if lines(Path(path)).count(str(task["x"])) <= task["deaths"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return task["x"]


def leave_a_child_and_die(x: int) -> int:
    """Die while a copy of this process holds everything that was open."""
    if os.fork() == 0:
        time.sleep(5)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)
    return x


def where(x: Any) -> list[Any]:
    """The process, its parent, and whether Ctrl-C at the terminal reaches it."""
    return [os.getpid(), os.getppid(), os.getsid(0)]


def sleep_long(path: str, x: int) -> int:
    note(path, str(os.getpid()))
    time.sleep(60)
    return x


def talk(x: int) -> int:
    print("from a unit")  # noqa: T201 - what a unit prints must not reach our stdout
    return x


def fail_until(path: str, x: int) -> int:
    """Fail while the file is not there."""
    if x == 2 and not Path(path).exists():
        raise RuntimeError("not yet")
    return x


def spend(x: int) -> dict[str, Any]:
    return {"x": x, "tokens": 10, "cost": None if x == 4 else 0.5}
