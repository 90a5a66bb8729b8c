"""Targets that bring a contract in somebody else's form, made up for tests."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ASK = """
import json, os, urllib.request
rows = [json.loads(line) for line in open("questions.jsonl")]
limit = int(os.environ["AIDER_EVAL_LIMIT"] or 0) or len(rows)
out = open(os.environ["AIDER_FSM_ARTIFACTS_DIR"] + "/samples.jsonl", "w")
for row in rows[:limit]:
    messages = [{"role": "user", "content": row["question"]}]
    body = {"model": os.environ["AIDER_LLM_MODEL"], "messages": messages}
    request = urllib.request.Request(
        os.environ["OPENAI_API_BASE"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    said = json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
    reward = float(said.strip() == row["answer"])
    out.write(json.dumps({"prompt": row["question"], "completion": said, "reward": reward}) + "\\n")
out.close()
os.makedirs(".aider_fsm", exist_ok=True)
json.dump({"ok": True, "paths": {"samples_jsonl": out.name}}, open(".aider_fsm/rollout.json", "w"))
"""

JUDGE = """
import json
named = json.load(open(".aider_fsm/rollout.json"))["paths"]["samples_jsonl"]
rewards = [json.loads(line)["reward"] for line in open(named)]
json.dump({"ok": True, "score": sum(rewards) / len(rewards)}, open(".aider_fsm/metrics.json", "w"))
"""

PIPELINE = """
version: 1
security: {mode: safe, max_cmd_seconds: 120, denylist: ["rm -rf /"]}
tests: {cmds: ["test -f questions.jsonl"]}
deploy: {setup_cmds: ["echo up > up.txt"], health_cmds: ["test -s up.txt"], teardown_policy: always}
rollout:
  run_cmds:
    - bash .aider_fsm/stages/rollout.sh
  timeout_seconds: 300
  env: {MINE: 7}
evaluation:
  run_cmds: [python3 judge.py]
  metrics_path: .aider_fsm/metrics.json
  required_keys: [ok, score]
"""

BOOTSTRAP = """
version: 1
cmds:
  - run: echo ready > installed.txt
env:
  HOME_OF_DATA: $HONING_TARGET/data
"""

ROWS = [{"question": f"What is {n} plus {3 * n}?", "answer": str(4 * n)} for n in range(12)]


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Files below a folder; leading white space common to all lines is left out."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
    return folder


def pipeline_target(folder: Path, pipeline: str = PIPELINE, **more: str) -> Path:
    """A target of twelve sums with a pipeline and a bootstrap, and stage scripts."""
    return write(
        folder,
        {
            "pipeline.yml": pipeline,
            ".aider_fsm/bootstrap.yml": BOOTSTRAP,
            ".aider_fsm/stages/rollout.sh": 'test "$MINE" = 7 && "$AIDER_FSM_PYTHON" ask.py # rollout.json',
            "ask.py": ASK,
            "judge.py": JUDGE,
            "questions.jsonl": jsonl(ROWS),
            **more,
        },
    )


def jsonl(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows, one a line."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def choices(count: int = 24) -> list[dict[str, Any]]:
    """Questions under odd names, with four choices and the index of the right one."""
    return [
        {
            "ask": f"Which number follows {n}?",
            "offers": [str(n + k) for k in (2, 1, 5, 9)],
            "mark": 1 if n % 2 else 0,
        }
        | ({} if n % 2 else {"offers": [str(n + k) for k in (1, 2, 5, 9)]})
        for n in range(count)
    ]


def sums(count: int = 40) -> list[dict[str, Any]]:
    """Questions under odd names, whose answer stands after a mark."""
    return [
        {"ask": f"Ann has {n} beads and buys {2 * n}. How many?", "told": f"{n} + {2 * n}.\n#### {3 * n}"}
        for n in range(1, count + 1)
    ]


def task_folder(folder: Path, number: int, **files: str) -> Path:
    """A task folder that wants the sum of five numbers; keywords replace its files (`__` for a slash)."""
    content = {
        "task.toml": f"""
            schema_version = "1.4"

            [task]
            name = "made/sum-{number}"

            [agent]
            timeout_sec = 20.0

            [verifier]
            timeout_sec = 20.0
            """,
        "instruction.md": f"Write to /app/sum.txt the sum of /app/data/numbers.txt, and then {number}.\n",
        "environment/Dockerfile": """
            FROM python:3.11-slim
            RUN apt-get update && apt-get install -y bash \\
                && rm -rf /var/lib/apt/lists/*
            WORKDIR /app
            COPY data /app/data
            """,
        "environment/data/numbers.txt": "".join(f"{number * n}\n" for n in range(5)),
        "solution/solve.sh": "#!/bin/bash\npython3 /solution/add.py > /app/sum.txt\n",
        "solution/add.py": f"print({10 * number}, {number})\n",
        "tests/test.sh": f"""
            #!/bin/bash
            if [ "$(cat /app/sum.txt 2>/dev/null)" = "{10 * number} {number}" ]; then
              echo 1 > /logs/verifier/reward.txt
            else
              echo 0 > /logs/verifier/reward.txt
            fi
            """,
    }
    return write(folder, {**content, **{name.replace("__", "/"): text for name, text in files.items()}})
