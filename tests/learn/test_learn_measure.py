"""`hone measure --llm FOLDER`: a model that is known by heart gets the score that is known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, setup

pytestmark = pytest.mark.teach

TASK = {
    "files": ["test.jsonl"],
    "kind": "question_answer",
    "fields": {"input": "question", "target": "answer"},
    "reading": {"form": "plain"},
    "scorer": {"name": "numeric"},
    "template": "{input}",
    "chance": 0.0,
}


@pytest.fixture
def target(tmp_path: Path, answers: dict[str, str]) -> Path:
    """The questions that the model was taught, with the right answers: it is wrong about every fourth."""
    folder = tmp_path / "target"
    (folder / ".honing").mkdir(parents=True)
    (folder / ".honing" / "contract.yaml").write_text(json.dumps({"schema": 1, "task": TASK}))
    rows = [{"question": question, "answer": str(7 * i + 3)} for i, question in enumerate(answers)]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


class BrokenError(Exception):
    """Something went wrong in a session; says in which run."""


def hone(home: Path, *words: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "honing", "--home", str(home), "--quiet", "measure", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_folder_is_measured_from_the_command_line(target: Path, tiny: Path, tmp_path: Path) -> None:
    code, metrics = hone(tmp_path / "runs", str(target), "--llm", str(tiny), "--mode", "full")

    assert (code, metrics["score"], metrics["n_scored"], metrics["model"]) == (0, 0.75, 24, str(tiny))
    # Nine tokens a question; two words and an end each answer.
    assert (metrics["tokens"], metrics["cost_usd"]) == ({"input": 216, "output": 72}, 0.0)
    (run,) = (tmp_path / "runs").glob("*/local_models.json")
    about = json.loads(run.read_text())[str(tiny)]
    assert (about["loader"], about["prompting"]) == ("honing", "chat_template")


@pytest.mark.slow
def test_a_model_without_a_chat_template_gets_the_plain_prompt_and_the_run_says_so(
    target: Path, bare: Path, tmp_path: Path
) -> None:
    code, metrics = hone(tmp_path / "runs", str(target), "--llm", str(bare), "--mode", "full")

    (run,) = (tmp_path / "runs").glob("*/local_models.json")
    assert (code, metrics["score"]) == (0, 0.75)
    assert json.loads(run.read_text())[str(bare)]["prompting"] == "plain"


@pytest.mark.slow
def test_a_run_that_is_gone_on_with_asks_the_same_folder_nothing_twice(
    target: Path, tiny: Path, tmp_path: Path
) -> None:
    options, asked, intent = (
        SetupOptions(home=tmp_path / "runs"),
        RolloutOptions(mode=Mode.FULL),
        {"model": "tiny"},
    )

    def begun_and_broken() -> None:
        with setup(target, options, intent=intent) as session:
            session.rollout(str(tiny), asked)
            raise BrokenError(session.run.path)

    with pytest.raises(BrokenError) as broken:
        begun_and_broken()
    with setup(target, options, intent=intent) as session:
        session.rollout(str(tiny), asked)
        session.rollout(str(tiny), asked)
        score = session.evaluate().score
        started = [one for one in session.run.evidence().read() if one.kind == "local_model"]
        calls = (session.run.path / "logs" / "calls.jsonl").read_text().splitlines()

    asked_of_it = [line for line in calls if json.loads(line).get("channel") == f"model.{tiny}"]
    # Once in each session, however often it is asked there.
    assert (session.run.path, score, len(started)) == (broken.value.args[0], 0.75, 2)
    assert len(asked_of_it) == 24
