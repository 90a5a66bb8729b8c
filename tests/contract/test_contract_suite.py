"""Many targets, several models: one run each, one summary, and nothing that is finished is done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from honing.contract import (
    GapError,
    Mode,
    RolloutOptions,
    SetupOptions,
    SuiteRequest,
    SuiteWatcher,
    TargetSummary,
    ask_all,
    measure_targets,
    setup,
)
from honing.contract.results.model_differences import differences
from honing.contract.results.outputs import options_config
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.suite import SUITE
from honing.errors import UsageError
from honing.store import list_runs

Write = Callable[..., Path]


def asked(home: Path, *models: str, **more: Any) -> SuiteRequest:
    rollout = RolloutOptions(mode=Mode.FULL)
    return SuiteRequest(models=models, setup=SetupOptions(home=home), rollout=rollout, **more)


@pytest.fixture
def targets(write_data: Write, tmp_path: Path) -> list[str]:
    """Two data sets with a folder between them that holds none."""
    first = write_data(12)
    second, empty = tmp_path / "second", tmp_path / "empty"
    empty.mkdir()
    (empty / "notes.txt").write_text("nothing to run here\n")
    second.mkdir()
    (second / "test.jsonl").write_bytes((first / "test.jsonl").read_bytes())
    return [str(first), str(empty), str(second)]


def shown(summaries: Sequence[TargetSummary]) -> list[tuple[bool, bool, bool, float | None]]:
    return [(one.ok, one.rollout_ok, one.evaluation_ok, one.metrics["score"]) for one in summaries]


def test_a_target_that_fails_ends_no_other_and_says_why(targets: list[str], tmp_path: Path) -> None:
    summaries, suite = measure_targets(targets, asked(tmp_path / "runs", "scripted/perfect"))

    assert shown(summaries) == [(True, True, True, 1.0), (False, False, False, None), (True, True, True, 1.0)]
    assert summaries[0].used_anchors[0].startswith("test.jsonl")
    assert summaries[1].metrics["level"] == "L0"
    assert summaries[1].reason.startswith("Gap: ")
    assert (Path(summaries[1].run) / "contract_gap.json").is_file()
    assert len({one.run for one in summaries}) == 3
    written = json.loads((suite / "targets.json").read_text())
    assert written["ok"] is False
    assert [one["target"] for one in written["targets"]] == targets


def test_a_finished_target_is_not_done_again_unless_its_folder_changed(
    targets: list[str], tmp_path: Path
) -> None:
    request = asked(tmp_path / "runs", "scripted/perfect")
    begun: list[str] = []
    watcher = SuiteWatcher(begun=begun.append)
    first, suite = measure_targets(targets, request, watcher)
    rows = Path(targets[2]) / "test.jsonl"
    rows.write_text(rows.read_text().replace("Ann", "Eve"))
    second, again = measure_targets(targets, request, watcher)

    assert suite == again
    assert begun == [*targets, targets[1], targets[2]]
    assert second[0] == first[0]
    assert second[2].run != first[2].run


@pytest.mark.parametrize("option", ["oracle", "env", "contract"])
def test_a_finished_target_is_done_again_where_the_set_up_is_another(
    targets: list[str], tmp_path: Path, option: str
) -> None:
    asking = asked(tmp_path / "runs", "scripted/perfect")
    first, _ = measure_targets(targets[:2], asking)
    file = tmp_path / "oracle.jsonl"
    file.write_text('{"match": "no such prompt", "completion": "7"}\n')
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "contract.yaml").write_bytes((Path(first[0].run) / "contract.yaml").read_bytes())
    other: dict[str, Any] = {"oracle": file, "env": {"LEVEL": "2"}, "contract": folder}

    again, _ = measure_targets(
        targets[:2], replace(asking, setup=replace(asking.setup, **{option: other[option]}))
    )

    assert again[0].run != first[0].run


def test_a_suite_in_which_all_is_well_is_done_and_the_next_one_begins_anew(
    targets: list[str], tmp_path: Path
) -> None:
    request = asked(tmp_path / "runs", "scripted/perfect")
    _, first = measure_targets(targets[:1], request)
    _, second = measure_targets(targets[:1], request)

    assert first != second
    assert [entry.status for entry in list_runs(tmp_path / "runs", kind=SUITE)] == ["done", "done"]


@pytest.mark.parametrize(
    ("names", "models", "said"),
    [(("a", "a"), ("scripted/perfect",), "named twice"), (("a",), ("gpt-4o-mini",), "OPENAI_API_KEY")],
    ids=["a target twice", "a model without a key"],
)
def test_a_request_that_is_wrong_for_every_target_is_refused_before_any(
    tmp_path: Path, names: Sequence[str], models: Sequence[str], said: str
) -> None:
    with pytest.raises(Exception, match=said):
        measure_targets(names, asked(tmp_path / "runs", *models))

    assert list_runs(tmp_path / "runs") == []


def test_several_models_share_a_run_and_are_compared_on_the_same_samples(
    write_data: Write, tmp_path: Path
) -> None:
    models = ("scripted/perfect", "scripted/skilled-0.5", "scripted/empty")
    request = asked(tmp_path / "runs", *models)
    with setup(write_data(30), request.setup) as session:
        ended = ask_all(session, request)
    found = json.loads((session.run.path / "models.json").read_text())

    half = ended[1][1].score
    assert half is not None
    assert [one["model"] for one in found["models"]] == list(models)
    assert [one["score"] for one in found["models"]] == [1.0, half, 0.0]
    pairs = {(one["a"], one["b"]): one for one in found["differences"]}
    against = pairs["scripted/perfect", "scripted/skilled-0.5"]
    assert against["difference"] == pytest.approx(half - 1.0)
    assert against["ci95"][0] < half - 1.0 < against["ci95"][1] < 0
    assert pairs["scripted/perfect", "scripted/empty"]["difference"] == -1.0
    samples = session.run.path / found["models"][1]["samples_jsonl"]
    rewards = [json.loads(line)["reward"] for line in samples.read_text().splitlines()]
    assert sum(rewards) / 30 == half


def judged(rewards: Mapping[str, float], epochs: int = 1) -> list[Sample]:
    return [
        Sample(id=task, epoch=epoch, prompt=task, reward=reward, status=SampleStatus.COMPLETED)
        for task, reward in rewards.items()
        for epoch in range(epochs)
    ]


def test_models_are_compared_on_the_samples_both_have() -> None:
    first = judged({f"q{i}": float(i % 2) for i in range(20)})
    second = judged({f"q{i}": 1.0 for i in range(5, 30)})
    (found,) = differences([("a", first), ("b", second)])

    assert (found.pairs, found.difference) == (15, pytest.approx(7 / 15))
    assert found.p_value == pytest.approx(2 * 0.5**7)


def test_with_three_models_the_p_values_are_corrected_for_three_comparisons() -> None:
    better = judged({f"q{i}": 1.0 for i in range(12)})
    worse = judged({f"q{i}": float(i > 5) for i in range(12)})
    found = differences([("a", better), ("b", worse), ("c", worse)])

    assert [one.p_value for one in found] == [pytest.approx(2 * 0.5**6)] * 2 + [1.0]
    assert [one.p_holm for one in found] == [pytest.approx(6 * 0.5**6)] * 2 + [1.0]


def test_repeated_answers_to_a_task_are_one_cluster() -> None:
    first = judged({f"q{i}": float(i % 2) for i in range(8)}, epochs=4)
    second = judged({f"q{i}": 1.0 for i in range(8)}, epochs=4)
    (repeated,) = differences([("a", first), ("b", second)])
    (once,) = differences([("a", first[::4]), ("b", second[::4])])

    assert repeated.pairs == 32
    assert repeated.p_value == once.p_value == pytest.approx(2 * 0.5**4)


def test_answers_that_exist_already_are_judged_on_every_target(targets: list[str], tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    rows = [json.loads(line) for line in (Path(targets[0]) / "test.jsonl").read_text().splitlines()]
    lines = [json.dumps({"prompt": row["question"], "output": row["answer"]}) for row in rows]
    answers.write_text("\n".join(lines) + "\n")
    summaries, _ = measure_targets([targets[0]], asked(tmp_path / "runs", samples=answers))

    assert shown(summaries) == [(True, True, True, 1.0)]


def test_a_misuse_leaves_no_run_behind(write_data: Write, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    with pytest.raises(UsageError, match="scripted models are"):  # noqa: SIM117 - the session is what raises
        with setup(write_data(4), SetupOptions(home=home)) as session:
            session.rollout("scripted/best")

    assert list_runs(home) == []


def test_a_failure_that_is_no_misuse_keeps_its_run(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing to run here\n")
    with pytest.raises(GapError) as raised:
        setup(tmp_path / "empty", SetupOptions(home=tmp_path / "runs"))

    (entry,) = list_runs(tmp_path / "runs")
    assert raised.value.run_folder == str(entry.path)


def test_the_page_shows_models_and_how_far_they_are_apart(write_data: Write, tmp_path: Path) -> None:
    request = asked(tmp_path / "runs", "scripted/perfect", "scripted/empty")
    with setup(write_data(8), request.setup) as session:
        ask_all(session, request)
    page = (session.run.path / "report.json").read_text()

    assert "Differences on the same samples" in page
    assert "8 of 8 answers of scripted/empty lack the line '#### ...'" in page


def test_a_folder_of_the_user_s_is_another_once_something_in_it_changed(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "gold.txt").write_text("right")
    options = SetupOptions(home=folder / "runs", env={"DATA": str(folder)})
    before = options_config(options)
    (folder / "runs" / "one").mkdir(parents=True)
    same = options_config(options)
    (folder / "inner" / "gold.txt").write_text("wrong again")

    assert before == same
    assert options_config(options) != before
