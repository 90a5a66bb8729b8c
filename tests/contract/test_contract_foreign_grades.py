"""A target's own grader, end to end: it reads samples in its own columns and says what it thinks of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interactive import CONTRACT, PLAY, write_interactive

from honing.contract import Mode, RolloutOptions, SetupOptions, dump_contract, setup
from honing.contract.derive import contract_for
from honing.contract.session import EvaluationResult
from honing.contract.spec import EvaluateSpec, RolloutSpec, Stages
from honing.errors import UsageError

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)

GRADE = """
import csv, json
golds = {row["number"]: row["answer"].split("#### ")[1] for row in map(json.loads, open("test.jsonl"))}
replies = {int(row["task"]): row["reply"] for row in csv.DictReader(open("replies.csv"))}
right = [
    {"number": number, "verdict": reply.split("#### ")[-1].strip() == golds[number]}
    for number, reply in replies.items() if "pass" not in reply
]
open("verdicts.jsonl", "w").write("".join(json.dumps(row) + "\\n" for row in right))
score = sum(row["verdict"] for row in right) / len(right)
json.dump({"accuracy": CLAIM}, open("metrics.json", "w"))
"""


@pytest.fixture
def write_graded(tmp_path: Path) -> Write:
    """Writes a data set with a grader of its own that wants a CSV file with columns of its own."""

    def write(claim: str = "score", results: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "graded"
        (folder / ".honing").mkdir(parents=True)
        rows = [
            {
                "number": 100 + i,
                "question": f"Add {i} and {i}.",
                "answer": f"So.\n#### {2 * i}",
            }
            for i in range(20)
        ]
        (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "grade.py").write_text(GRADE.replace("CLAIM", claim))
        spec = contract_for(folder).spec
        columns = {"task": "row.number", "reply": "completion"}
        stages = Stages(
            rollout=RolloutSpec(samples="replies.csv", samples_columns=columns),
            evaluate=EvaluateSpec.model_validate({"commands": ["python3 grade.py"], "results": results}),
        )
        metric = spec.metric.model_copy(update={"path": "accuracy"})
        text = dump_contract(spec.model_copy(update={"stages": stages, "metric": metric, "provenance": ()}))
        (folder / ".honing" / "contract.yaml").write_text(text)
        return folder

    return write


def measure(target: Path, home: Path, llm: Any, options: RolloutOptions = FULL) -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, options)
        return session.evaluate()


def rows_of(result: EvaluationResult) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (result.path.parent / "samples.jsonl").read_text().splitlines()]


def test_a_grader_judges_our_samples_and_its_verdicts_become_their_rewards(
    write_graded: Write, tmp_path: Path
) -> None:
    results = {"path": "verdicts.jsonl", "id": "number", "reward": "verdict"}
    options = RolloutOptions(mode=Mode.FULL, require_samples=True)
    result = measure(
        write_graded(results=results),
        tmp_path / "runs",
        "scripted/skilled-0.6",
        options,
    )

    rewards = [row["reward"] for row in rows_of(result)]
    low, high = result.metrics["ci95"]
    assert (result.ok, result.score) == (True, sum(rewards) / 20)
    assert set(rewards) == {0.0, 1.0}
    assert low < result.score < high
    assert result.metrics["results"]["agrees"] is True
    assert (result.metrics["n_scored"], result.metrics["coverage"]) == (20, 1)


def test_verdicts_that_contradict_the_score_are_not_used_and_fail_who_demands_them(
    write_graded: Write, tmp_path: Path
) -> None:
    results = {"path": "verdicts.jsonl", "id": "number", "reward": "verdict"}
    target = write_graded(results=results, claim="score if score in (0, 1) else round(score * 0.9, 6)")
    options = RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True)
    result = measure(target, tmp_path / "runs", "scripted/skilled-0.6", options)

    assert "results_disagree" in result.metrics["results"]["reason"]
    assert {row["reward"] for row in rows_of(result)} == {None}


def test_answers_under_the_graders_own_columns_are_read_and_judged(
    write_graded: Write, tmp_path: Path
) -> None:
    target = write_graded()
    answers = tmp_path / "replies.csv"
    lines = [f"{100 + i},#### {2 * i if i % 4 else -1}" for i in range(20)]
    answers.write_text("task,reply\n" + "\n".join(lines) + "\n")
    result = measure(target, tmp_path / "runs", answers)

    rollout = json.loads((result.path.parent / "rollout.json").read_text())
    assert (result.ok, result.score) == (True, 0.75)
    assert rollout["samples_file"]["columns"] == {"id": "task", "completion": "reply"}
    assert rollout["samples_file"]["by"] == {"id": "contract", "completion": "contract"}


def test_a_grader_that_leaves_tasks_out_has_judged_only_the_others(
    write_graded: Write, tmp_path: Path
) -> None:
    target = write_graded(results={"path": "verdicts.jsonl", "id": "number", "reward": "verdict"})
    answers = tmp_path / "replies.csv"
    lines = [f"{100 + i},{f'#### {2 * i}' if i % 4 else 'pass'}" for i in range(20)]
    answers.write_text("task,reply\n" + "\n".join(lines) + "\n")
    result = measure(target, tmp_path / "runs", answers)

    found = (result.score, result.metrics["n_scored"], result.metrics["n_planned"])
    assert found == (None, 15, 20)
    assert "5 of 20 samples were not judged" in result.reason


def test_a_target_that_asks_by_itself_has_its_verdicts_joined_by_id(
    write_target: Write, tmp_path: Path
) -> None:
    grade = """
