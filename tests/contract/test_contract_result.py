"""A score is given only where every condition for one holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from honing.contract.asking.rollout import Plan
from honing.contract.controls.calibrate import Calibration, Level, OracleSource
from honing.contract.grading.evaluate import Evaluation
from honing.contract.options import RolloutOptions
from honing.contract.results.result import Result, conclude
from honing.contract.samples.required import why_samples_fail
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import ContractSpec
from honing.contract.workbench.bench import Measurement, Rollout

SAMPLES = tuple(
    Sample(id=str(i), prompt=f"p{i}", completion="c", reward=1.0, status=SampleStatus.COMPLETED)
    for i in range(4)
)
GOOD = Calibration(
    ok=True, level=Level.CALIBRATED, oracle_source=OracleSource.DATA, rows=4, population=4, controls=()
)
BAD = replace(GOOD, ok=False, level=Level.METRIC_DECLARED, reasons=("null: scored 1",))
SPEC = ContractSpec.model_validate(
    {"schema": 1, "stages": {"rollout": {"commands": ["a"]}, "evaluate": {"commands": ["b"]}}}
)


def result(calibration: Calibration, options: RolloutOptions, *, n_scored: int = 4) -> Result:
    rollout = Rollout(plan=Plan(name="m", rows=(), model="m"), samples=SAMPLES, tree=None)
    evaluation = Evaluation(score=1.0, n_planned=4, n_scored=n_scored)
    measurement = Measurement(rollout=rollout, samples=SAMPLES, evaluation=evaluation)
    return conclude(measurement, calibration, SPEC, options, commit="c", sandbox="", cost_usd=0.0)


@pytest.mark.parametrize(
    ("calibration", "options", "n_scored", "score", "label"),
    [
        (GOOD, RolloutOptions(), 4, 1.0, "calibrated"),
        (BAD, RolloutOptions(), 4, None, "unverified"),
        (BAD, RolloutOptions(allow_uncalibrated=True), 4, 1.0, "uncalibrated"),
        (GOOD, RolloutOptions(), 3, None, "calibrated"),
        (GOOD, RolloutOptions(min_coverage=0.75), 3, 1.0, "calibrated"),
    ],
    ids=["all holds", "not calibrated", "accepted by the user", "a sample lost", "a loss accepted"],
)
def test_a_score_is_given_where_every_condition_holds(
    calibration: Calibration, options: RolloutOptions, n_scored: int, score: float | None, label: str
) -> None:
    found = result(calibration, options, n_scored=n_scored)

    assert (found.score, found.ok, found.label) == (score, score is not None, label)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (SAMPLES, ""),
        (SAMPLES[:3], "3 samples for 4 planned"),
        ((*SAMPLES[:3], replace(SAMPLES[3], reward=None)), "1 of 4 samples have no reward"),
        ((*SAMPLES[:3], replace(SAMPLES[3], prompt=" ")), "1 of 4 samples have an empty prompt"),
        (tuple(replace(one, completion="") for one in SAMPLES), "all 4 completions are empty"),
        (tuple(replace(one, prompt="same") for one in SAMPLES), "4 tasks share 1 prompts"),
        (
            (*SAMPLES[:3], replace(SAMPLES[3], reward=None, status=SampleStatus.INFRA_ERROR)),
            "1 of 4 samples were not judged (1 infra_error)",
        ),
        (
            tuple(replace(SAMPLES[0], id=f"{i}", prompt=f"{i}", target=f"{i}") for i in range(9)),
            "all 9 completions are the same text",
        ),
        ((), "the rollout left no samples"),
    ],
    ids=[
        "complete",
        "missing",
        "unrewarded",
        "no prompt",
        "no completion",
        "one prompt for all",
        "one lost",
        "one answer to everything",
        "nothing",
    ],
)
def test_samples_that_are_no_evidence_are_told_apart(samples: tuple[Sample, ...], said: str) -> None:
    assert said in why_samples_fail(samples, 4)
    assert bool(why_samples_fail(samples, 4)) == bool(said)


def test_every_demand_that_is_not_met_has_a_sentence() -> None:
    samples = tuple(replace(one, prompt="", completion="", reward=None) for one in SAMPLES)

    assert why_samples_fail(samples, 6) == (
        "--require-samples: 4 samples for 6 planned; 4 of 4 samples have an empty prompt; all 4 completions "
        "are empty; 4 of 4 samples have no reward (a grader of the target's own gives them with "
        "stages.evaluate.results); 4 tasks share 1 prompts; each must ask something of its own"
    )
