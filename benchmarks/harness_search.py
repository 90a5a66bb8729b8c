"""Searches against independent proposals at equal budget, on problems in which no script holds the solution.

    python benchmarks/harness_search.py [--seeds 20] [--noisy-seeds 100] [--real 0] [--write RESULTS.md]

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

from honing.harness import Asked, OptimizeOptions, load_project, optimize_project
from honing.harness.candidate import Arm
from honing.harness.problems.base import Files, Problem
from honing.harness.problems.noisy_agent import true_rate
from honing.harness.problems.registry import problem_named
from honing.harness.problems.rehearsal import Plan, rehearse
from honing.harness.problems.writing import write_problem
from honing.harness.search.registry import SEARCH_NAMES, search_named
from honing.stats import Interval, paired_difference

CONTROL = "best_of_n"
SEARCHES = ("greedy", "restarts", "islands", "frontier")


@dataclass(frozen=True, slots=True)
class Cut:
    """One budget at which the arms are compared."""

    title: str
    slots: int | None = None
    task_runs: int | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """One problem."""

    problem: str
    seeds: int
    cuts: tuple[Cut, ...]


def studies(seeds: int, noisy_seeds: int) -> tuple[Study, ...]:
    cuts = (Cut("60 proposals", slots=60), Cut("1,800 task runs", task_runs=1800))
    return (
        Study("circle_packing_26", seeds, (Cut("200 proposals", slots=200),)),
        Study("circle_packing_10", seeds, (Cut("200 proposals", slots=200),)),
        Study("rastrigin", seeds, (Cut("200 proposals", slots=200),)),
        Study("coupled_trap", seeds, (Cut("200 proposals", slots=200),)),
        Study("noisy_agent", noisy_seeds, (*cuts, Cut("3,600 task runs", task_runs=3600))),
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
"""By arm."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--noisy-seeds", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--real", type=int, default=0)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    parts: list[str] = []
    gained = False
    for study in studies(options.seeds, options.noisy_seeds):
        with ProcessPoolExecutor(options.processes) as pool:
            found = list(pool.map(partial(one_seed, study), range(study.seeds), chunksize=1))
        for cut in study.cuts:
            rows = [each[cut.title] for each in found]
            part = [f"## {study.problem}, {cut.title}, {study.seeds} seeds", "", *table(rows), ""]
            print("\n".join(part), flush=True)
            parts += part
            gained |= any((gain := over(rows, name, sealed=True)) and gain.low > 0.0 for name in SEARCHES)
    if options.real:
        parts += ["## Runs of the loop itself on the noisy agent", "", *real_runs(options.real), ""]
        print("\n".join(parts[-options.real - 4 :]))
    if options.write:
        given = f"--seeds {options.seeds} --noisy-seeds {options.noisy_seeds} --real {options.real}"
        command = f"python benchmarks/harness_search.py {given}"
        head = f"# Searches against independent proposals\n\nMade by `{command}`.\n\n{EXPLAINED}\n"
        options.write.write_text(f"{head}\n" + "\n".join(parts).strip() + "\n", encoding="utf-8")
    return 0 if gained else 1


EXPLAINED = """\
*Score* is that of the search tasks: of the noisy agent the exact chance of success, which no arm gets to see.
*Sealed* is the same on tasks that were held out; the other problems grade one thing, so there is nothing to
seal. *Over best of n* is the paired difference over the seeds with its 95% interval. A search whose interval
holds zero has shown no gain; one whose interval lies below zero has lost."""


def one_seed(study: Study, seed: int) -> dict[str, Row]:
    """Every arm from one baseline, at every budget."""
    problem = problem_named(study.problem, seed)
    most = max((cut.task_runs or 0 for cut in study.cuts), default=0)
    rows: dict[str, dict[str, Ended]] = {cut.title: {} for cut in study.cuts}
    for name in (CONTROL, *SEARCHES):
        search = search_named(name)
        arm = Arm.CONTROL if name == CONTROL else Arm.SEARCH
        # What a search chooses does not depend on how long it will go on: the longest run holds the others.
        limits = {"task_runs": most} if most else {"slots": study.cuts[0].slots}
        found = rehearse(problem, Plan(search=search, arm=arm, seed=seed, **limits))
        for cut in study.cuts:
            if cut.slots is not None:
                made = cut.slots
                if made >= len(found.spent):
                    # It spent the task runs on fewer proposals than that.
                    found = rehearse(problem, Plan(search=search, arm=arm, seed=seed, slots=made))
            else:
                assert cut.task_runs is not None
                made = sum(spent <= cut.task_runs for spent in found.spent) - 1
            best = search.best(found.candidates[: made + 1])
            score, sealed = quality(problem, seed, found.texts[best.id], best.score)
            rows[cut.title][name] = Ended(score, sealed, made, found.spent[made])
    return dict(rows)


def quality(problem: Problem, seed: int, files: Files, score: float | None) -> tuple[float, float | None]:
    """How good files are on the search tasks and on the held-out ones."""
    if problem.deterministic:
        assert score is not None
        return score, None
    return true_rate(seed, files, held_out=False), true_rate(seed, files, held_out=True)


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
            found = optimize_project(project, OptimizeOptions(asked=asked, home=Path(scratch) / "runs"))
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
