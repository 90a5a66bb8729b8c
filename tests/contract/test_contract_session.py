"""The main path: a target is set up, calibrated, rolled out, evaluated and torn down."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.contract import GapError, Mode, RolloutOptions, SetupOptions, Tape, reverify, setup
from honing.contract.session import EvaluationResult
from honing.errors import UsageError
from honing.store import Run

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)


def measure(target: Path, home: Path, llm: str = "scripted/perfect") -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


@pytest.mark.parametrize(("llm", "score"), [("scripted/perfect", 1.0), ("scripted/empty", 0.0)])
def test_a_model_of_known_skill_gets_its_score(
    write_data: Write, tmp_path: Path, llm: str, score: float
) -> None:
    result = measure(write_data(), tmp_path / "runs", llm)

    assert (result.ok, result.score) == (True, score)
    assert (result.metrics["level"], result.metrics["label"]) == ("L5", "calibrated")
    assert (result.metrics["n_planned"], result.metrics["n_scored"], result.metrics["coverage"]) == (
        40,
        40,
        1,
    )
    assert result.metrics["counts"] == {"samples": 40, "calls": 40, "without_answer_line": 40 - 40 * score}


def test_a_model_that_is_right_sometimes_scores_its_realised_fraction(
    write_data: Write, tmp_path: Path
) -> None:
    with setup(write_data(200), SetupOptions(home=tmp_path / "runs")) as session:
        samples = session.rollout("scripted/skilled-0.6", FULL).samples
        result = session.evaluate()

    right = sum(sample.completion.split("#### ")[-1] == sample.target for sample in samples)
    low, high = result.metrics["ci95"]
    assert 90 < right < 150
    assert result.score == pytest.approx(right / 200)
    assert low < right / 200 < high


def test_exactly_the_rows_that_are_named_are_asked(write_data: Write, tmp_path: Path) -> None:
    with setup(write_data(), SetupOptions(home=tmp_path / "runs")) as session:
        every = [sample.id for sample in session.rollout("scripted/perfect", FULL).samples]
        some = RolloutOptions(ids=(every[7], every[3]))
        asked = [sample.id for sample in session.rollout("scripted/perfect", some).samples]
        planned = session.evaluate().metrics["n_planned"]

        with pytest.raises(UsageError, match="1 of 2 rows asked for are not in the data, 'no-such' for one"):
            session.rollout("scripted/perfect", RolloutOptions(ids=(every[0], "no-such")))

    assert (asked, planned) == ([every[3], every[7]], 2)


def test_a_target_with_its_own_commands_is_calibrated_and_scored(write_target: Write, tmp_path: Path) -> None:
    result = measure(write_target(), tmp_path / "runs")

    found = result.metrics["calibration"]
    assert (result.ok, result.score, result.metrics["calls"]) == (True, 1.0, 12)
    assert (found["oracle"], found["null"], found["shuffled"]) == (1.0, 0.0, 0.0)
    assert result.metrics["sandbox"] in ("bubblewrap", "landlock")


def test_the_smoke_mode_asks_a_seeded_sample_and_prints_the_denominator(
    write_data: Write, tmp_path: Path
) -> None:
    target = write_data()
    seen = []
    for seed in (0, 0, 1):
        with setup(target, SetupOptions(home=tmp_path / "runs", seed=seed), fresh=True) as session:
            session.rollout("scripted/perfect", RolloutOptions())
            metrics = session.evaluate().metrics
            seen.append([row["id"] for row in lines(session.run, "samples.jsonl")])

    assert (metrics["mode"], metrics["n_planned"], metrics["population"]) == ("smoke", 16, 40)
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def lines(run: Run, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run.path / name).read_text().splitlines()]


def test_a_target_without_any_task_leaves_a_gap_record(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "README.md").write_text("Nothing to measure here.\n")

    with pytest.raises(GapError, match="no contract: the target has no"):
        setup(target, SetupOptions(home=tmp_path / "runs"))
    (gap,) = (tmp_path / "runs").glob("*/contract_gap.json")
    assert json.loads(gap.read_text())["reason"] == "no_data"


def test_setup_takes_a_mapping(write_data: Write, tmp_path: Path) -> None:
    with setup({"target": write_data(), "home": str(tmp_path / "runs"), "seed": 7}) as session:
        assert session.run.seed == 7


def test_setup_names_an_unknown_key(write_data: Write) -> None:
    with pytest.raises(UsageError, match="unknown key 'sead'"):
        setup({"target": write_data(), "sead": 7})


def test_evaluate_needs_a_rollout(write_data: Write, tmp_path: Path) -> None:
    with (
        setup(write_data(), SetupOptions(home=tmp_path / "runs")) as session,
        pytest.raises(UsageError, match="call rollout"),
    ):
        session.evaluate()


def test_the_users_own_folder_is_left_as_it_was(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    measure(target, tmp_path / "runs")

    assert {path: path.read_bytes() for path in target.rglob("*") if path.is_file()} == before


def test_stored_samples_are_judged_again_without_a_model(write_data: Write, tmp_path: Path) -> None:
    result = measure(write_data(), tmp_path / "runs", "scripted/skilled-0.6")
    found = reverify(Run.open(result.path.parent))

    assert (found.ok, found.n, found.score) == (True, 40, result.score)


def test_a_stored_reward_that_does_not_stand_is_named(write_data: Write, tmp_path: Path) -> None:
    result = measure(write_data(), tmp_path / "runs", "scripted/empty")
    run = Run.open(result.path.parent)
    rows = lines(run, "samples.jsonl")
    run.write_jsonl("samples.jsonl", [{**rows[0], "reward": 1.0}, *rows[1:]])

    found = reverify(run)

    assert [(one["id"], one["stored"], one["now"]) for one in found.changed] == [(rows[0]["id"], 1.0, 0.0)]


def test_a_recording_gives_the_same_score_without_any_call(write_data: Write, tmp_path: Path) -> None:
    target, options = write_data(), SetupOptions(home=tmp_path / "runs")
    with setup(target, options) as session:
        session.rollout("scripted/skilled-0.6", FULL, tape=Tape(record=True))
        first = session.evaluate()
    with setup(target, options, fresh=True) as session:
        session.rollout("scripted/skilled-0.6", FULL, tape=Tape(replay=first.path.parent))
        again = session.evaluate()

    assert 0 < (first.score or 0) < 1
    assert again.score == first.score


def test_answers_that_exist_already_are_judged(write_data: Write, tmp_path: Path) -> None:
    target = write_data()
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        asked = session.rollout("scripted/perfect", FULL).samples
    answers = tmp_path / "answers.jsonl"
    rows = [{"id": one.id, "completion": one.completion if i % 4 else "no"} for i, one in enumerate(asked)]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows[:-1]))
    with setup(target, SetupOptions(home=tmp_path / "runs"), fresh=True) as session:
        session.rollout(answers, RolloutOptions(mode=Mode.FULL, min_coverage=0.9))
        result = session.evaluate()

    assert (result.metrics["n_scored"], result.metrics["n_planned"]) == (39, 40)
    assert result.metrics["outcomes"]["skipped"] == 1
    assert result.score == pytest.approx(29 / 39)


def test_repeated_answers_give_pass_at_k(write_data: Write, tmp_path: Path) -> None:
    with setup(write_data(), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/skilled-0.6", RolloutOptions(mode=Mode.FULL, epochs=4))
        metrics = session.evaluate().metrics

    found = {k: one["estimate"] for k, one in metrics["pass_at"].items()}
    assert (metrics["n_planned"], sorted(found)) == (160, ["1", "2", "4"])
    assert found["1"] == pytest.approx(metrics["score"])
    assert found["1"] < found["2"] < found["4"] <= 1.0
