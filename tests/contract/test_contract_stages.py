"""Stages of a target's own: unattended, limited, retried, combined; what deploys, and what plays the gold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.session import EvaluationResult
from honing.errors import BudgetExhaustedError, ContractError, StageError
from honing.store import Run

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)
HEAD = "schema: 1\noracle: {file: oracle.jsonl}\n"
ASKS = "  rollout: {commands: [python3 run.py]}\n"
JUDGES = "  evaluate: {commands: [python3 grade.py]}\n"


def measure(target: Path, home: Path, llm: str = "scripted/perfect", **options: Any) -> EvaluationResult:
    with setup(target, SetupOptions(home=home, **options)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


def commands(run: Run, stage: str) -> list[dict[str, Any]]:
    return [r.body for r in run.evidence().read() if r.kind == "command" and r.body["stage"] == stage]


# Who asks and who judges


BOTH = """
import runpy
runpy.run_path("run.py")
runpy.run_path("grade.py")
print("final accuracy:", __import__("json").load(open("metrics.json"))["score"])
"""


@pytest.mark.parametrize(
    "evaluate",
    [
        "{metrics_path: metrics.json}",
        "{source: stdout, pattern: 'accuracy: (?P<score>[0-9.]+)'}",
        "{commands: ['cp metrics.json final.json'], metrics_path: final.json}",
    ],
    ids=["its file", "what it prints", "a second command reads it"],
)
def test_one_command_may_ask_and_judge(write_target: Write, tmp_path: Path, evaluate: str) -> None:
    contract = f"{HEAD}stages:\n  benchmark: {{commands: [python3 both.py]}}\n  evaluate: {evaluate}\n"

    right = measure(write_target(contract, both__py=BOTH), tmp_path / "runs")

    assert (right.ok, right.score, right.metrics["calls"]) == (True, 1.0, 12), right.reason
    found = right.metrics["calibration"]
    assert (found["oracle"], found["null"], found["shuffled"]) == (1.0, 0.0, 0.0)


def test_a_combined_command_that_asks_no_model_measured_none(write_target: Write, tmp_path: Path) -> None:
    contract = f"{HEAD}stages:\n  benchmark: {{commands: ['echo ''{{\"score\": 1}}'' > metrics.json']}}\n"

    result = measure(write_target(contract), tmp_path / "runs")

    assert (result.ok, result.score) == (False, None)
    assert "no call reached the gateway" in result.reason


LOUD = """
import runpy
runpy.run_path("grade.py")
score = __import__("json").load(open("metrics.json"))["score"]
print("accuracy: 33%  (of a warm-up)")
print("x" * 3_000_000)
print(f"accuracy: {100 * score}%")
"""


def test_a_printed_number_is_found_behind_more_output_than_is_kept(
    write_target: Write, tmp_path: Path
) -> None:
    printed = "{commands: [python3 loud.py], source: stdout, pattern: '^accuracy: (?P<score>[^ ]+)'}"
    contract = f"{HEAD}stages:\n{ASKS}  evaluate: {printed}\n"

    assert measure(write_target(contract, loud__py=LOUD), tmp_path / "runs").score == 1.0


@pytest.mark.parametrize(
    ("grade", "said"),
    [
        ("true", "no such file was written"),
        ("cp old/a.json out/b.json; cp old/a.json out/c.json", "must match exactly one new file, found 2"),
    ],
    ids=["only stale ones", "two new ones"],
)
def test_a_pattern_of_result_files_means_one_new_file(
    write_target: Write, tmp_path: Path, grade: str, said: str
) -> None:
    judged = f"{{commands: ['{grade}'], metrics_path: 'out/*.json'}}"
    target = write_target(f"{HEAD}stages:\n{ASKS}  evaluate: {judged}\n")
    for name in ("old/a.json", "out/stale.json"):
        (target / name).parent.mkdir()
        (target / name).write_text('{"score": 1.0}')

    assert said in measure(target, tmp_path / "runs").reason


def test_answers_that_the_commands_write_without_a_model_are_the_samples(
    write_target: Write, tmp_path: Path
) -> None:
    write = """
import json
rows = [json.loads(line) for line in open("questions.jsonl")]
with open("samples.jsonl", "w") as out:
    for row in rows:
        sample = {"id": row["id"], "prompt": row["question"], "completion": row["answer"]}
        out.write(json.dumps(sample) + "\\n")
