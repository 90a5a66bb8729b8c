"""What honest candidates get: a judge that fails everybody would pass every test of attacks."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from redteam_attack import Attack, Effect
from redteam_everything import HONEST_ONES
from redteam_lab import CANARY, alive, carriers, forms_of
from redteam_naive import naively
from redteam_protected import Protected


@pytest.mark.parametrize("course", sorted(HONEST_ONES))
def test_an_honest_candidate_scores_in_full_and_is_kept(
    course: str, protected: Protected, tmp_path: Path
) -> None:
    found = protected.judge(HONEST_ONES[course], tmp_path / "h")

    kept = {name: found[name] for name in ("outcome", "score", "improved", "changed", "leaked", "alive")}
    assert kept == {
        "outcome": "keep",
        "score": 1.0,
        "improved": True,
        "changed": [],
        "leaked": [],
        "alive": [],
    }, found["sentence"]


@pytest.mark.parametrize("course", ["environment", "phrases", "quiz", "tests"])
def test_the_naive_judge_is_fair_to_honest_candidates_and_to_idle_ones(course: str, tmp_path: Path) -> None:
    idle = Attack(name="idle", listed="", course=course, effect=Effect.DIED, files={"notes.txt": "x"})

    worked, rested = naively(HONEST_ONES[course], tmp_path / "1"), naively(idle, tmp_path / "2")

    assert (worked.effects, rested.effects) == (frozenset({Effect.FULL_SCORE}), frozenset())


@pytest.mark.parametrize("form", range(len(forms_of(CANARY))))
def test_a_secret_is_found_in_every_form(form: int, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log.bin").write_bytes(b"\0\xff before" + forms_of(CANARY)[form] + b"after")
    (tmp_path / "other").write_text("nothing of it")

    assert carriers(tmp_path) == ["deep/log.bin"]


def test_a_survivor_is_found_by_its_arguments_and_by_its_variables() -> None:
    for argv, variables in ((["sleep", "61.25"], {}), (["sleep", "60"], {"SIGN": "61.25"})):
        with subprocess.Popen(argv, env=variables) as survivor:
            found = alive("61.25")
            survivor.kill()

        assert found == [str(survivor.pid)]
