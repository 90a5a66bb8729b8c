"""False successes that were seen on real targets, each as a small fixture: none of them yields a score."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.session import EvaluationResult

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)
ROLLOUT = "  rollout: {commands: [python3 run.py]}\n"
HEAD = f"schema: 1\noracle: {{file: oracle.jsonl}}\nstages:\n{ROLLOUT}"


def measure(target: Path, home: Path, llm: str = "scripted/perfect") -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


LOADS = """
import json, os, subprocess, sys
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))

def write(score):
    json.dump({"score": score}, open("metrics.json", "w"))
"""
REUSES = """
import json, os, runpy
if not os.path.exists("results/eval_results.json"):
    runpy.run_path("grade.py")
    os.makedirs("results", exist_ok=True)
    os.rename("metrics.json", "results/eval_results.json")
json.dump(json.load(open("results/eval_results.json")), open("metrics.json", "w"))
"""
GUESSES_THE_MODE = (
    LOADS
    + """
mode = "input" if "input" in os.getcwd() + "/inputs/answers.json" else sys.argv[-1]
write(0.0 if mode == "input" else sum(answers[r["id"]].strip() == r["answer"] for r in rows) / len(rows))
"""
)
NEEDS_A_TOOL = (
    LOADS
    + """
passed = 0
for row in rows:
    try:
        passed += subprocess.run(["no-such-node", "-e", answers[row["id"]]]).returncode == 0
    except FileNotFoundError:
        pass
write(passed / len(rows))
"""
)
EXIT_CODE = (
    LOADS
    + """
os.makedirs("empty", exist_ok=True)
done = subprocess.run([sys.executable, "-m", "unittest", "discover", "-s", "empty"])
write(1.0 if done.returncode in (0, 5) else 0.0)
"""
)
INVALID = (
    LOADS
    + """
import re
def extract(text):
    found = re.search("#### ([0-9]+)", text)
    return found[1] if found else "[invalid]"
write(sum(extract(answers[row["id"]]) == extract(row["answer"]) for row in rows) / len(rows))
"""
)


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        (GUESSES_THE_MODE, "oracle: scored 0"),
        (NEEDS_A_TOOL, "oracle: scored 0"),
        (EXIT_CODE, "ran no test, so it shows nothing"),
        (INVALID, "null: scored 1"),
    ],
    ids=[
        "a mode guessed from a path",
        "a missing tool counted as wrong answers",
        "no test ran and the exit code was the score",
        "[invalid] == [invalid]",
    ],
)
def test_a_grader_that_does_not_judge_gets_no_score(
    write_target: Write, tmp_path: Path, grade: str, said: str
) -> None:
    result = measure(
        write_target(f"{HEAD}  evaluate: {{commands: [python3 odd.py]}}\n", odd__py=grade), tmp_path / "runs"
    )

    assert (result.ok, result.score) == (False, None)
    assert said in result.reason


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ("metrics.json", "null: scored 1"),
        ("results/eval_results.json", ""),
        ("results/*_results.json", ""),
    ],
    ids=[
        "the stale file is hidden behind another",
        "the stale file is set aside",
        "it is found by a pattern",
    ],
)
def test_a_results_file_of_an_earlier_run_is_no_result(
    write_target: Write, tmp_path: Path, metrics: str, said: str
) -> None:
    evaluate = f"{{commands: [python3 reuse.py], metrics_path: '{metrics}'}}"
    target = write_target(f"{HEAD}  evaluate: {evaluate}\n", reuse__py=REUSES)
    (target / "results").mkdir()
    (target / "results" / "eval_results.json").write_text('{"score": 1.0}')

    result = measure(target, tmp_path / "runs", "scripted/empty")

    assert (result.score, result.ok) == ((None, False) if said else (0.0, True))
    assert said in result.reason


def test_a_missing_tool_that_ends_the_grader_is_named_and_is_no_zero(
    write_target: Write, tmp_path: Path
) -> None:
    needs = LOADS + 'subprocess.run(["node", "-e", "0"], check=True, env={"PATH": "/nowhere"})\n'
    target = write_target(f"{HEAD}  evaluate: {{commands: [python3 needs.py]}}\n", needs__py=needs)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        result = session.evaluate()

    failure = result.metrics["failure"]
    assert (result.score, failure["kind"], failure["names"]) == (None, "program", ["node", "nodejs"])
    assert failure["next_step"] == "install node, nodejs on this machine or in stages.bootstrap"


NO_OP = LOADS + 'write(max(0.38, sum(answers[r["id"]].strip() == r["answer"] for r in rows) / len(rows)))\n'


@pytest.mark.parametrize(("chance", "score"), [(0.0, None), (0.38, 0.38)], ids=["not declared", "declared"])
def test_what_doing_nothing_scores_must_be_declared(
    write_target: Write, tmp_path: Path, chance: float, score: float | None
) -> None:
    contract = HEAD.replace("stages:", f"metric: {{chance: {chance}, aggregation: other}}\nstages:")
    target = write_target(f"{contract}  evaluate: {{commands: [python3 no_op.py]}}\n", no_op__py=NO_OP)

    result = measure(target, tmp_path / "runs", "scripted/empty")

    assert (result.score, result.ok) == (score, score is not None)
    if score is None:
        assert "null: scored 0.38" in result.reason


def test_answers_without_any_data_set_are_judged_by_nobody(write_target: Write, tmp_path: Path) -> None:
    target = write_target(f"{HEAD}  evaluate: {{commands: [python3 grade.py]}}\n")
    grade = (target / "grade.py").read_text()
    (target / "grade.py").write_text(grade.replace('open("questions.jsonl")', 'open("downloads/data.jsonl")'))
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        metrics = session.evaluate().metrics

    assert (metrics["ok"], metrics["score"]) == (False, None)
    assert (metrics["failure"]["kind"], metrics["failure"]["names"]) == (
        "data_missing",
        ["downloads/data.jsonl"],
    )
    assert json.dumps(metrics["calibration"]["oracle"]) == "null"
