"""Every attack succeeds against a naive judge and fails here, with the outcome it deserves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redteam_attack import Attack
from redteam_everything import ATTACKS
from redteam_lab import alive, digests, mark_of
from redteam_naive import naively
from redteam_protected import Protected

_SLOW = pytest.mark.slow
CASES = [
    pytest.param(attack, id=attack.name.replace(" ", "-"), marks=[_SLOW] if attack.slow else [])
    for attack in ATTACKS
]
_GRACE_S = 1.5
"""After which everything that an attack left for later would have acted."""


@pytest.fixture(scope="module")
def labs() -> Iterator[list[Path]]:
    """Labs of attacks on Honing: nothing of them may still be at work when all are over."""
    known: list[Path] = []
    yield known
    time.sleep(_GRACE_S)
    assert [lab for lab in known if alive(mark_of(lab))] == []
    assert [lab for lab in known if set(digests(lab / "host")) != {str(lab / "host" / "precious.txt")}] == []


@pytest.mark.parametrize("attack", CASES)
def test_an_attack_that_fools_a_naive_judge_fails_here(
    attack: Attack, protected: Protected, labs: list[Path], tmp_path: Path
) -> None:
    naive = naively(attack, tmp_path / "n")

    assert attack.effect in naive.effects, naive.said
    assert attack.shows.lower() in naive.said.lower()

    lab = tmp_path / "h"
    labs.append(lab)
    found = protected.judge(attack, lab)

    sentence = found.pop("sentence")
    assert found == {**_harmless(), "outcome": attack.outcome, "score": attack.score}, sentence


def _harmless() -> dict[str, Any]:
    return {
        "improved": False,
        "changed": [],
        "leaked": [],
        "alive": [],
        "damaged": [],
        "raw": [],
        "heard": 0,
    }


def test_there_are_at_least_forty_attacks_and_no_name_stands_twice() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40
