from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from honing.harness import Asked, OptimizeOptions, load_project, optimize_project
from honing.harness.candidate import Arm, Candidate
from honing.harness.problems.registry import problem_named
from honing.harness.problems.rehearsal import Plan, rehearse
from honing.harness.problems.writing import write_problem
from honing.harness.search.registry import search_named


def line(candidate: Candidate) -> tuple[object, ...]:
    acceptance = candidate.acceptance
    return (
        candidate.id,
        candidate.parents,
        candidate.outcome,
        candidate.score,
        candidate.note,
        None if acceptance is None else (acceptance.sentence, acceptance.estimate, acceptance.retest),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A search of a problem."""

    problem: str
    search: str
    options: Mapping[str, Any]
    slots: int
    seed: int
    outcomes: str
    """First letters of what became of the search's slots."""
    merges: int = 0
    re_tests: int = 0


CASES = [
    Case(problem="noisy_agent", search="greedy", options={}, slots=6, seed=9, outcomes="kddddk", re_tests=2),
    Case(
        problem="coupled_trap",
        search="frontier",
        options={"merge_share": 0.5},
        slots=6,
        seed=7,
        outcomes="kkkkdd",
        merges=1,
    ),
    Case(
        problem="circle_packing_10",
        search="islands",
        options={"islands": 2, "migrate_every": 2},
        slots=8,
        seed=13,
        outcomes="dkdddddd",
    ),
    Case(
        problem="rastrigin",
        search="restarts",
        options={"restart_after": 2},
        slots=12,
        seed=5,
        outcomes="dddkdkdddkkd",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.problem}, {case.search}" for case in CASES])
def test_a_run_of_the_loop_comes_to_the_candidates_of_a_rehearsal(tmp_path: Path, case: Case) -> None:
    write_problem(case.problem, tmp_path / "project", instance=1)
    text = (tmp_path / "project" / "honing.yaml").read_text()
    chosen = {"name": case.search, "options": dict(case.options)}
    (tmp_path / "project" / "honing.yaml").write_text(f"{text}search: {chosen}\n")

    found = optimize_project(
        load_project(tmp_path / "project"),
        OptimizeOptions(asked=Asked(proposals=case.slots, seed=case.seed), home=tmp_path / "runs", workers=2),
    )

    rules = {Arm.SEARCH: search_named(case.search, case.options), Arm.CONTROL: search_named("best_of_n")}
    for arm, rule in rules.items():
        plan = Plan(search=rule, arm=arm, slots=case.slots, seed=case.seed)
        rehearsed = rehearse(problem_named(case.problem, 1), plan)
        real = [row for row in found.ledger.candidates if row.arm is arm and row.slot]

        assert [line(each) for each in real] == [line(each) for each in rehearsed.candidates[1:]]
        if arm is Arm.SEARCH:
            assert found.winner.id == rehearsed.best.id
            assert "".join(each.outcome.value[0] for each in real) == case.outcomes
            assert sum(len(each.parents) == 2 for each in real) == case.merges
            assert sum(was_retested(each) for each in real) == case.re_tests


def was_retested(candidate: Candidate) -> bool:
    return candidate.acceptance is not None and candidate.acceptance.retest is not None
