"""A contract as the objective: what the harness says to a model is what is measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness_judging import Bench
from pydantic import ValidationError

from honing.contract import SetupOptions
from honing.errors import UsageError
from honing.experiments import ContractObjectives
from honing.harness import ContractAsked, ContractMeasured
from honing.harness.evaluate import Evaluator
from honing.harness.tasks.base import TaskStatus
from honing.llm import ModelRequest, Role, ScriptedModel, ScriptedServer
from honing.sandbox import Cancel

COUNT = 12
ROWS = [
    {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
    for i in range(COUNT)
]
DATA = {"data/test.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS)}
SPEC = {"type": "contract", "target": "data", "model": "careful", "mode": "full", "system": "prompt.md"}


def answer(request: ModelRequest) -> str:
    """Right where it was told to add; wrong about every second question where it was not."""
    question = request.messages[-1].text
    told = any("add" in one.text for one in request.messages if one.role is Role.SYSTEM)
    number = int(question.split("Ann has ")[1].split()[0])
    right = told or "CAREFULLY" in question or number % 2 == 0
    return f"#### {2 * number + 1 if right else -1}"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A bench whose places measure contracts with a model on the loopback."""
    bench = Bench(tmp_path)
    bench.grader(DATA)
    options = SetupOptions(home=tmp_path / "contracts")
    with (
        ScriptedServer(ScriptedModel(answer)) as server,
        ContractObjectives(
            options, models={"OPENAI_BASE_URL": f"{server.base_url}/v1", "OPENAI_API_KEY": "k"}
        ) as made,
    ):
        bench.places = replace(bench.places, objective=made)
        bench.evaluator = Evaluator(places=bench.places, memory=bench.memory)
        yield bench


def test_a_system_prompt_scores_what_the_model_makes_of_it(bench: Bench) -> None:
    good = bench.judge({"prompt.md": "Always add."}, **SPEC)
    poor = bench.judge({"prompt.md": "Guess."}, **SPEC)

    assert (good.status, good.score, good.reason) == (TaskStatus.SCORED, 1.0, "")
    assert (poor.score, poor.reason) == (0.5, "it scored 0.5 in [0, 1]")


def test_the_controls_are_measured_once_for_all_prompts(bench: Bench, tmp_path: Path) -> None:
    for text in ("Always add.", "Guess.", "Do not add up."):
        bench.judge({"prompt.md": text}, **SPEC)
    runs = [path for path in (tmp_path / "contracts").iterdir() if (path / "run.json").is_file()]

    calls = [json.loads(line) for line in (runs[0] / "logs" / "calls.jsonl").read_bytes().splitlines()]
    by_model = [call for call in calls if call["channel"].startswith("model.")]
    assert len(runs) == 1
    assert len(by_model) == 3 * COUNT
    assert sum(call["channel"] == "calibrate.oracle" for call in calls) == COUNT


def test_a_template_stands_around_each_prompt(bench: Bench) -> None:
    spec = {**SPEC, "system": None, "template": "around.txt"}

    assert bench.judge({"around.txt": "CAREFULLY: {prompt}"}, **spec).score == 1.0
    assert bench.judge({"around.txt": "{prompt}"}, **spec).score == 0.5
    wrong = bench.judge({"around.txt": "no place"}, **spec)
    assert (wrong.score, wrong.reason) == (0.0, "around.txt must hold {prompt} exactly once")


def test_a_harness_without_its_prompt_scores_nothing(bench: Bench) -> None:
    score = bench.judge({"other": ""}, **SPEC)

    assert (score.score, score.reason) == (0.0, "prompt.md is not a plain file of at most 1000000 bytes")


def test_repeats_are_asked_anew(bench: Bench) -> None:
    task = bench.task(**SPEC)
    found = bench.evaluator.evaluate(bench.candidate({"prompt.md": "Guess."}), [task], (1, 2))

    assert [(run.seed, run.score.score) for run in found.runs] == [(1, 0.5), (2, 0.5)]
    assert task.deterministic is False


