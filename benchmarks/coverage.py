"""How often the intervals of `honing.stats` hold the truth, by simulation.

    python benchmarks/coverage.py                                  every cell, a few minutes
    python benchmarks/coverage.py --regimes paired passk           some
    python benchmarks/coverage.py --write docs/statistics.md       put the tables into the page

Every cell draws data sets from a population whose truth is known, calls the shipped function on each and
counts.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from coverage_cells import HIGHEST, LOWEST, REGIMES, Coverage, simulate

from honing.stats import Verdict, race, sequential_comparison

BEGIN, END = "<!-- coverage tables: begin -->", "<!-- coverage tables: end -->"
LOOKS = 300
"""Pairs, or tasks, of one sequential path; each looks after every one."""


def false_verdict(rng: np.random.Generator, rate: float) -> bool:
    """Whether two equal arms are ever told apart, looking after each of 300 pairs."""
    a, b = (rng.random((2, LOOKS)) < rate).astype(float).tolist()
    return sequential_comparison(a, b, bounds=(0.0, 1.0)).verdict is not Verdict.UNDECIDED


def false_gain(rng: np.random.Generator, shared: float) -> bool:
    """Whether rewards in [0, 1] whose mean gain is exactly the margin are ever told from it."""
    tasks = rng.beta(1.0, 1.0, size=LOOKS) * shared
    a, b = (tasks + (1.0 - shared) * rng.beta(*shape, size=LOOKS) for shape in ((2.0, 1.0), (1.0, 2.0)))
    margin = (1.0 - shared) / 3.0
    found = sequential_comparison(a.tolist(), b.tolist(), bounds=(0.0, 1.0), margin=margin)
    return found.verdict is not Verdict.UNDECIDED


def best_lost(rng: np.random.Generator, arms: int) -> bool:
    """Whether the best of several arms, ahead by two points in a hundred, is ever eliminated."""
    rates = np.full(arms, 0.5)
    rates[0] = 0.52
    scores = (rng.random((arms, LOOKS)) < rates[:, None]).astype(float).tolist()
    state = race({str(arm): row for arm, row in enumerate(scores)}, bounds=(0.0, 1.0))
    return "0" not in state.alive


SEQUENTIAL: dict[str, tuple[Callable[[np.random.Generator, Any], bool], Any]] = {
    "sequential_comparison: equal arms told apart, p=0.5": (false_verdict, 0.5),
    "sequential_comparison: equal arms told apart, p=0.05": (false_verdict, 0.05),
    "sequential_comparison: gain equal to the margin, rewards": (false_gain, 0.0),
    "sequential_comparison: the same, tasks differ in difficulty": (false_gain, 0.7),
    "race: best of 3 eliminated": (best_lost, 3),
    "race: best of 8 eliminated": (best_lost, 8),
}


def sequential_errors(paths: int, seed: int) -> list[tuple[str, float]]:
    """Share of paths with a wrong verdict at any of their looks."""
    errors = []
    for name, (wrong, setting) in SEQUENTIAL.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        errors.append((name, sum(wrong(rng, setting) for _ in range(paths)) / paths))
    return errors


def tables(results: Sequence[Coverage], errors: Sequence[tuple[str, float]], datasets: int) -> str:
    """The results as Markdown: first what fails, then everything."""
    noise = math.sqrt(0.95 * 0.05 / datasets)
    recommended = [r for r in results if r.cell.recommended]
    failing = [r for r in recommended if r.verdict != "kept"]
    short = sum(r.verdict == "short" for r in failing)
    parts = [
        f"{len(results)} cells of {datasets:,} data sets (standard error at 95%: {noise:.4f}); "
        f"{len(recommended)} of them under the recommended method, of which "
        f"{len(recommended) - len(failing)} keep {LOWEST:.0%}-{HIGHEST:.0%}, {short} cover less and "
        f"{len(failing) - short} more.",
        "### Cells in which the recommended method leaves 93-97%",
        _rows(sorted(failing, key=lambda r: (r.verdict, r.cell.regime))) if failing else "None.",
        "### Recommended methods, every cell",
        _rows(recommended),
        "### Methods to compare with",
        _rows([r for r in results if not r.cell.recommended]),
    ]
    if errors:
        parts += [
            "### Decisions that may be looked at any time",
            f"Share of paths with a wrong verdict at any of {LOOKS} looks; the promise is at most 0.05.\n\n"
            "| case | wrong |\n|---|---|\n"
            + "\n".join(f"| {name} | {share:.4f} |" for name, share in errors),
        ]
    return "\n\n".join(parts)


def _rows(results: Sequence[Coverage]) -> str:
    names = ("regime", "method", "setting", "coverage", "exact", "mean width", "verdict")
    head = f"| {' | '.join(names)} |\n{'|---' * len(names)}|\n"
    return head + "\n".join(
        f"| {r.cell.regime} | {r.cell.method} | {r.cell.setting} | {r.covered:.3f} | "
        f"{'' if r.exact is None else f'{r.exact:.4f}'} | {r.width:.3f} | {r.verdict} |"
        for r in results
    )


def main() -> None:
    """Simulate, print, and put the tables into a page where asked."""
    parser = argparse.ArgumentParser(description="Coverage of the intervals of honing.stats.")
    parser.add_argument("--datasets", type=int, default=2000, help="data sets a cell (default: 2000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--regimes", nargs="*", choices=[*REGIMES, "sequential"], help="default: all")
    parser.add_argument("--write", type=Path, help="a page with the two markers, whose tables are replaced")
    options = parser.parse_args()
    chosen = options.regimes or [*REGIMES, "sequential"]
    results = [
        simulate(cell, options.datasets, options.seed)
        for regime in chosen
        if regime in REGIMES
        for cell in REGIMES[regime]()
    ]
    errors = sequential_errors(options.datasets, options.seed) if "sequential" in chosen else []
    text = tables(results, errors, options.datasets)
    print(text)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        options.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
