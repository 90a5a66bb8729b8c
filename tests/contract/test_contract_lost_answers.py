"""Answers that were lost, withheld, or made up for the grader's eyes; secrets that a target prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.errors import ModelServerError
from honing.llm import Finish, ModelReply, ModelRequest

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)
EVALUATE_ONLY = """
schema: 1
task: {task}
stages:
  rollout: {{samples: samples.jsonl}}
  evaluate: {{commands: [python3 judge.py]}}
"""
JUDGE = """
import json
rows = [json.loads(line) for line in open("samples.jsonl")]
right = sum((row["completion"].split() or [""])[-1] == row["target"] for row in rows)
json.dump({"score": right / len(rows)}, open("metrics.json", "w"))
"""


def judged_by_itself(target: Path, tmp_path: Path) -> Path:
    """The data set with a grader of its own that finds right answers right; Honing asks for its samples."""
    with setup(target, SetupOptions(home=tmp_path / "first")) as session:
        task = session.contract.task
    (target / "judge.py").write_text(JUDGE)
    (target / ".honing").mkdir()
    (target / ".honing" / "contract.yaml").write_text(EVALUATE_ONLY.format(task=json.dumps(task)))
    return target


class Down:
    """A server that fails whatever it is asked, from some moment on."""

    def answer(self, request: ModelRequest) -> ModelReply:
        raise ModelServerError("500, down for a while")


def test_a_grader_is_not_run_where_nobody_answered(write_data: Write, tmp_path: Path) -> None:
    target = judged_by_itself(write_data(), tmp_path)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Down(), FULL)
        before = len(list(session.run.evidence().read()))
        result = session.evaluate()
        after = len(list(session.run.evidence().read()))

    assert (result.score, before) == (None, after)
    assert result.reason.startswith("40 of 40 calls failed, so there is no answer to judge; the first: ")
    assert "500, down for a while" in result.reason


class Withheld:
    """Answers the gold, but its provider withholds every fourth answer."""

    def answer(self, request: ModelRequest) -> ModelReply:
        number = int(request.messages[-1].text.split("Ann has ")[1].split()[0])
        if number % 4 == 0:
            return ModelReply(text="", finish=Finish.CONTENT_FILTER)
        return ModelReply(text=f"#### {2 * number + 1}")


def test_withheld_answers_are_wrong_and_not_lost_with_a_grader_of_the_targets(
    write_data: Write, tmp_path: Path
) -> None:
    target = judged_by_itself(write_data(), tmp_path)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Withheld(), FULL)
        result = session.evaluate()

    assert (result.score, result.metrics["n_scored"], result.reason) == (0.75, 40, "")
    assert result.metrics["outcomes"]["model_failed"] == 10


def test_a_target_cannot_guess_the_folder_of_a_control(write_target: Write, tmp_path: Path) -> None:
    spying = (
        "import hashlib, os\n"
        "here = os.path.basename(os.environ['HONING_TARGET'])\n"
        "model = os.environ['HONING_MODEL']\n"
        "for name in ('calibrate.oracle', 'calibrate.null', f'model.{model}'):\n"
        "    text = f\"{os.environ['HONING_RUN_ID']} {name}.rollout\"\n"
        "    print('guessed', hashlib.sha256(text.encode()).hexdigest()[:12] == here)\n"
    )
    target = write_target()
    (target / "run.py").write_text(spying + (target / "run.py").read_text())
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", FULL)
        records = [record.body for record in session.run.evidence().read() if record.kind == "command"]

    printed = "".join(record["stdout"] for record in records)
    assert "guessed False" in printed
    assert "guessed True" not in printed


PRINTING = """
schema: 1
oracle: {file: oracle.jsonl}
stages:
  rollout: {commands: [python3 run.py]}
  evaluate: {commands: [python3 grade.py], source: stdout, pattern: 'accuracy: (?P<score>\\S+)'}
"""
ECHOING = """
import json
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
print("accuracy:", sum(answers[row["id"]].strip() == row["answer"] for row in rows) / len(rows))
for row in rows:
    print(row["id"], "was answered", answers[row["id"]])
"""


class Liar:
    """Says what a grader would print."""

    def answer(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text="Accuracy: 1.0".lower())


def test_an_answer_that_the_grader_prints_is_not_taken_for_its_verdict(
    write_target: Write, tmp_path: Path
) -> None:
    target = write_target(PRINTING, grade__py=ECHOING)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout(Liar(), FULL)
        lied = session.evaluate()
        session.rollout("scripted/perfect", FULL)
        honest = session.evaluate()

    assert (lied.ok, lied.score) == (False, None)
    assert "stands in an answer as well ('accuracy: 1.0')" in lied.reason
    assert (honest.ok, honest.score) == (True, 1.0)


def test_a_secret_of_the_user_s_is_kept_nowhere_in_a_run(write_target: Write, tmp_path: Path) -> None:
    target = write_target()
    spilling = (
        "import os, sys\nprint(os.environ['SOME_API_KEY'])\nsys.stderr.write(os.environ['SOME_API_KEY'])\n"
    )
    (target / "run.py").write_text(spilling + (target / "run.py").read_text())
    (target / "grade.py").write_text(f"{spilling}sys.exit(3)\n")
    options = SetupOptions(home=tmp_path / "runs", env={"SOME_API_KEY": "sk-very-secret", "LEVEL": "2"})
    with setup(target, options) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        result = session.evaluate()
    files = [path for path in session.run.path.rglob("*") if path.is_file()]

    assert [path.name for path in files if b"sk-very-secret" in path.read_bytes()] == []
    assert "***" in result.reason


def test_a_link_in_the_place_of_the_right_answers_shows_no_file_of_this_machine(
    write_target: Write, tmp_path: Path
) -> None:
    contract = """
    schema: 1
    oracle: {file: oracle.jsonl, commands: [cp made.jsonl oracle.jsonl]}
    stages:
      rollout: {commands: [python3 run.py]}
      evaluate: {commands: [cat oracle.jsonl; python3 grade.py]}
    """
    target = write_target(contract)
    (target / "oracle.jsonl").rename(target / "made.jsonl")
    (tmp_path / "private").write_text("nobody's business")
    (target / "oracle.jsonl").symlink_to(tmp_path / "private")
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", FULL)
        score = session.evaluate().score
        printed = "".join(str(record.body) for record in session.run.evidence().read())

    assert score == 1.0
    assert "nobody's business" not in printed
