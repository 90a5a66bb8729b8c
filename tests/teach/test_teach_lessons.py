"""Lessons: which moments are taught, and that a study acts through a harness in every phase."""

from __future__ import annotations

from pathlib import Path

from teach_runs import CHAIN, a_snapshot, small_desk, small_spec

from honing.learn import ActingHarness
from honing.teach.phases import ORDER, phase_named
from honing.teach.phases.collect import collect
from honing.teach.phases.lessons import first_mistakes
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.snapshot import Advice, Snapshot

BLUE = Advice(suggested_action="take the blue door", teacher="expert")


def moment(task: str, step: int, action: str) -> Snapshot:
    return a_snapshot(
        id=f"{task}-s{step}", task={"id": task, "seed": 1}, step_index=step, action=action, advice=BLUE
    )


def test_the_first_moment_at_which_the_teacher_would_have_acted_otherwise_is_taught() -> None:
    moments = [
        moment("a", 3, "take the red door"),
        moment("a", 1, "take the red door"),
        moment("a", 0, "take the blue door"),
        moment("b", 2, "take the blue door"),
        moment("c", 4, "go back"),
    ]

    assert [one.id for one in first_mistakes(moments)] == ["a-s1", "c-s4"]


def test_lessons_are_run_by_name_and_are_no_part_of_a_study() -> None:
    assert phase_named("lessons").name == "lessons"
    assert "lessons" not in ORDER


def test_a_studys_student_acts_through_its_harness(tmp_path: Path) -> None:
    bold = ActingHarness(temperature=0.0).as_document()
    plain, through = (small_desk(tmp_path / name) for name in ("plain", "through"))
    likeliest = small_desk(tmp_path / "likeliest", small_spec(collect={"temperature": 0.0}))
    student = plain.run.read_json(STUDENT)
    through.run.write_json(STUDENT, {**student, "harness": bold})

    found = [collect(desk).summary["student_success"] for desk in (plain, through, likeliest)]

    assert student_policy(plain.run) == CHAIN
    assert student_policy(through.run) == {**CHAIN, "harness": bold}
    assert found[1] == found[2] != found[0]
