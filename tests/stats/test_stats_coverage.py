"""The simulation of benchmarks/coverage.py: its key regimes here, every cell under `slow`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import coverage_cells  # noqa: E402

CELLS = {cell.name: cell for regime in coverage_cells.REGIMES.values() for cell in regime()}

KEPT = [
    "proportion | proportion | n=100, p=0.5",
    "proportion | proportion | n=1319, p=0.1",
    "proportion | wilson | n=30, p=0.5",
    "paired 0/1 | paired_difference | n=30, p=0.6 and 0.5, correlation=0.3",
    "paired 0/1 | paired_difference | n=100, p=0.9 and 0.8, correlation=0.3",
    "clustered 0/1 | mean_interval(clusters) | tasks=20, epochs=5, ICC=0.3, p=0.5",
    "clustered 0/1 | mean_interval(clusters) | tasks=20, epochs=5, ICC=0.7, p=0.5",
    "clustered 0/1 | mean_interval(clusters) | tasks=100, epochs=5, ICC=0.3, p=0.1",
    "mean, in [0, 1] | mean_interval | beta(0.3, 1), n=30",
    "mean, in [0, 1] | mean_interval | k of 4 tests pass, p=0.7, n=30",
    "mean, no bounds | mean_interval | normal, n=10",
    "mean, no bounds | mean_interval | exponential, n=30",
    "paired 0/1, clustered | paired_difference(clusters) | tasks=20, epochs=5, ICC=0.3, p=0.6 and 0.5",
    "pass@k | pass_at_k_interval | rates beta(0.5, 0.5), tasks=100, k=5",
]
SHORT = [
    "clustered 0/1 | proportion, tasks ignored | tasks=20, epochs=5, ICC=0.7, p=0.5",
    "mean, no bounds | t_interval | lognormal, n=10",
]


@pytest.mark.parametrize("name", KEPT)
def test_the_recommended_interval_covers_93_to_97_percent(name: str) -> None:
    result = coverage_cells.simulate(CELLS[name], 2000, seed=0)

    assert (result.verdict, coverage_cells.LOWEST <= result.covered <= coverage_cells.HIGHEST) == (
        "kept",
        True,
    )
    if result.exact is not None:
        assert result.covered == pytest.approx(result.exact, abs=0.02)


@pytest.mark.parametrize("name", SHORT)
def test_the_simulation_sees_an_interval_that_misses_too_often(name: str) -> None:
    assert coverage_cells.simulate(CELLS[name], 2000, seed=0).verdict == "short"


def test_a_cell_gives_the_same_figures_again_and_others_under_another_seed() -> None:
    cell = CELLS[KEPT[7]]

    first, again, other = (coverage_cells.simulate(cell, 200, seed) for seed in (0, 0, 1))

    assert (first.covered, first.width) == (again.covered, again.width)
    assert first.width != other.width


def test_every_cell_has_a_name_of_its_own() -> None:
    cells = [cell for regime in coverage_cells.REGIMES.values() for cell in regime()]

    assert len(CELLS) == len(cells)


def test_the_page_holds_a_table_with_every_cell() -> None:
    page = (BENCHMARKS.parent / "docs" / "statistics.md").read_text(encoding="utf-8")

    missing = [c.name for c in CELLS.values() if f"| {c.regime} | {c.method} | {c.setting} |" not in page]
    assert missing == []
    assert "python benchmarks/coverage.py --write docs/statistics.md" in page


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_whole_grid_gives_the_figures_that_the_page_shows(tmp_path: Path) -> None:
    page = (BENCHMARKS.parent / "docs" / "statistics.md").read_text(encoding="utf-8")
    copy = tmp_path / "statistics.md"
    copy.write_text(page, encoding="utf-8")

    subprocess.run(
        [sys.executable, BENCHMARKS / "coverage.py", "--write", copy], check=True, capture_output=True
    )

    shown, found = figures(page), figures(copy.read_text(encoding="utf-8"))
    assert shown.keys() == found.keys()
    # The same figures on one machine; another numpy may draw otherwise, within four standard errors.
    assert [name for name in shown if abs(shown[name] - found[name]) > 0.02] == []


def figures(page: str) -> dict[str, float]:
    """Coverage by cell, and share of wrong verdicts by case, as the page's tables hold them."""
    rows = [
        [field.strip() for field in line.strip("|").split("|")] for line in page.splitlines() if "|" in line
    ]
    cells = {" | ".join(row[:3]): float(row[3]) for row in rows if len(row) == 7 and row[3][:1].isdigit()}
    cases = {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[1][:2] == "0."}
    return cells | cases
