"""What a sandbox costs: the start of /bin/true in each, beside a plain subprocess, measured in one run.

Run with `python benchmarks/sandbox.py [rounds]`. The rounds are interleaved, so that a change of load in
between falls on every way alike; ratios are of medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from honing.sandbox import (
    BubblewrapSandbox,
    Command,
    Forward,
    LandlockSandbox,
    Mount,
    Sandbox,
    UnconfinedSandbox,
)
from honing.sandbox.mounts import interpreter


def measure(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each way in each round."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(1000 * (time.perf_counter() - began))
    return taken


def runs(sandbox: Sandbox, command: Command) -> Callable[[], None]:
    sandbox.run(command)  # The self-check happens once, before anything is timed.

    def way() -> None:
        assert sandbox.run(command).ok

    return way


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        command = Command(argv=["/bin/true"], workdir=work, mounts=[Mount(work, writable=True)])
        forwarded = replace(command, forwards=[Forward(18080, work / "socket")])
        bare = ["bwrap", "--unshare-all", "--die-with-parent", "--ro-bind", "/", "/", "--", "/bin/true"]
        python = [interpreter(), "-I", "-S", "-c", "pass"]
        ways: dict[str, Callable[[], object]] = {
            "plain subprocess": lambda: subprocess.run(["/bin/true"], check=True),
            "bare python -I -S": lambda: subprocess.run(python, check=True),
            "bare bwrap": lambda: subprocess.run(bare, check=True),
            "bubblewrap": runs(BubblewrapSandbox(), command),
            "bubblewrap + forward": runs(BubblewrapSandbox(), forwarded),
            "landlock": runs(LandlockSandbox(), command),
            "unconfined": runs(UnconfinedSandbox(), command),
        }
        taken = measure(ways, rounds)
    plain = statistics.median(taken["plain subprocess"])
    print(f"{'way':<22}{'median ms':>10}{'least ms':>10}{'ratio':>8}   ({rounds} rounds, interleaved)")
    for name, each in taken.items():
        middle = statistics.median(each)
        print(f"{name:<22}{middle:>10.1f}{min(each):>10.1f}{middle / plain:>8.1f}")


if __name__ == "__main__":
    main()
