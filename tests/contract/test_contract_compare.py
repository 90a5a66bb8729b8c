"""Two runs compared, pair by pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats as scipy_stats

from honing.contract import compare_runs
from honing.errors import UsageError
from honing.stats import mcnemar_power, newcombe_paired
from made_runs import made_run

A = [1.0] * 30 + [0.0] * 20 + [1.0] * 4 + [0.0] * 16
B = [1.0] * 30 + [0.0] * 20 + [0.0] * 4 + [1.0] * 16


def test_right_and_wrong_answers_are_compared_by_what_flipped(tmp_path: Path) -> None:
    found = compare_runs(made_run(tmp_path, A), made_run(tmp_path, B))
    expected = newcombe_paired(30, 16, 4, 20)

    assert (found.pairs, found.tasks, found.better_b, found.better_a, found.ties) == (70, 70, 16, 4, 50)
    assert found.interval == expected
    assert found.interval.estimate == pytest.approx(12 / 70)
    assert (found.test, found.verdict) == ("McNemar, exact", "B")
    assert found.p_value == pytest.approx(scipy_stats.binomtest(4, 20).pvalue)
    assert [(flip.id, flip.a, flip.b) for flip in found.flips[:5]] == [
        ("r050", 1.0, 0.0),
        ("r051", 1.0, 0.0),
        ("r052", 1.0, 0.0),
        ("r053", 1.0, 0.0),
        ("r054", 0.0, 1.0),
    ]
    assert (found.warnings, dict(found.excluded)) == ((), {})


def test_the_power_says_what_the_comparison_could_see(tmp_path: Path) -> None:
    reach = compare_runs(made_run(tmp_path, A), made_run(tmp_path, B)).reach
    share = 20 / 70

    assert reach.unit == "pairs"
    assert reach.needed is not None
    assert mcnemar_power(reach.needed, 16 / 70, 4 / 70) >= 0.8
    assert mcnemar_power(reach.needed - 1, 16 / 70, 4 / 70) < 0.8
    assert reach.smallest is not None
    assert mcnemar_power(70, (share + reach.smallest) / 2, (share - reach.smallest) / 2) == pytest.approx(
        0.8, abs=0.01
    )


def test_a_run_compared_with_itself_is_undecided(tmp_path: Path) -> None:
    run = made_run(tmp_path, A)
    found = compare_runs(run, run)

    assert (found.verdict, found.p_value, found.interval.estimate) == ("undecided", 1.0, 0.0)
    assert (found.ties, found.flips, found.reach.needed) == (70, (), None)


def test_samples_lost_to_infrastructure_are_no_pairs_and_are_counted(tmp_path: Path) -> None:
    found = compare_runs(
        made_run(tmp_path, [1.0, None, 0.0, 1.0, 0.0]), made_run(tmp_path, [1.0, 0.0, None, None])
    )

    assert (found.pairs, found.a.mean, found.b.mean) == (1, 1.0, 1.0)
    assert dict(found.excluded) == {"infra_error in A": 1, "infra_error in B": 2, "only in A": 1}


def test_epochs_of_a_row_are_one_cluster(tmp_path: Path) -> None:
    up = [1.0, 1.0, 1.0, 1.0] * 6 + [0.0] * 24
    found = compare_runs(made_run(tmp_path, [0.0] * 48, epochs=4), made_run(tmp_path, up, epochs=4))

    assert (found.pairs, found.tasks, found.reach.unit) == (48, 12, "tasks")
    assert found.test == "paired permutation (exact, whole tasks flipped)"
    assert found.p_value == pytest.approx(2 / 2**6)
    assert found.interval.high - found.interval.low > 0.5


def test_rewards_in_between_use_bootstrap_and_permutation(tmp_path: Path) -> None:
    a = [0.1 + 0.005 * (at % 13) for at in range(60)]
    b = [reward + 0.05 + 0.003 * (at % 7) for at, reward in enumerate(a)]
    found = compare_runs(made_run(tmp_path, a), made_run(tmp_path, b))

    assert found.interval.method.value == "bootstrap-bca"
    assert found.interval.low < sum(b) / 60 - sum(a) / 60 < found.interval.high
    assert found.test == "paired permutation (9999 draws)"
    assert (found.p_value, found.verdict) == (1e-4, "B")
    assert (found.better_b, found.better_a, found.ties) == (60, 0, 0)


def test_a_metric_to_be_made_small_is_better_when_smaller(tmp_path: Path) -> None:
    metric = {"name": "error", "direction": "minimize", "chance": 1.0}
    found = compare_runs(made_run(tmp_path, A, metric=metric), made_run(tmp_path, B, metric=metric))

    assert (found.verdict, found.better_a, found.better_b) == ("A", 16, 4)


def test_differences_are_in_the_unit_of_the_metric(tmp_path: Path) -> None:
    metric = {"name": "points", "range": [0, 100]}
    found = compare_runs(made_run(tmp_path, A, metric=metric), made_run(tmp_path, B, metric=metric))
    plain = compare_runs(made_run(tmp_path, A), made_run(tmp_path, B))

    assert found.interval.estimate == pytest.approx(100 * plain.interval.estimate)
    assert found.interval.low == pytest.approx(100 * plain.interval.low)
    assert (found.a.mean, found.p_value) == (pytest.approx(100 * 34 / 70), plain.p_value)
    assert found.reach.smallest == pytest.approx(100 * (plain.reach.smallest or 0))


def test_unequal_contracts_are_refused_and_forced_with_a_warning(tmp_path: Path) -> None:
    a, b = made_run(tmp_path, A), made_run(tmp_path, B, name="another")

    with pytest.raises(UsageError, match=r"the contracts differ.*--force"):
        compare_runs(a, b)
    found = compare_runs(a, b, force=True)
    assert found.warnings == (
        "forced: the contracts differ: the difference is between two ways to measure as well",
    )


def test_other_data_are_refused_even_with_force(tmp_path: Path) -> None:
    a, b = made_run(tmp_path, A), made_run(tmp_path, B)
    lines = (b.path / "samples.jsonl").read_text().replace('"target":"7"', '"target":"8"')
    lines = lines.replace('"target": "7"', '"target": "8"')
    (b.path / "samples.jsonl").write_text(lines)

    with pytest.raises(UsageError, match="another right answer"):
        compare_runs(a, b, force=True)


def test_other_prompts_need_force(tmp_path: Path) -> None:
    a, b = made_run(tmp_path, A), made_run(tmp_path, B)
    lines = (b.path / "samples.jsonl").read_text().replace("What is 7 plus", "How much is 7 plus")
    (b.path / "samples.jsonl").write_text(lines)

    with pytest.raises(UsageError, match="1 of 70 prompts differ"):
        compare_runs(a, b)
    assert compare_runs(a, b, force=True).warnings[0].startswith("forced: 1 of 70 prompts differ")


def test_an_uncalibrated_side_is_a_warning(tmp_path: Path) -> None:
    b = made_run(tmp_path, B, label="uncalibrated", level="L4", reason="accepted")
    found = compare_runs(made_run(tmp_path, A), b)

    assert found.warnings == (f"{b.path.name} is uncalibrated: accepted",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metric": {"name": "other"}}, "declare different metrics"),
        ({"missing": "metrics.json"}, "its evaluation did not end"),
    ],
    ids=["another metric", "a run without metrics"],
)
def test_runs_that_cannot_be_compared_say_why(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    a, b = made_run(tmp_path, A), made_run(tmp_path, B, metric=change.get("metric"))
    if "missing" in change:
        (b.path / change["missing"]).unlink()

    with pytest.raises(UsageError, match=says):
        compare_runs(a, b)


def test_a_one_sided_comparison_still_has_a_number_of_pairs(tmp_path: Path) -> None:
    found = compare_runs(made_run(tmp_path, [0.0] * 40), made_run(tmp_path, [1.0] * 10 + [0.0] * 30))

    assert found.reach.needed is not None
    assert 20 < found.reach.needed < 60
