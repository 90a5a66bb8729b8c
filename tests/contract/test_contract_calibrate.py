"""The verdict over the controls: a score may be reported only where they bracket it."""

from __future__ import annotations

import pytest

from honing.contract.controls.calibrate import Calibration, Level, OracleSource, Taken, judge
from honing.contract.spec import MetricSpec

ACCURACY = MetricSpec()
GOOD = {
    "oracle": Taken(1.0, 64),
    "null": Taken(0.0, 64),
    "shuffled": Taken(0.0, 64),
    "format:boxed": Taken(1.0, 64),
}


def verdict(
    metric: MetricSpec = ACCURACY, *, population: int = 1000, own: bool = True, **changed: Taken
) -> Calibration:
    taken = {**GOOD, **{name.replace("__", ":"): figure for name, figure in changed.items()}}
    return judge(
        metric, taken, oracle_source=OracleSource.DATA, rows=64, population=population, own_scorer=own
    )


def test_controls_that_bracket_the_score_reach_level_5() -> None:
    calibration = verdict()

    assert (calibration.ok, calibration.level, calibration.reasons) == (True, Level.CALIBRATED, ())


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"oracle": Taken(0.98, 64)}, "oracle: scored 0.98 over 64 samples; the gold itself must score"),
        ({"null": Taken(1.0, 64)}, "null: scored 1 over 64 samples"),
        ({"null": Taken(1 / 64, 64)}, "null: scored 0.01562 over 64 samples (bound 0.07199)"),
        ({"shuffled": Taken(0.5, 64)}, "shuffled: scored 0.5 over 64 samples"),
        ({"format__boxed": Taken(0.9, 64)}, "format:boxed: scored 0.9 over 64 samples; a right answer"),
        ({"oracle": Taken(None, 0, "the stage failed")}, "oracle: the stage failed"),
    ],
    ids=["oracle below", "null at the top", "null once right in a sample", "shuffled", "format", "no score"],
)
def test_a_control_out_of_place_forbids_the_score(changed: dict[str, Taken], reason: str) -> None:
    calibration = verdict(**changed)

    assert (calibration.ok, calibration.level) == (False, Level.METRIC_DECLARED)
    assert len(calibration.reasons) == 1
    assert calibration.reasons[0].startswith(reason)


def test_on_all_rows_a_figure_carries_no_sampling_error() -> None:
    assert verdict(population=64, null=Taken(1 / 64, 64)).ok


def test_without_a_gold_the_contract_stays_unverified() -> None:
    calibration = judge(
        ACCURACY,
        {"null": Taken(0.0, 8)},
        oracle_source=OracleSource.UNAVAILABLE,
        rows=8,
        population=8,
        own_scorer=False,
    )

    assert (calibration.ok, calibration.level) == (False, Level.METRIC_DECLARED)
    assert calibration.reasons == (
        "oracle: unavailable; without a gold nothing shows that a right answer would score",
    )


def test_a_foreign_scorers_formats_are_reported_not_required() -> None:
    calibration = verdict(own=False, format__boxed=Taken(0.2, 64))

    assert calibration.ok
    assert calibration.score_of("format:boxed") == 0.2


def test_chance_raises_the_floor() -> None:
    four_choices = MetricSpec(chance=0.25)

    assert verdict(four_choices, population=64, shuffled=Taken(0.29, 64)).ok
    assert not verdict(four_choices, population=64, shuffled=Taken(0.31, 64)).ok


def test_a_metric_to_minimise_is_judged_upside_down() -> None:
    errors = MetricSpec(name="error", direction="minimize", range=(0.0, 100.0), chance=100.0)
    taken = {"oracle": Taken(0.5, 64), "null": Taken(100.0, 64), "shuffled": Taken(96.0, 64)}
    calibration = judge(
        errors, taken, oracle_source=OracleSource.FILE, rows=64, population=64, own_scorer=False
    )

    assert calibration.ok
    worse = judge(
        errors,
        {**taken, "null": Taken(94.0, 64)},
        oracle_source=OracleSource.FILE,
        rows=64,
        population=64,
        own_scorer=False,
    )
    assert [reason.split(";")[0] for reason in worse.reasons] == [
        "null: scored 94 over 64 samples (bound 94)"
    ]


def test_the_document_lists_formats_by_name() -> None:
    assert verdict().as_document() == {
        "ok": True,
        "oracle": 1.0,
        "null": 0.0,
        "shuffled": 0.0,
        "half": None,
        "talk": None,
        "format": {"boxed": 1.0},
        "oracle_source": "data",
        "rows": 64,
        "population": 1000,
        "reasons": [],
    }


def test_right_answers_must_be_clearly_better_than_worthless_ones() -> None:
    generous = MetricSpec(chance=0.89)
    close = {"oracle": Taken(0.99, 64), "null": Taken(0.93, 64), "shuffled": Taken(0.93, 64)}

    calibration = judge(
        generous, close, oracle_source=OracleSource.FILE, rows=64, population=64, own_scorer=False
    )

    assert calibration.reasons == (
        "right and worthless answers differ by 0.06 of the range; at least 0.1 is needed",
    )
