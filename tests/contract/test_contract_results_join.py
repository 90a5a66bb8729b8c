"""A grader's own results: read strictly, joined with the samples, and held against its score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from honing.contract.samples.results_file import list_results, reward_of
from honing.contract.samples.results_join import (
    Judged,
    Results,
    episodes,
    names_of_tasks,
    results_from,
    results_of,
    rewarded,
)
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import EvaluateSpec, MetricSpec

SAMPLES = tuple(
    Sample(id=f"q{i}", prompt=f"Question {i}?", completion=f"It is {i}.", status=SampleStatus.COMPLETED)
    for i in range(4)
)
ROWS = [{"task": f"q{i}", "passed": i != 2} for i in range(4)]
DECLARED = {"path": "out/*.jsonl", "id": "task", "reward": "passed"}


def jsonl(rows: Sequence[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def judged(folder: Path, score: float = 0.75, **more: Any) -> Judged:
    """The evaluate stage that wrote everything in `folder`."""
    results = more.pop("results", None)
    samples = more.pop("samples", SAMPLES)
    spec = {"commands": ["grade"], **({"results": results} if results else {})}
    return Judged(
        folder=folder,
        spec=EvaluateSpec.model_validate(spec),
        metric=MetricSpec.model_validate(more.pop("metric", {})),
        samples=samples,
        score=score,
        before=more.pop("before", {}),
        aliases=names_of_tasks(samples, more.pop("raw", {})),
        **more,
    )


def found(folder: Path, score: float = 0.75, **more: Any) -> Results:
    results = results_of(judged(folder, score, **more))
    assert results is not None
    return results


def put(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_declared_results_give_every_sample_its_reward(tmp_path: Path) -> None:
    put(tmp_path, "out/results.jsonl", jsonl(ROWS))
    results = found(tmp_path, results=DECLARED)

    assert [one.reward for one in rewarded(SAMPLES, results)] == [1.0, 1.0, 0.0, 1.0]
    assert results.summary() == {
        "file": "out/*.jsonl", "by": "contract", "column": "passed", "n": 4, "n_scored": 4,
        "agrees": True, "reason": "",
    }  # fmt: skip
    assert results_from(json.loads(json.dumps(results.as_document()))) == results


OTHER_FORMS = {
    "an object by id": ("r.json", json.dumps({row["task"]: {"ok": row["passed"]} for row in ROWS}), "ok"),
    "words by id, deep inside": (
        "r.json",
        json.dumps(
            {"eval": {row["task"]: [{"status": "pass" if row["passed"] else "fail"}] for row in ROWS}}
        ),
        "status",
    ),
    "bare values by id": ("r.json", json.dumps({row["task"]: row["passed"] for row in ROWS}), ""),
    "a list beside the metric": ("metrics.json", json.dumps({"score": 0.75, "details": ROWS}), "passed"),
    "a table": ("r.csv", "task,score\n" + "".join(f"q{i},{float(i != 2)}\n" for i in range(4)), "score"),
    "by the completion": (
        "r.jsonl",
        jsonl([{"output": one.completion, "correct": one.id != "q2"} for one in SAMPLES]),
        "correct",
    ),
}


@pytest.mark.parametrize(("name", "text", "column"), OTHER_FORMS.values(), ids=OTHER_FORMS)
def test_results_that_nobody_declared_are_recognised(
    tmp_path: Path, name: str, text: str, column: str
) -> None:
    put(tmp_path, name, text)
    results = found(tmp_path)

    assert (results.by, results.file, results.column, results.usable) == ("found", name, column, True)
    assert [one.reward for one in rewarded(SAMPLES, results)] == [1.0, 1.0, 0.0, 1.0]


def test_a_column_whose_mean_is_not_the_score_is_passed_over_for_one_whose_mean_is(tmp_path: Path) -> None:
    rows = [{"id": f"q{i}", "score": 0.5, "strict": float(i != 2)} for i in range(4)]
    put(tmp_path, "r.jsonl", jsonl(rows))

    assert found(tmp_path).column == "strict"


def test_rewards_that_contradict_the_score_are_reported_and_not_used(tmp_path: Path) -> None:
    put(tmp_path, "out/r.jsonl", jsonl(ROWS))
    for results in (found(tmp_path, 0.9, results=DECLARED), found(tmp_path, 0.9)):
        assert not results.usable
        assert results.reason == (
            f"results_disagree: the 4 rewards under 'passed' in {results.file} have the mean 0.75, but the "
            "declared score is 0.9"
        )
        assert rewarded(SAMPLES, results) == SAMPLES


NOT_RESULTS = {
    "not every task": jsonl(ROWS[:3]),
    "another task as well": jsonl([*ROWS, {"task": "q9", "passed": True}]),
    "one task twice, another once": jsonl([*ROWS, ROWS[0]]),
    "no rewards": jsonl([{"task": row["task"], "note": "fine"} for row in ROWS]),
    "no JSON": "task passed\n",
}


@pytest.mark.parametrize("text", NOT_RESULTS.values(), ids=NOT_RESULTS)
def test_a_file_that_does_not_judge_every_task_once_is_no_results_file(tmp_path: Path, text: str) -> None:
    put(tmp_path, "r.jsonl", text)

    assert results_of(judged(tmp_path)) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("more_cells.csv", "id,passed\nq0,1,7\nq1,1,8\nq2,0,9\nq3,1,9\n"),
        ("too_long.json", json.dumps([{"id": f"q{i}", "score": 10**390} for i in range(4)])),
        ("too_far.json", json.dumps([{"id": f"q{i}", "score": 1e308} for i in range(4)])),
    ],
)
def test_numbers_and_rows_that_fit_nowhere_are_no_verdicts(tmp_path: Path, name: str, text: str) -> None:
    put(tmp_path, name, text)
    recognised = results_of(judged(tmp_path))
    declared = found(tmp_path, results={"path": name, "id": "id", "reward": "score"})

    assert recognised is None or not recognised.usable
    assert not declared.usable


def test_results_from_before_the_stage_are_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, "out/r.jsonl", jsonl(ROWS))
    before = list_results(tmp_path)

    assert results_of(judged(tmp_path, before=before)) is None
    assert "found none" in found(tmp_path, before=before, results=DECLARED).reason
    # What the rollout wrote is new as well.
    assert found(tmp_path, before=before, earlier=frozenset({"out/r.jsonl"})).usable


def test_a_linked_results_file_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/r.jsonl", jsonl(ROWS))
    stage = tmp_path / "stage" / "out"
    stage.mkdir(parents=True)
    (stage / "r.jsonl").symlink_to(tmp_path / "elsewhere" / "r.jsonl")

    assert results_of(judged(tmp_path / "stage")) is None
    assert "found none" in found(tmp_path / "stage", results=DECLARED).reason


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"task": "q0"}], "the result of 'q0' has no 'passed'"),
        (
            [{"task": "q0", "passed": "maybe"}],
            "must be a number, true or false, or pass or fail; got 'maybe'",
        ),
        ([{"passed": True}], "has no 'task' to say which task it is about"),
        ([{"task": "q0", "passed": None}], "no result has a reward"),
        ([1, 2], "must be a list of objects"),
    ],
    ids=["no reward", "no verdict", "no task", "nothing judged", "no records"],
)
def test_declared_results_are_read_strictly(tmp_path: Path, rows: list[Any], said: str) -> None:
    put(tmp_path, "out/r.jsonl", jsonl(rows))

    assert said in found(tmp_path, results=DECLARED).reason


UNITS = {
    "percent": ({"range": (0, 100)}, 75.0, [100.0, 100.0, 0.0, 100.0]),
    "percent, rounded": ({"range": (0, 100)}, 75.0, [100.0, 100.0, 0.0, 100.0]),
    "from -1 to 1": ({"range": (-1, 1), "chance": 0}, 0.5, [1.0, 1.0, -1.0, 1.0]),
    "errors": ({"direction": "minimize"}, 0.25, [0.0, 0.0, 1.0, 0.0]),
}


@pytest.mark.parametrize(("metric", "score", "rewards"), UNITS.values(), ids=UNITS)
def test_verdicts_are_put_into_the_metrics_unit(
    tmp_path: Path, metric: dict[str, Any], score: float, rewards: list[float]
) -> None:
    put(tmp_path, "r.jsonl", jsonl(ROWS))

    assert [reward for _, reward in found(tmp_path, score, metric=metric).rewards] == rewards


@pytest.mark.parametrize(
    ("right", "of", "score", "agrees"),
    [
        (2, 3, 0.67, True),
        (2, 3, 0.6667, True),
        (2, 3, 0.66, False),
        (149, 300, 0.5, False),
        (2, 3, 0.6666, False),
        (1, 2, 0.5, True),
    ],
)
def test_a_rounded_score_agrees_and_a_wrong_one_does_not(
    tmp_path: Path, right: int, of: int, score: float, *, agrees: bool
) -> None:
    samples = [replace(SAMPLES[0], id=f"q{i}", prompt=f"{i}?", completion=f"{i}") for i in range(of)]
    put(tmp_path, "r.jsonl", jsonl([{"id": f"q{i}", "correct": i < right} for i in range(of)]))

    assert found(tmp_path, score, samples=samples).usable is agrees


def test_the_data_s_own_names_of_a_task_join_it(tmp_path: Path) -> None:
    samples = tuple(replace(one, id=f"{number:08x}") for number, one in enumerate(SAMPLES))
    raw = {one.id: {"problem": f"q{number}", "level": 1} for number, one in enumerate(samples)}
    put(tmp_path, "r.jsonl", jsonl(ROWS))

    assert [task for task, _ in found(tmp_path, samples=samples, raw=raw).rewards] == [s.id for s in samples]


def test_an_id_is_not_taken_for_the_answer_of_another_task(tmp_path: Path) -> None:
    texts = ("3", "1", "q-two", "q-three")
    samples = [replace(one, completion=text) for one, text in zip(SAMPLES, texts, strict=True)]
    rows = [{**row, "task": str(number)} for number, row in enumerate(ROWS)]
    put(tmp_path, "out/r.jsonl", jsonl(rows))

    results = found(tmp_path, samples=samples, results=DECLARED)

    assert [task for task, _ in results.rewards] == ["0", "1", "2", "3"]


def test_results_without_a_verdict_lower_the_coverage_and_are_no_zeros(tmp_path: Path) -> None:
    rows = [{**row, "passed": None if row["task"] == "q2" else row["passed"]} for row in ROWS]
    put(tmp_path, "out/r.jsonl", jsonl(rows))
    results = found(tmp_path, 1.0, results=DECLARED)

    assert (results.usable, results.summary()["n_scored"]) == (True, 3)
    assert [one.reward for one in rewarded(SAMPLES, results)] == [1.0, 1.0, None, 1.0]


def test_several_answers_to_a_task_get_their_rewards_in_order(tmp_path: Path) -> None:
    samples = tuple(replace(one, epoch=epoch) for one in SAMPLES[:2] for epoch in (0, 1))
    rows = [
        {"id": "q0", "ok": True},
        {"id": "q0", "ok": False},
        {"id": "q1", "ok": True},
        {"id": "q1", "ok": True},
    ]
    put(tmp_path, "r.jsonl", jsonl(rows))

    assert [one.reward for one in rewarded(samples, found(tmp_path, samples=samples))] == [1, 0, 1, 1]


def test_episodes_are_what_the_results_say_and_not_what_was_asked(tmp_path: Path) -> None:
    calls = (SAMPLES[0], replace(SAMPLES[0], prompt="and then?"), SAMPLES[1])
    rows = [{"task": "q0", "passed": 1.0}, {"task": "q7", "passed": -1.0}]
    put(tmp_path, "out/r.jsonl", jsonl(rows))
    metric = {"range": (-1, 1), "chance": -1}
    results = found(tmp_path, 0.0, samples=calls, results=DECLARED, metric=metric)
    acted = episodes(results, calls)

    assert [(one.id, one.reward) for one in acted] == [("q0", 1.0), ("q7", -1.0)]
    assert acted[0].prompt == "Question 0?\n\nand then?"


@pytest.mark.parametrize(
    ("value", "reward"),
    [(True, 1.0), (0, 0.0), ("PASS", 1.0), ("timeout", 0.0), ("0.5", None), (None, None), ("error", None),
     (float("nan"), None), ([1], None)],
)  # fmt: skip
def test_only_clear_verdicts_are_rewards(value: Any, reward: float | None) -> None:
    assert reward_of(value) == reward
