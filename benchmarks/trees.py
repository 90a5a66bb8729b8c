"""Snapshot and copy 2,000 files, against `shutil.copytree`, in one run.

    python benchmarks/trees.py [--files 2000] [--repeats 5]

Each line is the median of the repeats, its ratio that to copytree's median of the same run. `copytree` keeps
one state in one place; a snapshot is durable, checked when it is read, and shared between states.
Exits with 1 where a ratio is above its target.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from honing.store import TreeStore

TARGETS = {"snapshot, nothing changed": 0.6, "one candidate: snapshot + copy": 1.5}
"""Ratio to copytree that a step may have at most."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="honing-trees-") as scratch:
        timings = measure(Path(scratch), options.files, options.repeats)
    reference = statistics.median(timings["shutil.copytree"])
    print(f"{options.files} files, median of {options.repeats}")
    print(f"{'step':<34}{'ms':>10}{'ratio to copytree':>20}")
    for step, seconds in timings.items():
        middle = statistics.median(seconds)
        print(f"{step:<34}{middle * 1000:>10.1f}{middle / reference:>20.2f}")
    missed = [
        step for step, target in TARGETS.items() if statistics.median(timings[step]) / reference > target
    ]
    for step in missed:
        print(f"missed: {step} should cost at most {TARGETS[step]} of a copytree")
    return 1 if missed else 0


def measure(scratch: Path, files: int, repeats: int) -> dict[str, list[float]]:
    """Seconds per step and repeat."""
    source = scratch / "source"
    write_files(source, files)
    timings: dict[str, list[float]] = {}
    for turn in range(repeats):
        for step, seconds in one_turn(scratch, source, turn).items():
            timings.setdefault(step, []).append(seconds)
    pairs = zip(timings["snapshot, one file changed"], timings["materialise"], strict=True)
    timings["one candidate: snapshot + copy"] = [snapshot + copy for snapshot, copy in pairs]
    return timings


def one_turn(scratch: Path, source: Path, turn: int) -> dict[str, float]:
    """Seconds per step with a fresh store."""
    store = TreeStore(scratch / "store")
    timings = {"shutil.copytree": timed(lambda: shutil.copytree(source, scratch / "plain", symlinks=True))}
    time.sleep(0.1)  # younger files are read twice on purpose
    timings["first snapshot"] = timed(lambda: store.snapshot(source))
    timings["snapshot, nothing changed"] = timed(lambda: store.snapshot(source))
    (source / "d0" / "f0.txt").write_text(f"changed {turn}")
    timings["snapshot, one file changed"] = timed(lambda: store.snapshot(source))
    tree = store.snapshot(source)
    timings["materialise"] = timed(lambda: store.materialise(tree, scratch / "made"))
    for folder in ("plain", "made", "store"):
        shutil.rmtree(scratch / folder)
    return timings


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def write_files(folder: Path, count: int) -> None:
    """Small files of random bytes in forty folders."""
    seeded = random.Random(0)
    for number in range(count):
        path = folder / f"d{number % 40}" / f"f{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seeded.randbytes(seeded.randint(100, 8000)))


if __name__ == "__main__":
    sys.exit(main())
