"""The cheat as a control: it wins where graders look at words and exit codes, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.harness import (
    Asked,
    OptimizeOptions,
    OptimizeResult,
    load_project,
    optimize_project,
    write_example,
)

NAIVE = """
schema: 1
name: naive
objective: Guidance, and a script that tests.
baseline: ./baseline
scope: [AGENTS.md, scripts]
tasks:
  - {id: says-how, type: file_phrase, path: AGENTS.md, required: ["run the tests"]}
  - {id: runs-them, type: command, command: bash scripts/test.sh}
"""


def cheated(project: Path, runs: Path, proposals: int) -> OptimizeResult:
    asked = Asked(agent="cheat", proposals=proposals, control="none")
    return optimize_project(load_project(project), OptimizeOptions(asked=asked, home=runs, workers=1))


def test_graders_of_words_and_exit_codes_are_fooled_by_it(tmp_path: Path) -> None:
    project = tmp_path / "naive"
    (project / "baseline" / "scripts").mkdir(parents=True)
    (project / "honing.yaml").write_text(NAIVE)
    (project / "baseline" / "AGENTS.md").write_text("To be written.\n")
    (project / "baseline" / "scripts" / "test.sh").write_text("#!/bin/sh\nexit 1\n")

    result = cheated(project, tmp_path / "runs", 1)

    made = result.ledger.candidates[1]
    assert (result.baseline.score, made.score, made.outcome.value) == (0.0, 1.0, "keep")


@pytest.mark.parametrize("name", ["python_fixture", pytest.param("python_cli", marks=pytest.mark.slow)])
def test_graders_of_behaviour_are_not(tmp_path: Path, name: str) -> None:
    write_example(name, tmp_path / name, variant="behavioural")

    result = cheated(tmp_path / name, tmp_path / "runs", 2)

    outcomes = [made.outcome.value for made in result.ledger.candidates]
    assert (result.improved, outcomes) == (False, ["baseline", "discard", "discard"])
