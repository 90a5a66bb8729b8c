"""What a search costs beside its evaluations: Honing, GEPA and the predecessor from the package registry.

    python benchmarks/harness_peers.py [--sizes 20,100,1000] [--peers-venv DIR] [--write RESULTS.md]

All in one run on one machine, with the same harness of one file, the same scripted proposer and the same
trivial grader (benchmarks/peers/grading.py), no control arm. What does one candidate cost (time, files,
disk), how well do nine evaluations of one second overlap, and what does a kill -9 lose? A peer that the
registry does not give is left out with a message. Exits with 1 where Honing misses its own target.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from peers.grading import PAUSE_S
from peers.measuring import Taken, killed, taken_by
from peers.systems import System, systems_in

MOST_CPU_MS = 20.0
MOST_FILES = 10.0
MOST_GROWTH = 1.5
"""Processor time of a candidate in the longest run against that in the shortest."""
LIMIT_S = 600.0
"""A measurement that would take longer is left out."""
SHORT_S = 12.0
"""A measurement that took less is made three times; the medians count."""
NINE = 9
CANDIDATES_TO_KILL = 10

Table = list[list[str]]
Costs = dict[str, dict[int, Taken]]
"""By name and number of candidates."""


def costs_of(systems: Sequence[System], sizes: Sequence[int]) -> Costs:
    costs: Costs = {system.name: {} for system in systems}
    for size in sizes:
        for system in systems:
            known = costs[system.name]
            if expected_s(known, size) > LIMIT_S:
                continue
            found = median_of(lambda of=system, n=size: taken_by(of, "cost", n, limit_s=LIMIT_S))
            if found is not None:
                known[size] = found
                say(f"{system.name}, {size} candidates: {found.wall_s:.2f} s, load {load()}")
    return costs


def expected_s(known: dict[int, Taken], size: int) -> float:
    """What so many candidates would take if the cost went on growing as it has so far."""
    if len(known) < 2:
        return 0.0
    (small, first), (large, second) = sorted(known.items())[-2:]
    growth = math.log(second.wall_s / first.wall_s) / math.log(large / small)
    return float(second.wall_s * (size / large) ** growth)


def median_of(measure: Callable[[], Taken | None]) -> Taken | None:
    first = measure()
    if first is None or first.wall_s > SHORT_S:
        return first
    several = [first, *(again for _ in range(2) if (again := measure()) is not None)]
    wall = statistics.median(one.wall_s for one in several)
    cpu = statistics.median(one.cpu_s for one in several)
    return replace(first, wall_s=wall, cpu_s=cpu)


def cost_table(costs: Costs, sizes: Sequence[int]) -> Table:
    rows = [["system", "candidates", "wall ms each", "processor ms each", "files each", "KiB of disk each"]]
    for size in sizes:
        for name, known in costs.items():
            one = known.get(size)
            figures = ["not run: it would take more than ten minutes", "", "", ""]
            if one is not None:
                figures = [
                    f"{one.wall_s / size * 1e3:.1f}",
                    f"{one.cpu_s / size * 1e3:.1f}",
                    f"{one.files / size:.1f}",
                    f"{one.bytes / size / 1024:.1f}",
                ]
            rows.append([name, str(size), *figures])
    return rows


def overlap_table(systems: Sequence[System], mode: str) -> Table:
    rows = [["system", "workers", "wall s", "evaluations of 1 s", "of them a second", "most at once"]]
    for system in systems:
        if mode not in system.modes:
            continue
        for workers in (1, NINE):
            found = taken_by(system, mode, NINE, workers, limit_s=LIMIT_S)
            if found is None:
                continue
            seconds = len(found.began) * PAUSE_S[mode]
            figures = [f"{found.wall_s:.2f}", str(len(found.began)), f"{seconds / found.wall_s:.1f}"]
            rows.append([system.name, str(workers), *figures, str(found.most_at_once(PAUSE_S[mode]))])
            say(f"{system.name}, {mode}, {workers} workers: {found.wall_s:.2f} s, load {load()}")
    return rows


def kill_table(systems: Sequence[System]) -> Table:
    rows = [
        [
            "system",
            "evaluations of a whole run",
            "begun before the kill",
            "made again",
            "commands that read it",
        ]
    ]
    for system in systems:
        if "kill" not in system.modes:
            continue
        whole = taken_by(system, "kill", CANDIDATES_TO_KILL, limit_s=LIMIT_S)
        for share in (0.25, 0.5, 0.75) if whole is not None else ():
            unhurt = len(whole.began)
            found = killed(system, CANDIDATES_TO_KILL, share=share, unhurt=unhurt)
            rows.append([system.name, str(unhurt), str(found.before), str(found.again), found.readable])
            say(f"{system.name}, killed after {found.before} of {unhurt}: {found.again} again")
    return rows


def comparison(costs: Costs) -> list[str]:
    """Honing against each peer at the largest size both have: shares of the peer's figure."""
    lines = []
    for name, known in costs.items():
        both = sorted(set(known) & set(costs["Honing"]))
        if name == "Honing" or not both:
            continue
        ours, peer = costs["Honing"][both[-1]], known[both[-1]]
        pairs = {
            "wall": (ours.wall_s, peer.wall_s),
            "processor": (ours.cpu_s, peer.cpu_s),
            "files": (ours.files, peer.files),
            "disk": (ours.bytes, peer.bytes),
        }
        lines.append(
            f"- {name}, {both[-1]} candidates: "
            + ", ".join(f"{what} {versus(own, other)}" for what, (own, other) in pairs.items())
        )
    return lines


