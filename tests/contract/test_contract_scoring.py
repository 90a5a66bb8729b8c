"""A scorer is made from what a contract holds, and everything that is wrong with it is said."""

from __future__ import annotations

from typing import Any

import pytest

from honing.contract.data.scoring import make_scorer, needs_sandbox
from honing.contract.scorers import (
    ChoiceScorer,
    CodeLimits,
    CodeScorer,
    NumericScorer,
    Row,
    ScoreDetail,
    Scorer,
    ScoreStatus,
    ScriptedScorer,
    TextScorer,
)
from honing.errors import ContractError
from honing.sandbox import UnconfinedSandbox

SANDBOX = UnconfinedSandbox()


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("numeric", {}, NumericScorer()),
        ("numeric", {"absolute_tolerance": 1}, NumericScorer(absolute_tolerance=1.0)),
        ("choice", {}, ChoiceScorer()),
        ("text", {"labels": ["yes", "no"]}, TextScorer(labels=("yes", "no"))),
    ],
)
def test_names_and_parameters_make_the_scorer(
    name: str, parameters: dict[str, Any], expected: Scorer
) -> None:
    assert make_scorer(name, parameters) == expected
    assert make_scorer(name, parameters).name == name
    assert not needs_sandbox(name)


def test_code_takes_its_limits_and_a_sandbox() -> None:
    made = make_scorer("code", {"time_limit_s": 3}, sandbox=SANDBOX)

    assert isinstance(made, CodeScorer)
    assert (made.limits, made.sandbox) == (CodeLimits(time_limit_s=3.0), SANDBOX)
    assert needs_sandbox("code")


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("nmeric", {}, "unknown scorer 'nmeric'; known: choice, code, judge_model, numeric, text"),
        (
            "numeric",
            {"tolerance": 1},
            "no parameter 'tolerance'; known: absolute_tolerance, relative_tolerance",
        ),
        ("numeric", {"absolute_tolerance": "1"}, "must be a number >= 0, got '1'"),
        ("numeric", {"absolute_tolerance": -1}, "must be a number >= 0, got -1"),
        ("numeric", {"absolute_tolerance": True}, "must be a number >= 0, got True"),
        ("text", {"labels": "yes"}, "must be a list of texts, got 'yes'"),
        ("choice", {"labels": []}, "no parameter 'labels'; known: none"),
        ("code", {}, "needs a sandbox"),
    ],
)
def test_what_is_wrong_is_named(name: str, parameters: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError) as caught:
        make_scorer(name, parameters)

    assert words in str(caught.value)


def test_code_parameters_are_checked_too() -> None:
    with pytest.raises(ContractError, match="whole number > 0, got 0"):
        make_scorer("code", {"memory_bytes": 0}, sandbox=SANDBOX)


ROW = Row(id="1", inputs={}, golds=("x",), anchor="t:1")


@pytest.mark.parametrize(("verdict", "reward"), [(1, 1.0), (0.25, 0.25), (True, 1.0), (False, 0.0)])
def test_a_scripted_scorer_plays_its_function(verdict: float, reward: float) -> None:
    scorer = ScriptedScorer(lambda row, completion: verdict)

    detail = scorer.score(ROW, "y")

    assert (detail.reward, detail.status, detail.expected) == (reward, ScoreStatus.SCORED, "x")


@pytest.mark.parametrize("verdict", [1.5, -0.1, float("nan"), float("inf"), "1", None])
def test_a_scripted_verdict_that_is_no_reward_makes_the_row_invalid(verdict: Any) -> None:
    detail = ScriptedScorer(lambda row, completion: verdict).score(ROW, "y")

    assert (detail.reward, detail.status) == (None, ScoreStatus.INVALID)


def test_a_scripted_scorer_may_say_everything_or_fail() -> None:
    whole = ScoreDetail(reward=0.5, extracted="e", expected="x", why="half")

    def fail(row: Row, completion: str) -> float:
        raise ZeroDivisionError("no")

    assert ScriptedScorer(lambda row, completion: whole).score(ROW, "y") is whole
    failed = ScriptedScorer(fail).score(ROW, "y")
    assert (failed.status, failed.why) == (ScoreStatus.INVALID, "the scorer raised ZeroDivisionError: no")