json.dump({row["id"]: row["answer"] for row in rows}, open("answers.json", "w"))
"""
    rollout = "{answers: samples, samples: samples.jsonl, commands: [python3 write.py]}"
    target = write_target(f"{HEAD}stages:\n  rollout: {rollout}\n{JUDGES}", write__py=write)
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        found = session.rollout("scripted/empty", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        result = session.evaluate()

    assert (found.ok, len(found.samples), found.samples[0].completion) == (True, 12, "0")
    # No model answered, so nothing can stand in for one: the number is not bracketed.
    assert (result.score, result.metrics["label"]) == (1.0, "uncalibrated")


# Unattended and limited


def test_nobody_is_asked_and_nothing_is_inherited(write_target: Write, tmp_path: Path) -> None:
    spy = "env > env.txt; cat; read -r line || echo closed >> env.txt; cat env.txt"
    contract = f"{HEAD}stages:\n  bootstrap: {{commands: ['{spy}']}}\n{ASKS}{JUDGES}"
    with setup(write_target(contract), SetupOptions(home=tmp_path / "runs")) as session:
        (record,) = commands(session.run, "bootstrap")

    said = record["stdout"].splitlines()
    assert {"CI=1", "DEBIAN_FRONTEND=noninteractive", "GIT_TERMINAL_PROMPT=0", "HOME=/tmp", "closed"} <= set(
        said
    )


def test_a_question_to_a_person_is_a_typed_failure(write_target: Write, tmp_path: Path) -> None:
    contract = f"{HEAD}stages:\n  bootstrap: {{commands: [python3 ask.py]}}\n{ASKS}{JUDGES}"
    target = write_target(contract, ask__py="input('Go on? ')")

    with pytest.raises(StageError) as caught:
        setup(target, SetupOptions(home=tmp_path / "runs"))

    failure = caught.value.failure  # type: ignore[attr-defined]
    assert (failure.kind.value, failure.stage) == ("interactive", "bootstrap")


def test_a_command_is_ended_at_the_users_limit(write_target: Write, tmp_path: Path) -> None:
    contract = f"{HEAD}stages:\n{ASKS}  evaluate: {{commands: [sleep 60]}}\n"

    result = measure(write_target(contract), tmp_path / "runs", max_command_s=0.5)

    assert "did not end within its time limit" in result.reason


def test_the_total_limit_stops_what_runs_and_the_same_call_goes_on(
    write_target: Write, tmp_path: Path
) -> None:
    slow = "import os, time\nos.path.exists('/tmp/never') or time.sleep(60)\n"
    contract = f"{HEAD}stages:\n  bootstrap: {{commands: [python3 slow.py]}}\n{ASKS}{JUDGES}"
    target = write_target(contract, slow__py=slow)

    with pytest.raises(BudgetExhaustedError, match=r"total limit of 1 s .* run the same command again"):
        setup(target, SetupOptions(home=tmp_path / "runs", max_total_s=1.0))


def test_tests_that_ran_no_test_have_failed(write_target: Write, tmp_path: Path) -> None:
    nothing = "python3 -c \"print(''Ran 0 tests in 0.000s''); print(''OK'')\""
    contract = f"{HEAD}stages:\n  tests: {{commands: ['{nothing}']}}\n{ASKS}{JUDGES}"

    with pytest.raises(StageError, match="ran no test, so it shows nothing"):
        setup(write_target(contract), SetupOptions(home=tmp_path / "runs"))


def test_a_contract_with_holes_lists_them_and_is_not_run(write_target: Write, tmp_path: Path) -> None:
    contract = f"""{HEAD}holes:
  - {{name: dataset, kind: choice, text: "[one|two]", anchor: "README.md:7", choices: [one, two]}}
stages:
  rollout: {{commands: ['python3 run.py {{{{dataset}}}}']}}
{JUDGES}"""

    with pytest.raises(ContractError) as caught:
        setup(write_target(contract), SetupOptions(home=tmp_path / "runs"))

    assert "dataset (choice): the target writes '[one|two]' at README.md:7; one of one, two" in str(
        caught.value
    )
    assert "--set dataset=VALUE" in str(caught.value)


# Evidence


def test_every_attempt_keeps_what_was_run_opened_and_written(write_target: Write, tmp_path: Path) -> None:
    again = "if [ -e tried ]; then python3 grade.py; exit; fi"
    first_try = "touch tried; cat questions.jsonl > /dev/null; exit 7"
    judged = f"{{commands: ['{again}; {first_try}'], retries: 1}}"
    contract = f"{HEAD}stages:\n{ASKS}  evaluate: {judged}\n"
    with setup(write_target(contract), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/empty", RolloutOptions(mode=Mode.FULL, allow_uncalibrated=True))
        assert session.evaluate().score == 0.0
        first, second = commands(session.run, "evaluate")[-2:]
        (asked,) = commands(session.run, "rollout")[-1:]

    assert (first["attempt"], first["exit_code"], first["failure"]["kind"]) == (1, 7, "other")
    assert (second["attempt"], second["exit_code"]) == (2, 0)
    assert "questions.jsonl" in first["seen"]["opened"]
    assert {"grade.py", "answers.json", "questions.jsonl"} <= set(second["seen"]["opened"])
    assert (first["seen"]["added"], second["seen"]["added"]) == (["tried"], ["metrics.json"])
    assert asked["model_calls"] == 12
    assert any(line.startswith("python3 run.py") for line in asked["seen"]["processes"])


def test_a_stage_that_failed_is_in_the_evidence_with_its_next_step(
    write_target: Write, tmp_path: Path
) -> None:
    contract = f"{HEAD}stages:\n{ASKS}  evaluate: {{commands: [no-such-program --x]}}\n"
    with setup(write_target(contract), SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", FULL)
        failed = [r.body for r in session.run.evidence().read() if r.kind == "failure"]

    assert {(one["kind"], one["stage"], tuple(one["names"])) for one in failed} == {
        ("program", "evaluate", ("no-such-program",))
    }
    assert (
        json.dumps(failed[0]["next_step"])
        == '"install no-such-program on this machine or in stages.bootstrap"'
    )
