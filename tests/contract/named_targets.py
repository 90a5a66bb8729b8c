"""Targets whose own pages name the commands that ask and judge; none has a contract."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

ROWS = [
    {"id": f"q{n}", "question": f"What is {n} plus {7 * n % 24}?", "answer": str(n + 7 * n % 24)}
    for n in range(1, 25)
]

GRADER = """
import json, sys

rows = {row["id"]: row for row in map(json.loads, open("data/questions.jsonl"))}
given = [json.loads(line) for line in open(sys.argv[1])]
NEEDS_ALL
right = sum(one["response"].strip() == rows[one["id"]]["answer"] for one in given)
print("answered:", sum(bool(one["response"].strip()) for one in given) / len(given))
print("accuracy:", right / len(given))
"""

ASK = """
import argparse, json, os, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--base-url", default="https://api.example.com/v1", help="address of the model")
parser.add_argument("--api-key", default=os.environ.get("OPENAI_API_KEY"))
parser.add_argument("--output", default="results")
options = parser.parse_args()

def ask(text):
    body = {"model": options.model, "messages": [{"role": "user", "content": "Answer: " + text}]}
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + options.api_key}
    request = urllib.request.Request(
        options.base_url + "/chat/completions", json.dumps(body).encode(), headers
    )
    return json.load(urllib.request.urlopen(request))["choices"][0]["message"]["content"]
"""

BENCH = (
    ASK
    + """
rows = [json.loads(line) for line in open(os.environ.get("QUESTIONS_PATH", "missing.jsonl"))]
right = sum(ask(row["question"]).strip() == row["answer"] for row in rows)
os.makedirs(options.output, exist_ok=True)
name = options.model.replace("/", "_")
figures = {"seconds": 1.0, "scores": {"accuracy": right / len(rows)}, "n": len(rows)}
json.dump(figures, open(f"{options.output}/{name}.json", "w"))
print("done")
"""
)


def _write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return folder


def questions() -> str:
    return "".join(json.dumps(row) + "\n" for row in ROWS)


def judging_target(folder: Path, *, needs_all: bool = False) -> Path:
    """Data, and a grader that reads a file of samples in columns of its own."""
    demand = "assert len({one['id'] for one in given}) == len(rows), 'some tasks are missing'"
    return _write(
        folder,
        {
            "README.md": """
                # Sums

                ## Evaluation

                Write your answers as lines like `{"id": "q1", "response": "8"}`, then evaluate them:

                ```bash
                python grade.py my_samples.jsonl
                ```
                """,
            "grade.py": GRADER.replace("NEEDS_ALL", demand if needs_all else ""),
            "data/questions.jsonl": questions(),
        },
    )


def combined_target(folder: Path) -> Path:
    """One command that asks and judges, on data that a variable names."""
    return _write(
        folder,
        {
            "README.md": """
                # Sums

                ## Evaluate a model

                Set `QUESTIONS_PATH` to a local file of questions first.

                ```bash
                docker run --rm example/sums evaluate --model gpt-4
                ```

                Without a container:

                ```bash
                export OPENAI_API_KEY=YOUR_KEY
                python evaluate.py --model gpt-4 --output results
                ```
                """,
            "evaluate.py": BENCH,
        },
    )
