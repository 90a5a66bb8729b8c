"""The seeded-fault test-bed, a few cases of each kind: the runner itself, as its user starts it.

The whole of it is benchmarks/faulty_contracts/run.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUNNER = Path(__file__).parents[2] / "benchmarks" / "faulty_contracts" / "run.py"
FAULTS = (
    "always_right",
    "threshold",
    "stale_result",
    "swallows_failures",
    "shadows_a_module",
    "no_gold_at_all",
)
HEALTHY = ("own_commands", "error_rate", "data_choices")


def run(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(RUNNER), *words], capture_output=True, text=True, check=False, timeout=600
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def only(*names: str) -> list[str]:
    return [word for name in names for word in ("--only", name)]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What the runner reports about a few faults and a few healthy targets."""
    code, printed = run(*only(*FAULTS, *HEALTHY), "--json")
    return {"code": code, **json.loads(printed)}


def test_every_planted_fault_is_refused_for_its_own_reason(found: dict[str, Any]) -> None:
    missed = {
        one["name"]: one["missing"] for one in found["cases"] if one["name"] in FAULTS if one["missing"]
    }

    assert missed == {}
    assert found["code"] == 0
    assert (found["summary"]["faults"], found["summary"]["detected"]) == (len(FAULTS), len(FAULTS))


def test_every_healthy_target_gets_the_score_that_is_known(found: dict[str, Any]) -> None:
    scores = {one["name"]: one["score"] for one in found["cases"] if one["name"] in HEALTHY}

    assert scores == {"own_commands": 0.75, "error_rate": 0.25, "data_choices": 0.75}
    assert found["summary"]["false_alarms"] == []


def test_a_runner_that_believes_exit_codes_scores_what_is_refused(found: dict[str, Any]) -> None:
    naive = {one["name"]: one["naive"] for one in found["cases"] if one["name"] in FAULTS}

    assert naive == {
        "always_right": 1.0,
        "threshold": 1.0,
        "stale_result": 0.93,
        "swallows_failures": 0.75,
        "shadows_a_module": 0.99,
        "no_gold_at_all": 0.75,
    }


JUDGED = """
import sys
sys.path.insert(0, sys.argv[1])
from case import Case
from measuring import wrong_with_fault, wrong_with_healthy
fault = Case(name="f", what="", said="null: scored 1")
healthy = Case(name="h", what="", score=0.75)
print(bool(wrong_with_fault(fault, None, "StageError: null: scored 1")))
print(bool(wrong_with_fault(fault, None, "StageError: no such file")))
print(bool(wrong_with_fault(fault, 1.0, "null: scored 1")))
print(bool(wrong_with_healthy(healthy, 0.75, "")))
print(bool(wrong_with_healthy(healthy, 0.76, "")))
print(bool(wrong_with_healthy(healthy, None, "not calibrated")))
"""


def test_a_refusal_for_another_reason_is_a_miss_and_so_is_another_score() -> None:
    done = subprocess.run(
        [sys.executable, "-c", JUDGED, str(RUNNER.parent)], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "True", "True", "False", "True", "True"]


def test_the_bed_is_large_enough_to_say_something() -> None:
    code, printed = run("--list")
    names = [line.split()[0] for line in printed.splitlines()]

    assert code == 0
    assert len(names) == len(set(names)) >= 55
    assert set(FAULTS) | set(HEALTHY) <= set(names)


def test_an_unknown_case_is_named() -> None:
    done = subprocess.run(
        [sys.executable, str(RUNNER), "--only", "nothing"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (2, "unknown: nothing; --list names them all\n")
