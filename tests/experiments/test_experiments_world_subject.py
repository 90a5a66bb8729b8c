"""The closed loop over a world: measured, rewritten, taught, and measured again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from world_scenes import SPEC, asked, options, subject

from honing.errors import CalibrationError, StoppedError, UsageError
from honing.executors import ResidentExecutor
from honing.experiments import ImproveResult, ImproveSpec, improve_subject, world_subject
from honing.learn import is_model_folder, read_acting
from honing.store import identity, read_journal

pytestmark = [pytest.mark.teach, pytest.mark.timeout(400)]


@pytest.fixture(scope="session")
def students(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tiny student is kept from test to test."""
    return tmp_path_factory.mktemp("students")


@pytest.fixture(scope="session")
def looped(tmp_path_factory: pytest.TempPathFactory, students: Path) -> ImproveResult:
    """A whole loop."""
    return improve_subject(subject(), SPEC, asked(tmp_path_factory.mktemp("looped"), students))


def test_both_steps_propose_something_and_every_row_is_measured(looped: ImproveResult) -> None:
    steps = {step["step"]: step for step in looped.document["steps"]}

    assert set(steps) == {"harness", "weights"}
    assert steps["weights"]["facts"]["training"]["taught"]["n_steps"] == 4
    assert steps["weights"]["facts"]["training"].keys() == {"taught", "random"}
    assert [row["name"] for row in looped.rows if row["ending"] != "control"] == [
        "baseline",
        "+ harness",
        "+ weights",
    ]
    assert steps["weights"]["verdict"]["first"]["tasks"] == 20
    assert steps["weights"]["proposed"]["model"] == "weights/taught"


def test_the_panel_is_bracketed_by_the_expert_and_by_chance(looped: ImproveResult) -> None:
    certificate = looped.document["panel"]["certificate"]

    assert certificate["expert"]["success"] == 1.0
    assert certificate["random"]["success"] < 0.9
    assert certificate["expert"]["tasks"] == 40


def test_what_is_left_to_take_away_is_a_harness_and_a_model(looped: ImproveResult) -> None:
    final = looped.run.path / "final"

    assert read_acting(final / "harness").prompt.template
    assert is_model_folder(str(final / "model"))


def test_the_evidence_shown_to_proposers_is_of_search_tasks_alone(looped: ImproveResult) -> None:
    panel = json.loads((looped.run.path / "panel.json").read_text())
    with read_journal(looped.run.path / "journal.sqlite") as journal:
        shown = journal.results("harness.evidence")
    played = {episode["task"]["id"] for chunk in shown for episode in json.loads(chunk.value)}

    assert "What seems to help" in (looped.run.path / "steps" / "trace.txt").read_text()
    assert played == {task["id"] for task in panel["tasks"]["search"]}


@pytest.mark.slow
def test_a_loop_in_processes_leaves_the_same_bytes(
    looped: ImproveResult, students: Path, tmp_path: Path
) -> None:
    with ResidentExecutor(2) as executor:
        again = improve_subject(subject(), SPEC, asked(tmp_path, students, executor=executor, workers=2))

    assert own(again.run.path) == own(looped.run.path)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["harness: begins", "c0002", "weights: begins", "lessons:"])
def test_a_loop_that_was_stopped_goes_on_to_the_same_bytes(
    looped: ImproveResult, students: Path, tmp_path: Path, moment: str
) -> None:
    def stop(line: str) -> None:
        if line.startswith(moment):
            raise StoppedError(f"stopped at {line!r}")

    with pytest.raises(StoppedError):
        improve_subject(subject(), SPEC, asked(tmp_path, students, told=stop))
    again = improve_subject(subject(), SPEC, asked(tmp_path, students))

    assert own(again.run.path) == own(looped.run.path)


def own(run: Path) -> dict[str, str]:
    """Identity of the loop's artifacts; the runs of its steps have their own."""
    return {name: found for name, found in identity(run).items() if not name.startswith("steps/")}


def test_a_loop_that_is_done_is_not_done_again(looped: ImproveResult, students: Path) -> None:
    again = improve_subject(subject(), SPEC, asked(looped.run.path.parent, students))

    assert again.run.path == looped.run.path
    assert again.document == looped.document


def test_a_world_that_chance_solves_gives_no_score(students: Path, tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match="a random agent"):
        improve_subject(subject(random_to=0.0), SPEC, asked(tmp_path, students))


def test_tasks_that_show_the_same_are_asked_once_and_never_in_two_parts(
    students: Path, tmp_path: Path
) -> None:
    small = world_subject("world_scenes:FewChains", options())
    spec = ImproveSpec(seed=3, proposals=0, training_steps=0, final_repeats=1)
    result = improve_subject(small, spec, asked(tmp_path, students))
    panel = json.loads((result.run.path / "panel.json").read_text())["tasks"]
    lines = (result.run.path / "held_out.tsv").read_text().splitlines()[1:]
    digests = [task["digest"] for part in panel.values() for task in part]

    assert {part: len(tasks) for part, tasks in panel.items()} == {"search": 19, "check": 15, "held_out": 10}
    assert len(digests) == len(set(digests))
    assert [line.split("\t")[1] for line in lines] == [task["id"] for task in panel["held_out"]]
    assert result.document["panel"]["certificate"]["expert"]["tasks"] == len(panel["check"]) + len(lines)


def test_a_harness_that_cannot_be_read_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("{observation}")
    (tmp_path / "harness.yaml").write_text("temperature: hot\n")

    with pytest.raises(UsageError, match=r"harness.yaml:1: temperature"):
        world_subject("scripted", options(), harness=tmp_path)