def versus(ours: float, peer: float) -> str:
    if not peer:
        return "which it writes none of"
    if max(ours, peer) < 1.1 * min(ours, peer):
        return "the same within a tenth"
    if ours < peer:
        return f"{peer / ours:.1f} times less here"
    return f"**{ours / peer:.1f} times more here**"


def missed(costs: Costs) -> list[str]:
    """Targets that Honing misses, as sentences."""
    own = costs["Honing"]
    cpu = {size: one.cpu_s / size * 1e3 for size, one in own.items()}
    files = {size: one.files / size for size, one in own.items()}
    first, last = min(cpu), max(cpu)
    found = [f"{ms:.1f} ms of processor at {size}" for size, ms in cpu.items() if ms > MOST_CPU_MS]
    found += [f"{count:.1f} files at {size}" for size, count in files.items() if count > MOST_FILES]
    if cpu[last] > MOST_GROWTH * cpu[first]:
        found.append(f"a candidate costs {cpu[last] / cpu[first]:.1f} times as much at {last} as at {first}")
    return found


def slower_than_target(costs: Costs) -> str:
    """A sentence on wall time, which a busy machine stretches."""
    wall = {size: one.wall_s / size * 1e3 for size, one in costs["Honing"].items()}
    over = [f"{ms:.0f} ms at {size}" for size, ms in wall.items() if ms > MOST_CPU_MS]
    if not over:
        return "By wall time as well.\n"
    return f"By wall time, under the load above, a candidate took longer: {', '.join(over)}.\n"


def markdown(table: Table) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join([lines[0], "|" + "---|" * len(table[0]), *lines[1:]]) + "\n"


def load() -> str:
    return " ".join(f"{one:.1f}" for one in os.getloadavg())


def say(line: str) -> None:
    sys.stderr.write(line + "\n")


def page(systems: Sequence[System], sizes: Sequence[int]) -> tuple[str, list[str]]:
    """The results as Markdown, and the targets that were missed."""
    began, before = datetime.now(UTC), load()
    costs = costs_of(systems, sizes)
    side, across = overlap_table(systems, "side"), overlap_table(systems, "across")
    kills = kill_table(systems)
    misses = missed(costs)
    parts = [
        "# A candidate of Honing, GEPA and the predecessor\n",
        f"`benchmarks/harness_peers.py`, {began:%Y-%m-%d %H:%M} to {datetime.now(UTC):%H:%M} UTC; "
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python "
        f"{platform.python_version()}; load {before} at the start, {load()} at the end. Wall times depend on "
        "that load, processor times much less. Each figure is of a process of its own that has made a search "
        "of two candidates before, so loading modules does not count; up to 12 s the median of three. What "
        "each system has at the end differs: Honing a journal, every tree and a report; GEPA with `run_dir` "
        "its state; GEPA in memory nothing; the predecessor every workspace, with copies of earlier ones.\n",
        "## What a candidate costs\n",
        markdown(cost_table(costs, sizes)),
        "Honing at the largest number that both have:\n",
        "\n".join(comparison(costs)) + "\n",
        f"Targets of Honing (at most {MOST_CPU_MS:.0f} ms of processor time and {MOST_FILES:.0f} files each, "
        f"at most {MOST_GROWTH} times as much in the longest run as in the shortest): "
        + (f"missed: {'; '.join(misses)}.\n" if misses else "met.\n")
        + slower_than_target(costs),
        "## Nine proposals, judged for one second each\n",
        markdown(side),
        "## One proposal, judged on nine tasks of one second each\n",
        markdown(across),
        "## kill -9 in the middle, then the same call again\n",
        markdown(kills),
    ]
    return "\n".join(parts), misses


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="20,100,1000")
    parser.add_argument("--peers-venv", type=Path)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harness-peers-venvs-") as scratch:
        systems = list(systems_in((asked.peers_venv or Path(scratch)).resolve()))
        text, misses = page(systems, [int(size) for size in asked.sizes.split(",")])
    sys.stdout.write(text)
    if asked.write is not None:
        asked.write.write_text(text)
    if misses:
        sys.exit(f"targets missed: {'; '.join(misses)}")


if __name__ == "__main__":
    main()