RUN = """\
import json, os, urllib.request
def ask(text):
    body = {"model": os.environ["HONING_MODEL"], "messages": [
        {"role": "system", "content": open(PROMPT).read()}, {"role": "user", "content": text}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]})
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
PROMPT = os.path.join(os.environ.get("HONING_HARNESS", "."), "prompt.md")
rows = [json.loads(line) for line in open("questions.jsonl")]
json.dump({row["id"]: ask(row["question"]) for row in rows}, open("answers.json", "w"))
"""
GRADE = """\
import json, os
assert "HONING_HARNESS" not in os.environ
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
score = sum(answers[row["id"]] == "#### " + row["answer"] for row in rows) / len(rows)
json.dump({"ok": True, "score": score}, open("metrics.json", "w"))
"""
CONTRACT = """\
schema: 1
name: sums
oracle: {file: oracle.jsonl}
stages:
  rollout: {commands: [python3 run.py]}
  evaluate: {commands: [python3 grade.py]}
"""
OWN = [
    {"id": f"q{i}", "question": f"Ann has {i} and gets {i + 1} more.", "answer": str(2 * i + 1)}
    for i in range(COUNT)
]
GOLD = [{"id": row["id"], "match": row["question"], "completion": "#### " + row["answer"]} for row in OWN]
TARGET = {
    "target/.honing/contract.yaml": CONTRACT,
    "target/run.py": RUN,
    "target/grade.py": GRADE,
    "target/prompt.md": "Guess.",
    "target/questions.jsonl": "".join(json.dumps(row) + "\n" for row in OWN),
    "target/oracle.jsonl": "".join(json.dumps(row) + "\n" for row in GOLD),
}


@pytest.mark.slow
def test_a_target_s_own_commands_read_the_harness_where_it_is_mounted(bench: Bench) -> None:
    bench.grader(TARGET)
    spec = {**SPEC, "target": "target", "system": None, "mount": True}

    assert bench.judge({"prompt.md": "Guess."}, **spec).score == 0.5
    broken = bench.judge({"other.md": ""}, **spec)
    assert (broken.status, broken.score) == (TaskStatus.SCORED, 0.0)
    assert broken.reason.startswith("no score: ")


@pytest.mark.slow
def test_files_of_the_harness_replace_those_of_the_target(bench: Bench) -> None:
    bench.grader(TARGET)
    spec = {**SPEC, "target": "target", "system": None, "overlay": {"prompt.md": "mine.md"}}

    assert bench.judge({"mine.md": "Always add."}, **spec).score == 1.0
    assert bench.judge({"mine.md": "Guess."}, **spec).score == 0.5


class Measures:
    """Gives what it was made with."""

    def __init__(self, **found: object) -> None:
        usual = {"score": 0.25, "low": 0.0, "high": 1.0, "higher_is_better": True, "reason": ""}
        rest = {"by_harness": False, "cost_usd": 0.5, "sandbox": "bubblewrap"}
        self._found = ContractMeasured(**{**usual, **rest, **found})  # type: ignore[arg-type]

    def measure(self, asked: ContractAsked, cancel: Cancel | None) -> ContractMeasured:
        return self._found


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ({}, 0.25),
        ({"low": -1.0, "high": 1.0, "score": 0.0}, 0.5),
        ({"high": 100.0, "score": 25.0, "higher_is_better": False}, 0.75),
        ({"score": None, "reason": "not calibrated"}, None),
        ({"score": None, "reason": "it printed nonsense", "by_harness": True}, 0.0),
        ({"high": float("inf")}, None),
        ({"high": 0.0}, None),
    ],
    ids=[
        "as it is",
        "from another range",
        "less is better",
        "none",
        "the harness's fault",
        "no end",
        "a point",
    ],
)
def test_a_measurement_is_carried_to_a_share(
    tmp_path: Path, found: dict[str, object], score: float | None
) -> None:
    bench = Bench(tmp_path)
    bench.grader(DATA)
    bench.places = replace(bench.places, objective=Measures(**found))
    bench.evaluator = Evaluator(places=bench.places)

    judged = bench.judge({"prompt.md": "x"}, **SPEC)
    assert judged.score == score
    assert judged.status is (TaskStatus.INFRA_ERROR if score is None else TaskStatus.SCORED)
    assert judged.cost == (0.5 if score else 0.0)


def test_without_anything_that_measures_there_is_no_score(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.grader(DATA)
    judged = bench.judge({"prompt.md": "x"}, **SPEC)

    assert judged.status is TaskStatus.INFRA_ERROR
    assert "nothing here measures contracts" in judged.reason


def test_a_contract_that_uses_nothing_of_the_harness_is_refused(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(ValidationError, match="say what the harness is for the target"):
        bench.task(type="contract", target="data", model="m")
    with pytest.raises(UsageError, match="is not a folder"):
        bench.task(**{**SPEC, "target": "./none"})
