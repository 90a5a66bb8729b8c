"""Which run a study belongs to, and what it takes over: by everything that decides it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from honing.store import Run
from honing.teach.phase import PhaseOutcome
from honing.teach.phases import ORDER
from honing.teach.running.opening import open_run
from honing.teach.running.outcomes import keep_outcome, kept_outcome
from honing.teach.running.request import StudyOptions
from honing.teach.study_file import with_choices
from honing.teach.study_spec import StudySpec


def opened(home: Path, **choices: Any) -> Run:
    named = {path.replace("__", "."): value for path, value in choices.items()}
    return open_run(with_choices(StudySpec(), named), StudyOptions(home=home))


def taken_over(run: Run) -> int:
    return sum(kept_outcome(run, name) is not None for name in ORDER)


def done(run: Run) -> Run:
    """Every phase ended, without an artifact."""
    for name in ORDER:
        keep_outcome(run, name, PhaseOutcome(summary={}))
    return run


@pytest.mark.parametrize(
    ("choice", "last"),
    [
        ({"mine__per_episode": 2}, "collect"),
        ({"cpt__succeeding": 9}, "collect"),
        ({"training__lora_rank": 4}, "quadrants"),
        ({"training__batch_size": 4}, "micro-train"),
        ({"selection__budget": 9}, "evaluate"),
        ({"selection__cap_per_fact": 3}, "predictor"),
    ],
)
def test_a_study_takes_over_the_phases_that_its_settings_do_not_touch(
    tmp_path: Path, choice: dict[str, Any], last: str
) -> None:
    done(opened(tmp_path))

    assert taken_over(opened(tmp_path, **choice)) == ORDER.index(last) + 1


def test_other_weights_under_the_same_name_are_another_study(tmp_path: Path) -> None:
    model, home = tmp_path / "model", tmp_path / "runs"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"first")
    first = done(opened(home, student__checkpoint=str(model)))
    same = opened(home, student__checkpoint=str(model))
    (model / "model.safetensors").write_bytes(b"second")
    other = opened(home, student__checkpoint=str(model))

    assert same.path == first.path
    assert (other.path == first.path, taken_over(other)) == (False, 0)


class Shelved:
    """A world whose tasks lie in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> Shelved:
        """Which file."""
        return cls(Path(options["file"]))

    def identity(self) -> dict[str, Any]:
        """By content."""
        return {"name": "shelved", "options": {"file": self._file.read_text()}}


def test_another_file_under_a_worlds_name_is_another_study(tmp_path: Path) -> None:
    file, home = tmp_path / "goals.json", tmp_path / "runs"
    world = {"environment__name": "test_teach_opening:Shelved", "environment__options__file": str(file)}
    file.write_text("one")
    first = done(opened(home, **world))
    same = opened(home, **world)
    file.write_text("another")
    other = opened(home, **world)

    assert same.path == first.path
    assert (other.path == first.path, taken_over(other)) == (False, 0)


def test_a_run_from_before_worlds_were_written_down_is_gone_on_with(tmp_path: Path) -> None:
    first = opened(tmp_path)
    before = {name: part for name, part in first.config.items() if name != "world"}
    older = Run.create(tmp_path, kind="teach", config=before, command=[], seed=0)

    assert (opened(tmp_path).path, "world" in first.config) == (older.path, True)
