from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from pathlib import Path

import pytest

from honing.errors import UsageError
from honing.harness import load_project, write_example
from honing.harness.candidate import Candidate, Outcome
from honing.harness.problems.base import Files, Problem
from honing.harness.problems.circle_packing import circle_packing, sum_of_radii
from honing.harness.problems.coupled_trap import COUPLED, GROUPS, coupled_trap
from honing.harness.problems.noisy_agent import CHOICES, noisy_agent, true_rate
from honing.harness.problems.rastrigin import rastrigin, value_at
from honing.harness.problems.registry import PROBLEM_NAMES, problem_named
from honing.harness.problems.rehearsal import Plan, best_within, last_seen, rehearse
from honing.harness.problems.writing import write_problem
from honing.harness.project import Judging
from honing.harness.search.greedy import Greedy

PACKING = "packing.json"


def score(problem: Problem, files: Files) -> float:
    return sum(problem.grade(files, task, 0).score for task in problem.tasks) / len(problem.tasks)


def quarter(radius: float) -> str:
    """Ten circles in two rows, of which the first two touch where the radius is one tenth."""
    return json.dumps([[0.1 + 0.2 * (i % 5), 0.25 + 0.5 * (i // 5), radius] for i in range(10)])


@pytest.mark.parametrize("name", PROBLEM_NAMES)
def test_an_edit_is_one_that_its_problem_can_grade_and_the_same_again(name: str) -> None:
    problem = problem_named(name)
    files = dict(problem.baseline)
    for seed in range(30):
        edits = problem.mutate(files, random.Random(seed))

        assert edits == problem.mutate(files, random.Random(seed))
        assert edits.keys() <= problem.baseline.keys()
        assert {**files, **edits} != files
        files.update(edits)
        for task in (*problem.tasks, *problem.held_out):
            graded = problem.grade(files, task, seed)
            assert 0.0 <= graded.score <= 1.0
            assert graded == problem.grade(files, task, seed)
    # What a proposer leaves is never refused for its form.
    assert score(problem, files) > 0.0


@pytest.mark.parametrize("name", ["circle_packing_10", "circle_packing_26", "rastrigin", "noisy_agent"])
@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[1e999]", "[NaN]", '"x"', "[" * 100_000, "{}", "[[0.5, 0.5]]", "[true]"]
)
def test_a_file_that_makes_no_sense_scores_nothing(name: str, text: str) -> None:
    problem = problem_named(name)
    broken = dict.fromkeys(problem.baseline, text)

    assert score(problem, broken) == 0.0
    assert score(problem, {}) == 0.0


def test_circles_may_touch_and_not_overlap_by_the_least_that_can_be_written() -> None:
    touching = [[0.25, 0.25, 0.25], [0.75, 0.25, 0.25], *([0.1 + 0.1 * i, 0.9, 0.01] for i in range(8))]
    wider = [[0.25, 0.25, 0.25], [math.nextafter(0.75, 0), 0.25, 0.25], *touching[2:]]

    assert sum_of_radii(json.dumps(touching), 10) == Fraction(1, 2) + 8 * Fraction(0.01)
    with pytest.raises(ValueError, match="circles 0 and 1 overlap"):
        sum_of_radii(json.dumps(wider), 10)


@pytest.mark.parametrize(
    ("circle", "said"),
    [
        ([0.1, 0.5, math.nextafter(0.1, 1)], "circle 9 does not lie in the square"),
        ([0.95, 0.97, 0.05], "circle 9 does not lie in the square"),
        ([0.95, 0.95, 0.0], "circle 9 does not lie in the square"),
        ([0.95, 0.95, -0.1], "circle 9 does not lie in the square"),
        ([1, 0.5, 0.1], "three finite numbers with a decimal point"),
        ([0.9, 0.9], "three finite numbers"),
        ([0.9, 0.25, 0.01], "circles 4 and 9 overlap"),
    ],
)
def test_a_packing_is_checked_exactly(circle: list[float], said: str) -> None:
    circles = [*json.loads(quarter(0.05))[:9], circle]

    with pytest.raises(ValueError, match=said):
        sum_of_radii(json.dumps(circles), 10)


def test_a_packing_scores_what_its_radii_add_up_to() -> None:
    grade = circle_packing(10).grade({PACKING: quarter(0.05)}, "sum_of_radii", 0)

    assert (grade.score, grade.reason) == (pytest.approx(0.5 / 1.6), "the radii add up to 0.500000")


def test_rastrigins_function_is_zero_at_the_origin_and_nowhere_near_it_smaller() -> None:
    assert value_at((0.0,) * 6) == 0.0
    assert value_at((1.0,) * 6) == pytest.approx(6.0)
    assert score(rastrigin(), {"params.json": json.dumps([0.0] * 6)}) == 1.0
    assert score(rastrigin(), {"params.json": json.dumps([5.13] + [0.0] * 5)}) == 0.0


def test_a_group_of_scripts_is_worse_the_more_of_it_is_changed_until_all_are() -> None:
    problem = coupled_trap()
    paths = sorted(path for path in problem.baseline if path.startswith("scripts/0/"))

    def with_new(count: int) -> float:
        protocols = ["new"] * count + ["old"] * (COUPLED - count)
        files = {path: f"protocol: {name}\n" for path, name in zip(paths, protocols, strict=True)}
        return problem.grade(files, "stage_0", 0).score

    assert [round(with_new(count), 3) for count in range(COUPLED + 1)] == [0.8, 0.533, 0.267, 0.0, 1.0]
    assert len(problem.tasks) == GROUPS


def test_episodes_of_the_noisy_agent_come_as_often_as_their_chance_says() -> None:
    problem = noisy_agent(3)
    settings = {name: choices[2 % len(choices)] for name, choices in CHOICES.items()}
    for files in (problem.baseline, {"settings.json": json.dumps(settings)}):
        for tasks, held_out in ((problem.tasks, False), (problem.held_out, True)):
            solved = [problem.grade(files, task, seed).score for task in tasks for seed in range(100)]

            # 3,000 episodes: a standard error of 0.009 at most.
            assert sum(solved) / len(solved) == pytest.approx(
                true_rate(3, files, held_out=held_out), abs=0.03
            )


def test_under_one_seed_two_settings_share_part_of_their_luck() -> None:
    problem = noisy_agent(0)
    other = problem.mutate(problem.baseline, random.Random(1))
    pairs = [
        (problem.grade(problem.baseline, task, seed).score, problem.grade(other, task, seed).score)
        for task in problem.tasks[:10]
        for seed in range(100)
    ]
    same = sum(a == b for a, b in pairs) / len(pairs)
    rates = [sum(pair[side] for pair in pairs) / len(pairs) for side in (0, 1)]
    by_chance = rates[0] * rates[1] + (1 - rates[0]) * (1 - rates[1])

    assert by_chance + 0.03 < same < 1.0


def test_the_tasks_of_two_instances_differ_and_their_names_do_not() -> None:
    assert noisy_agent(0).tasks == noisy_agent(1).tasks
    assert true_rate(0, noisy_agent(0).baseline, held_out=False) != true_rate(
        1, noisy_agent(1).baseline, held_out=False
    )
    assert coupled_trap(0).baseline != coupled_trap(1).baseline


def test_a_problem_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="there is no problem 'knapsack'; known are circle_packing_10"):
        problem_named("knapsack")


@pytest.mark.parametrize("name", PROBLEM_NAMES)
def test_a_problem_is_written_as_a_project_that_loads(tmp_path: Path, name: str) -> None:
    problem = problem_named(name)

    files = write_example(name, tmp_path / "project")
    project = load_project(tmp_path / "project")

    assert files == tuple(
        sorted([*(f"baseline/{path}" for path in problem.baseline), "graders.py", "honing.yaml"])
    )
    assert (project.name, project.objective) == (problem.name, problem.objective)
    assert [task.id for task in project.tasks] == list(problem.tasks)
    assert [task.id for task in project.held_out] == list(problem.held_out)
    assert {task.deterministic for task in project.tasks} == {problem.deterministic}
    assert project.agent.options == {"problem": name, "instance": 0}
    assert project.spending.proposals == problem.proposals


def test_a_problem_is_not_written_over_something(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(UsageError, match="is not empty"):
        write_problem("rastrigin", tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def line(candidate: Candidate) -> tuple[object, ...]:
    acceptance = candidate.acceptance
    return (
        candidate.id,
        candidate.parents,
        candidate.outcome,
        candidate.score,
        candidate.sentence,
        None if acceptance is None else (acceptance.estimate, acceptance.retest),
    )


def test_a_smaller_budget_ends_earlier_with_what_it_had() -> None:
    problem, search = noisy_agent(2), Greedy()
    small, large = (rehearse(problem, Plan(search=search, task_runs=runs, seed=4)) for runs in (400, 900))

    assert [line(each) for each in large.candidates[: len(small.candidates)]] == [
        line(each) for each in small.candidates
    ]
    assert best_within(large, search, small.spent[-1]).id == small.best.id
    assert list(large.spent) == sorted(large.spent)
    assert large.spent[0] == 30
    assert 900 <= large.spent[-1] < 990


def test_the_last_look_uses_seeds_that_nothing_has_seen() -> None:
    problem = noisy_agent(2)
    seen = last_seen(problem, problem.baseline, problem.held_out, Judging(final_repeats=4))

    assert len(seen.runs) == 120
    assert min(run.seed for run in seen.runs) >= 2_000_000_000


def test_a_plan_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a limit of slots or of task runs"):
        rehearse(rastrigin(), Plan(search=Greedy()))


def test_a_proposal_that_changes_nothing_is_no_candidate_to_judge() -> None:
    problem = rastrigin()
    idle = Problem(
        name="idle",
        sentence="",
        objective="",
        baseline=problem.baseline,
        tasks=problem.tasks,
        grade=problem.grade,
        mutate=lambda files, rng: files,
    )

    found = rehearse(idle, Plan(search=Greedy(), slots=3))

    assert [each.outcome for each in found.candidates[1:]] == [Outcome.NO_CHANGE] * 3
    assert found.spent == (1, 1, 1, 1)