import json
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
verdicts = {row["id"]: answers[row["id"]].strip() == row["answer"] for row in rows}
json.dump(verdicts, open("verdicts.json", "w"))
json.dump({"score": sum(verdicts.values()) / len(rows)}, open("metrics.json", "w"))
"""
    options = RolloutOptions(mode=Mode.FULL, require_samples=True)
    result = measure(
        write_target(grade__py=grade),
        tmp_path / "runs",
        "scripted/skilled-0.5",
        options,
    )

    found = result.metrics["results"]
    assert (found["file"], found["by"], found["agrees"]) == (
        "verdicts.json",
        "found",
        True,
    )
    assert result.ok
    assert result.score == pytest.approx(sum(row["reward"] for row in rows_of(result)) / 12)


JUDGE_ONLY = """
schema: 1
oracle: {file: oracle.jsonl}
stages:
  rollout: {answers: samples, samples: replies.json, samples_columns: {task: id, text: completion}}
  evaluate: {commands: [python3 judge.py]}
"""
JUDGE = """
import json
golds = json.load(open("golds.json"))
replies = json.load(open("replies.json"))
score = sum(golds[row["task"]] == row["text"] for row in replies) / len(golds)
json.dump({"score": score}, open("metrics.json", "w"))
"""


@pytest.fixture
def judge_only(tmp_path: Path) -> Path:
    """A target that judges answers to ten riddles it does not tell."""
    folder = tmp_path / "judging"
    (folder / ".honing").mkdir(parents=True)
    golds = {f"r{i}": f"word{i}" for i in range(10)}
    oracle = [{"id": task, "match": f"riddle {task}", "completion": word} for task, word in golds.items()]
    (folder / ".honing" / "contract.yaml").write_text(JUDGE_ONLY)
    (folder / "judge.py").write_text(JUDGE)
    (folder / "golds.json").write_text(json.dumps(golds))
    (folder / "oracle.jsonl").write_text("".join(json.dumps(row) + "\n" for row in oracle))
    return folder


def test_a_target_that_only_judges_is_calibrated_and_judges_the_users_answers(
    judge_only: Path, tmp_path: Path
) -> None:
    answers = tmp_path / "mine.jsonl"
    rows = [{"task": f"r{i}", "text": f"word{i}" if i < 7 else "?"} for i in range(10)]
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = measure(judge_only, tmp_path / "runs", answers)

    found = result.metrics["calibration"]
    assert (result.ok, result.score) == (True, 0.7)
    assert (found["oracle"], found["null"], found["shuffled"]) == (1.0, 0.0, 0.0)


def test_a_target_that_only_judges_asks_no_model(judge_only: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Give --samples FILE with answers"):
        measure(judge_only, tmp_path / "runs", "scripted/perfect")


def test_episodes_are_the_samples_of_a_target_that_acts(tmp_path: Path) -> None:
    play = PLAY.replace(
        '"won": all(said)}',
        '"won": all(said), "seen": f"game {number}", "done": str(said)}',
    )
    columns = "reward: won, prompt: seen, completion: done}"
    target = write_interactive(tmp_path / "doors", play=play)
    (target / ".honing" / "contract.yaml").write_text(CONTRACT.replace("reward: won}", columns))
    options = RolloutOptions(mode=Mode.FULL, require_samples=True)
    result = measure(target, tmp_path / "runs", "scripted/perfect", options)

    rows = rows_of(result)
    assert (result.ok, result.score, result.reason) == (True, 100.0, "")
    assert (result.metrics["n_planned"], result.metrics["counts"]["calls"]) == (6, 12)
    assert [(row["id"], row["prompt"], row["reward"]) for row in rows] == [
        (f"g{number}", f"game {number}", 100.0) for number in range(6)
    ]
