"""Searches against independent proposals at equal budget, on problems in which no script holds the solution.

    python benchmarks/harness_search.py [--seeds 20] [--processes 2] [--real 0] [--write RESULTS.md]

Every arm starts from the same baseline with the same proposer and the same number of proposals, or of task
runs; the seeds of its proposals differ from those of the others as they do in a run. The many-seed study is
rehearsed in memory through the loop's own searches and acceptance (`honing.harness.problems.rehearsal`);
`--real N` adds N runs of the loop itself on `noisy_agent`, which take about a minute each.

Exits with 1 where no search gains over independent proposals on the tasks that were held out.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from honing.harness import Asked, OptimizeOptions, load_project, optimize
from honing.harness.candidate import Arm
from honing.harness.problems.noisy_agent import true_rate
from honing.harness.problems.registry import problem_named
from honing.harness.problems.rehearsal import Plan, best_within, rehearse
from honing.harness.problems.writing import write_problem
from honing.harness.search.registry import SEARCH_NAMES, search_named
from honing.stats import Interval, paired_difference

CONTROL = "best_of_n"
SEARCHES = ("greedy", "restarts", "islands", "frontier")


@dataclass(frozen=True, slots=True)
class Study:
    """One problem under one budget."""

    title: str
    problem: str
    slots: int | None = None
    task_runs: int | None = None


STUDIES = (
    Study("Circle packing, n = 26, 200 proposals", "circle_packing_26", slots=200),
    Study("Circle packing, n = 10, 200 proposals", "circle_packing_10", slots=200),
    Study("Rastrigin in six dimensions, 200 proposals", "rastrigin", slots=200),
    Study("Coupled-edit trap, 200 proposals", "coupled_trap", slots=200),
    Study("Noisy agent, 60 proposals", "noisy_agent", slots=60),
    Study("Noisy agent, 1,800 task runs", "noisy_agent", task_runs=1800),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """What one arm had in the end."""

    score: float
    """On the search tasks; where they are noisy the exact chance of success."""
    sealed: float | None
    """The same on held-out tasks; None where the problem has none."""
    proposals: int
    task_runs: int


Row = Mapping[str, Ended]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--real", type=int, default=0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    parts: list[str] = []
    gained = False
    for study in STUDIES:
        with ProcessPoolExecutor(options.processes) as pool:
            rows = list(pool.map(partial(one_seed, study), range(options.seeds), chunksize=1))
        parts += [f"## {study.title}", "", *table(rows), ""]
        gained |= any((found := over(rows, name, sealed=True)) and found.low > 0.0 for name in SEARCHES)
        print("\n".join(parts[-len(table(rows)) - 3 :]), flush=True)
    if options.real:
        parts += ["## Runs of the loop itself on the noisy agent", "", *real_runs(options.real), ""]
        print("\n".join(parts[-options.real - 4 :]))
    if options.write:
        command = f"python benchmarks/harness_search.py --seeds {options.seeds} --real {options.real}"
        head = f"# Searches against independent proposals\n\nMade by `{command}`.\n\n{EXPLAINED}\n"
        options.write.write_text(f"{head}\n" + "\n".join(parts).strip() + "\n", encoding="utf-8")
    return 0 if gained else 1


EXPLAINED = """\
*Score* is that of the search tasks: of the noisy agent the exact chance of success, which no arm gets to see.
*Sealed* is the same on tasks that were held out; the other problems grade one thing, so there is nothing to
seal. *Over best of n* is the paired difference over the seeds with its 95% interval. A search whose interval
holds zero has shown no gain; one whose interval lies below zero has lost."""


def one_seed(study: Study, seed: int) -> Row:
    """Every arm from one baseline."""
    problem = problem_named(study.problem, seed)
    row: dict[str, Ended] = {}
    for name in (CONTROL, *SEARCHES):
        search = search_named(name)
        arm = Arm.CONTROL if name == CONTROL else Arm.SEARCH
        plan = Plan(search=search, arm=arm, slots=study.slots, task_runs=study.task_runs, seed=seed)
        found = rehearse(problem, plan)
        best = found.best if study.task_runs is None else best_within(found, search, study.task_runs)
        files = found.texts[best.id]
        if problem.deterministic:
            assert best.score is not None
            score, sealed = best.score, None
        else:
            score, sealed = (true_rate(seed, files, held_out=held_out) for held_out in (False, True))
        row[name] = Ended(score, sealed, len(found.candidates) - 1, found.spent[-1])
    return row


def table(rows: Sequence[Row]) -> list[str]:
    sealed = rows[0][CONTROL].sealed is not None
    head = ["search", "score", "over best of n", "proposals", "task runs"]
    head[3:3] = ["sealed", "over best of n"] if sealed else []
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for name in (CONTROL, *SEARCHES):
        ended = [row[name] for row in rows]
        cells = [name, f"{mean([each.score for each in ended]):.4f}", signed(over(rows, name, sealed=False))]
        if sealed:
            cells += [
                f"{mean([each.sealed or 0.0 for each in ended]):.4f}",
                signed(over(rows, name, sealed=True)),
            ]
        cells += [
            f"{mean([each.proposals for each in ended]):.0f}",
            f"{mean([e.task_runs for e in ended]):.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def over(rows: Sequence[Row], name: str, *, sealed: bool) -> Interval | None:
    """How far a search is beyond the control arm; None for the control arm, and where nothing is sealed."""

    def figures(arm: str) -> list[float]:
        found = [row[arm].sealed if sealed else row[arm].score for row in rows]
        return [each for each in found if each is not None]

    if name == CONTROL or not figures(name):
        return None
    return paired_difference(figures(name), figures(CONTROL))


def real_runs(count: int) -> list[str]:
    """Runs of the loop with its defaults, and what they say of themselves."""
    lines = [
        "| seed | baseline, sealed | winner, sealed | control's winner, sealed | winner over control's |"
    ]
    lines.append("|---|---:|---:|---:|---:|")
    for seed in range(count):
        with tempfile.TemporaryDirectory(prefix="honing-search-") as scratch:
            write_problem("noisy_agent", Path(scratch) / "project", instance=seed)
            project = load_project(Path(scratch) / "project")
            asked = Asked(proposals=60, seed=seed)
            found = optimize(project, OptimizeOptions(asked=asked, home=Path(scratch) / "runs"))
            cells = [
                sealed_of(found.final, name)
                for name in ("c0000", found.winner.id, found.final["control_winner"])
            ]
        gain = found.final["comparisons"]["held_out_over_control"]
        cells.append(f"{gain['estimate']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]")
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
    return lines


def sealed_of(final: Mapping[str, Any], name: str) -> str:
    """The score on held-out tasks that a run reports of one of its candidates."""
    runs = final["held_out"][name]["runs"]
    return f"{mean([run['score'] for run in runs]):.3f} ({name})"


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def signed(found: Interval | None) -> str:
    return "" if found is None else f"{found.estimate:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


if __name__ == "__main__":
    assert {CONTROL, *SEARCHES} == set(SEARCH_NAMES)
    sys.exit(main())
