"""What `run_map` costs per unit, against doing it by hand and against concurrent.futures, measured in one
run.

    python benchmarks/resumable.py [--units 2000]

Every way does the same trivial work. "safe" says whether a kill -9 at any moment leaves finished units
finished.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from honing.executors import Executor, InlineExecutor, LocalExecutor, ThreadsExecutor, run_map
from honing.store import Run

WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of running the units."""

    name: str
    safe: str
    go: Callable[[Path, int], object]


def work(x: int) -> dict[str, int]:
    return {"x": x, "square": x * x}


def plain_loop(folder: Path, units: int) -> object:
    return [work(x) for x in range(units)]


def one_file_each(folder: Path, units: int) -> object:
    for x in range(units):
        place = folder / f"{x}.json"
        if not place.exists():
            place.write_text(json.dumps(work(x)))
    return [json.loads((folder / f"{x}.json").read_text()) for x in range(units)]


def one_synced_file_each(folder: Path, units: int) -> object:
    for x in range(units):
        draft = folder / f"{x}.new"
        with draft.open("w") as file:
            json.dump(work(x), file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(folder / f"{x}.json")
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return [json.loads((folder / f"{x}.json").read_text()) for x in range(units)]


def futures(pool: Callable[..., ThreadPoolExecutor | ProcessPoolExecutor]) -> Callable[[Path, int], object]:
    def go(folder: Path, units: int) -> object:
        with pool(WORKERS) as workers:
            return [future.result() for future in [workers.submit(work, x) for x in range(units)]]

    return go


def resumable(executor: Executor) -> Callable[[Path, int], object]:
    def go(folder: Path, units: int) -> object:
        run = Run.create(folder, kind="benchmark", config={}, command=[], seed=0)
        return [result.result for result in run_map(run, "s", work, range(units), executor=executor)]

    return go


def resumed(folder: Path, units: int) -> object:
    run = Run.open(next(folder.iterdir()))
    return [result.result for result in run_map(run, "s", work, range(units), executor=InlineExecutor())]


def measure(way: Way, folder: Path, units: int) -> float:
    """Seconds for all units."""
    folder.mkdir(exist_ok=True)
    began = time.perf_counter()
    found = way.go(folder, units)
    elapsed = time.perf_counter() - began
    if found != [work(x) for x in range(units)]:
        raise SystemExit(f"{way.name} gave wrong results")
    return elapsed


WAYS = [
    (Way(name="plain loop, nothing kept", safe="no", go=plain_loop), "a"),
    (Way(name="one JSON file per unit", safe="no", go=one_file_each), "b"),
    (Way(name="one synced JSON file per unit", safe="yes", go=one_synced_file_each), "c"),
    (Way(name=f"ThreadPoolExecutor({WORKERS})", safe="no", go=futures(ThreadPoolExecutor)), "d"),
    (Way(name=f"ProcessPoolExecutor({WORKERS})", safe="no", go=futures(ProcessPoolExecutor)), "e"),
    (Way(name="run_map, inline", safe="yes", go=resumable(InlineExecutor())), "f"),
    (Way(name=f"run_map, {WORKERS} threads", safe="yes", go=resumable(ThreadsExecutor(WORKERS))), "g"),
    (Way(name=f"run_map, {WORKERS} processes", safe="yes", go=resumable(LocalExecutor(WORKERS))), "h"),
    (Way(name="run_map, resumed when all is done", safe="yes", go=resumed), "f"),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3, help="the fastest counts")
    arguments = parser.parse_args()
    best: dict[str, float] = {}
    for number in range(arguments.repeats):
        with tempfile.TemporaryDirectory() as root:
            for way, folder in WAYS:
                seconds = measure(way, Path(root) / f"{folder}{number}", arguments.units)
                best[way.name] = min(seconds, best.get(way.name, seconds))
    by_hand = best["one JSON file per unit"]
    print(f"{arguments.units} trivial units, fastest of {arguments.repeats}")
    print(f"{'':36}{'us/unit':>9}{'ratio':>8}  finished units survive kill -9")
    for way, _ in WAYS:
        seconds = best[way.name]
        print(f"{way.name:36}{seconds / arguments.units * 1e6:9.1f}{seconds / by_hand:8.2f}  {way.safe}")
    print("ratio: to one JSON file per unit")


if __name__ == "__main__":
    main()
