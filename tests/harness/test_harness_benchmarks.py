"""Our own benchmark projects start from the scores they are known for, and their solutions reach 1."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_projects import Judged

from honing.errors import UsageError
from honing.harness import EXAMPLES, load_project, write_example
from honing.harness.tasks.base import Evaluation

WEIGHTS = {
    "ticket_router": [1.0] * 8,
    "python_fixture": [0.5, 1, 1, 1, 1, 1, 1.5, 1, 2],
    "python_cli": [0.5, 1, 1, 1, 1, 0.5, 1, 1.5, 1, 1.5, 1],
}
BASELINES = {"ticket_router": 6 / 8, "python_fixture": 0.5 / 10, "python_cli": 0.5 / 11}
BEHAVIOURAL = {"ticket_router": 6 / 8, "python_fixture": 3 * 3 / 8 / 10, "python_cli": 3 * 2 / 7 / 11}
"""What the hidden tests give to code that is only begun; scripts that are not written give nothing."""

STUFFED = """\
# Working on word_tools

git status, never force-push, scripts/test.sh, scripts/bootstrap.sh, scripts/validate.sh
"""
FAKE = """\
#!/usr/bin/env bash
# python3 -m venv .venv ; .venv/bin/python -m unittest
mkdir -p .venv/bin
printf '#!/bin/sh\\nexit 0\\n' > .venv/bin/python
chmod +x .venv/bin/python
exit 0
"""
CHEAT = {
    "AGENTS.md": STUFFED,
    "GEMINI.md": "AGENTS.md src/word_tools\n",
    "scripts/bootstrap.sh": FAKE,
    "scripts/test.sh": FAKE,
    "scripts/validate.sh": FAKE,
}


def written(folder: Path, name: str, variant: str = "plain") -> Judged:
    write_example(name, folder / "project", variant=variant)
    return Judged(folder / "project", folder / "scratch")


def by_task(evaluation: Evaluation) -> dict[str, float]:
    return {task: round(score, 6) for task, score in evaluation.by_task.items()}


@pytest.mark.parametrize("name", list(WEIGHTS))
def test_an_example_has_its_weights_its_baseline_and_a_solution(tmp_path: Path, name: str) -> None:
    judged = written(tmp_path, name)

    assert [task.weight for task in judged.project.tasks] == WEIGHTS[name]
    assert judged.of_baseline().score == BASELINES[name]
    assert judged.refusal() is None
    assert judged.of_solution().score == 1.0


@pytest.mark.parametrize("name", list(BEHAVIOURAL))
def test_a_behavioural_example_has_its_baseline_and_a_solution(tmp_path: Path, name: str) -> None:
    judged = written(tmp_path, name, "behavioural")

    assert judged.of_baseline().score == pytest.approx(BEHAVIOURAL[name], abs=1e-12)
    assert judged.refusal() is None
    assert judged.of_solution().score == 1.0


def test_key_words_and_exit_0_satisfy_the_plain_graders_and_not_the_behavioural_ones(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain", "python_fixture").of_edit(CHEAT)
    behavioural = written(tmp_path / "behavioural", "python_fixture", "behavioural").of_edit(CHEAT)

    assert plain.score == 1.0
    assert by_task(behavioural) == {
        "environment-is-used": 0.0,
        "tests-notice-defects": 0.0,
        "validation-notices-a-gap": 0.0,
        # What the unfinished code gets by itself.
        "similar-words": 0.375,
    }


def test_the_environment_is_really_made(tmp_path: Path) -> None:
    judged = written(tmp_path, "python_cli")
    logs = {run.task: run.score.log for run in judged.of_solution().runs}

    # unittest counts what it ran, with the interpreter that bootstrap made.
    assert "Ran 8 tests" in logs["test-command"]


def test_better_rules_are_better_on_tickets_that_nobody_saw(tmp_path: Path) -> None:
    assert written(tmp_path / "plain", "ticket_router").held_out() == (0.25, 1.0)
    assert written(tmp_path / "hidden", "ticket_router", "behavioural").held_out() == (0.25, 1.0)


def test_every_example_that_is_listed_can_be_written_and_opens(tmp_path: Path) -> None:
    for one in EXAMPLES:
        files = write_example(one.name.replace("_", "-"), tmp_path / one.name)

        assert "honing.yaml" in files
        assert load_project(tmp_path / one.name).tasks != ()


@pytest.mark.parametrize("name", list(WEIGHTS))
def test_an_example_in_the_predecessors_form_is_the_same_project(tmp_path: Path, name: str) -> None:
    judged = written(tmp_path, name, "legacy")
    write_example(name, tmp_path / "own")
    own, legacy = load_project(tmp_path / "own"), judged.project

    assert (legacy.legacy, legacy.notes) == (True, ())
    assert [(t.id, t.weight) for t in legacy.tasks] == [(t.id, t.weight) for t in own.tasks]
    assert [task.id for task in legacy.held_out] == [task.id for task in own.held_out]
    assert judged.of_baseline().score == BASELINES[name]
    assert judged.refusal() is None
    assert judged.of_solution().score == 1.0


def test_a_variant_that_an_example_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="rastrigin has no variant 'legacy'; it has plain"):
        write_example("rastrigin", tmp_path / "new", variant="legacy")

    assert not (tmp_path / "new").exists()


def test_an_example_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no example 'tetris'; there are ticket_router"):
        write_example("tetris", tmp_path / "new")

    assert not (tmp_path / "new").exists()
