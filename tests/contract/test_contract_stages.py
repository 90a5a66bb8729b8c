"""Stages of a target's own: unattended, limited, retried, combined; what deploys, and what plays the gold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interactive import POLICY, write_interactive

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


# Deployment


SERVE = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"up")
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = body["messages"][-1]["content"]
        first, second = [int(word.strip("?")) for word in asked.split() if word.strip("?").isdigit()]
        message = {"role": "assistant", "content": str(first + second)}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        body = {"id": "x", "object": "chat.completion", "created": 0, "model": "own", "choices": [choice],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *args): pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
url = f"http://127.0.0.1:{server.server_port}"
with open("url.txt", "w") as out:
    out.write(url)
with open(os.environ["HONING_RUNTIME_ENV"], "w") as out:
    json.dump({"env": {"SERVICE_URL": url}, "base_url": url + "/v1", "model": "own"}, out)
server.serve_forever()
"""
HEALTH = "python3 -c \"import urllib.request as u; u.urlopen(open(''url.txt'').read(), timeout=5)\""
DEPLOYS = f"""{HEAD}stages:
  deploy:
    setup: {{commands: [python3 serve.py], network: open}}
    health: {{commands: ['{HEALTH}'], network: open, timeout_s: 60}}
    teardown: {{commands: ['echo stopped by $SERVICE_URL']}}
{ASKS}{JUDGES}"""


def test_a_deployed_model_serves_until_teardown_and_is_asked_through_the_gateway(
    write_target: Write, tmp_path: Path
) -> None:
    with setup(write_target(DEPLOYS, serve__py=SERVE), SetupOptions(home=tmp_path / "runs")) as session:
        found = session.rollout("deployed", FULL)
        result = session.evaluate()
        told = session.run.read_json("runtime_env.json")
        run = session.run

    assert (found.ok, result.score, result.metrics["calls"]) == (True, 1.0, 12), result.reason
    assert (told["model"], told["env"]["SERVICE_URL"] + "/v1") == ("own", told["base_url"])
    (ended,) = commands(run, "deploy.setup")
    assert ended["ending"] == "stopped"
    assert commands(run, "deploy.teardown")[0]["stdout"] == f"stopped by {told['env']['SERVICE_URL']}\n"


def test_a_service_that_ends_badly_is_not_waited_for(write_target: Write, tmp_path: Path) -> None:
    broken = DEPLOYS.replace("timeout_s: 60", "timeout_s: 500")

    with pytest.raises(StageError, match="No module named 'nothing_here'"):
        setup(write_target(broken, serve__py="import nothing_here\n"), SetupOptions(home=tmp_path / "runs"))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"env": {"OPENAI_BASE_URL": "http://x"}}', "'OPENAI_BASE_URL' is not the deployment's to set"),
        ('{"env": {"PYTHONPATH": "."}}', "'PYTHONPATH' is not the deployment's to set"),
        ('{"url": "x"}', 'runtime_env.json is {"env"'),
        ("nonsense", "not JSON"),
    ],
    ids=["past the gateway", "into the judge", "another key", "no JSON"],
)
def test_what_a_deployment_tells_is_read_strictly(
    write_target: Write, tmp_path: Path, written: str, said: str
) -> None:
    tell = f'import os\nopen(os.environ["HONING_RUNTIME_ENV"], "w").write({written!r})\n'
    contract = f"{HEAD}stages:\n  deploy: {{setup: {{commands: [python3 tell.py]}}}}\n{ASKS}{JUDGES}"

    with pytest.raises(StageError, match="deploy: ") as caught:
        setup(write_target(contract, tell__py=tell), SetupOptions(home=tmp_path / "runs"))

    assert said in str(caught.value)


# Right answers by program


def test_commands_may_write_the_right_answers_once(write_target: Write, tmp_path: Path) -> None:
    made = """
import json
for line in open("questions.jsonl"):
    row = json.loads(line)
    print(json.dumps({"match": row["question"], "completion": row["answer"]}))
"""
    oracle = "{file: made.jsonl, commands: [python3 gold.py > made.jsonl]}"
    contract = f"schema: 1\noracle: {oracle}\nstages:\n{ASKS}{JUDGES}"
    target = write_target(contract, gold__py=made)
    (target / "oracle.jsonl").unlink()
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", FULL)
        result = session.evaluate()
        run = session.run

    assert (result.score, result.metrics["level"]) == (1.0, "L5"), result.reason
    assert len(commands(run, "oracle")) == 1
    # Neither who asks nor who judges has seen the file.
    seen = [record["seen"]["opened"] for stage in ("rollout", "evaluate") for record in commands(run, stage)]
    assert not any("made.jsonl" in opened for opened in seen)


def test_a_policy_brings_an_interactive_target_to_calibrated(tmp_path: Path) -> None:
    target = write_interactive(tmp_path / "target")

    right = measure(target, tmp_path / "runs")
    wrong = measure(target, tmp_path / "runs", "scripted/empty")

    assert (right.score, right.metrics["level"], right.metrics["label"]) == (100.0, "L5", "calibrated")
    assert (right.metrics["n_planned"], right.metrics["calls"]) == (6, 12)
    found = right.metrics["calibration"]
    assert (found["oracle"], found["null"], found["shuffled"]) == (100.0, 0.0, 0.0)
    assert (found["oracle_source"], wrong.score) == ("policy", 0.0)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            POLICY.replace("for line in", "raise SystemExit(3)\nfor line in"),
            "policy ended instead of answering",
        ),
        (POLICY.replace("print(json.dumps(", "print(dict("), "oracle's policy"),
        (
            'import json, sys\nfor line in sys.stdin:\n    print(json.dumps({"completion": "red"}))\n',
            "oracle: scored",
        ),
    ],
    ids=["crashes", "answers in another form", "answers without reading"],
)
def test_a_policy_that_does_not_play_brackets_nothing(tmp_path: Path, policy: str, said: str) -> None:
    result = measure(write_interactive(tmp_path / "target", policy=policy), tmp_path / "runs")

    assert (result.ok, result.score) == (False, None)
    assert said in result.reason


def test_a_policy_that_crashes_now_and_then_is_started_again(tmp_path: Path) -> None:
    policy = (
        POLICY.replace("    print(", "    sys.stdout.flush()\n    print(")
        + "    if 'Game 3' in prompt: sys.exit(1)\n"
    )

    assert measure(write_interactive(tmp_path / "target", policy=policy), tmp_path / "runs").score == 100.0


def test_a_rollout_sees_neither_the_policy_nor_a_network(tmp_path: Path) -> None:
    look = "import os\nprint('seen', os.path.exists('.honing/policy.py'))\n"
    target = write_interactive(tmp_path / "target")
    (target / "play.py").write_text(look + (target / "play.py").read_text())
    with setup(target, SetupOptions(home=tmp_path / "runs")) as session:
        session.rollout("scripted/perfect", FULL)
        seen = {record["stdout"] for record in commands(session.run, "rollout")}

    assert seen == {"seen False\n"}


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
