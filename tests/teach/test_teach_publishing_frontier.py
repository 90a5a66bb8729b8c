"""The frontier of what training gained and what it made the student forget."""

from __future__ import annotations

from pathlib import Path

from honing.store import Lines
from honing.teach.publishing.training_figures import retention_frontier

RUNS = {
    "little": (0.02, 0.01),
    "most": (0.09, 0.05),
    "beaten": (0.02, 0.05),
    "beaten by its twin": (0.05, 0.03),
    "twin": (0.06, 0.03),
}
"""Gain and drop of each."""


def test_the_frontier_names_the_runs_that_no_other_beats(tmp_path: Path) -> None:
    folder = tmp_path / "phase3"
    folder.mkdir()
    gains = "".join(f"{name},demo,0.0,{gain},,\n" for name, (gain, _) in RUNS.items())
    drops = "".join(f"{name},demo,0.0,{drop}\n" for name, (_, drop) in RUNS.items())
    (folder / "overall_task_results.csv").write_text(
        f"run_id,supervision,temperature,difference,difference_low,difference_high\nbase,,0.0,0.5,,\n{gains}"
    )
    (folder / "retention_results.csv").write_text(f"run_id,supervision,temperature,drop\n{drops}")

    figure = retention_frontier(tmp_path)

    assert isinstance(figure, Lines)
    points = [point for series in figure.series for point in series.points]
    assert {point.label for point in points if point.named} == {"little", "twin", "most"}
    assert {point.label: (point.y, point.x) for point in points} == RUNS
