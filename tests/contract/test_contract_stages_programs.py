"""What a target deploys, and the programs that write or play its right answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from interactive import POLICY, write_interactive

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.session import EvaluationResult
from honing.errors import StageError
from honing.store import Run

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)
HEAD = "schema: 1\noracle: {file: oracle.jsonl}\n"
ASKS = "  rollout: {commands: [python3 run.py]}\n"
JUDGES = "  evaluate: {commands: [python3 grade.py]}\n"


def measure(target: Path, home: Path, llm: str = "scripted/perfect") -> EvaluationResult:
    with setup(target, SetupOptions(home=home)) as session:
        session.rollout(llm, FULL)
        return session.evaluate()


def commands(run: Run, stage: str) -> list[dict[str, Any]]:
    return [r.body for r in run.evidence().read() if r.kind == "command" and r.body["stage"] == stage]


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
