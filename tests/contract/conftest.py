"""Targets that bring their own commands, and the session that measures them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from target_sources import Source

RUN = """
import json, os, urllib.request

def ask(text):
    body = {"model": os.environ["HONING_MODEL"], "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        os.environ["OPENAI_BASE_URL"] + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    )
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]

rows = [json.loads(line) for line in open("questions.jsonl")]
with open("answers.json", "w") as out:
    json.dump({row["id"]: ask("Q: " + row["question"] + " A:") for row in rows}, out)
"""

GRADE = """
import json
rows = [json.loads(line) for line in open("questions.jsonl")]
answers = json.load(open("answers.json"))
score = sum(answers[row["id"]].strip() == row["answer"] for row in rows) / len(rows)
json.dump({"ok": True, "score": score}, open("metrics.json", "w"))
"""

CONTRACT = """
schema: 1
name: sums
oracle: {file: oracle.jsonl}
stages:
  rollout: {commands: [python3 run.py]}
  evaluate: {commands: [python3 grade.py]}
"""

ROWS = [{"id": f"q{i}", "question": f"What is {i} plus {3 * i}?", "answer": str(4 * i)} for i in range(12)]

Write = Callable[..., Path]


@pytest.fixture
def write_target(tmp_path: Path) -> Write:
    """Writes a target that asks and grades twelve sums with commands of its own; keywords replace its
    files."""

    def write(contract: str = CONTRACT, **files: str) -> Path:
        folder = tmp_path / "target"
        (folder / ".honing").mkdir(parents=True)
        (folder / ".honing" / "contract.yaml").write_text(textwrap.dedent(contract))
        oracle = [{"id": row["id"], "match": row["question"], "completion": row["answer"]} for row in ROWS]
        content = {
            "run.py": RUN,
            "grade.py": GRADE,
            "questions.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
            "oracle.jsonl": "".join(json.dumps(row) + "\n" for row in oracle),
        }
        for name, text in {
            **content,
            **{name.replace("__", "."): text for name, text in files.items()},
        }.items():
            (folder / name).write_text(text)
        return folder

    return write


@pytest.fixture
def write_data(tmp_path: Path) -> Write:
    """Writes a data set of forty sums."""

    def write(count: int = 40) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        rows = [
            {"question": f"Ann has {i} and gets {i + 1} more. How many?", "answer": f"Add.\n#### {2 * i + 1}"}
            for i in range(count)
        ]
        (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return folder

    return write


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Resolves targets into stores and caches of its own."""
    return Source(tmp_path)
