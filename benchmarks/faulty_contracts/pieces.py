"""What the small targets are made of: questions, a rollout, a grader, a contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

QUESTIONS = "questions.jsonl"

ROWS: tuple[Row, ...] = tuple(
    {"id": f"q{i:02d}", "question": f"What is {10 + 3 * i} plus {90 + 4 * i}?", "answer": str(100 + 7 * i)}
    for i in range(12)
)
"""Golds of one length and one first digit, so that a grader that looks at either shows itself."""

WORDS: tuple[Row, ...] = tuple(
    {"id": f"w{i:02d}", "question": f"Which is the capital of province {name}?", "answer": town}
    for i, (name, town) in enumerate(
        zip(
            ("Aldo", "Brin", "Cass", "Dunn", "Elba", "Fenn", "Gard", "Holm"),
            ("Lorne", "Mavis", "Nedra", "Opal", "Perth", "Quill", "Rosen", "Sable"),
            strict=True,
        )
    )
)

ASK = """
import json, os, urllib.request

def ask(text, *before):
    turns = [*before, {"role": "user", "content": text}]
    body = json.dumps({"model": os.environ["HONING_MODEL"], "messages": turns}).encode()
    head = {"Content-Type": "application/json", "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    request = urllib.request.Request(os.environ["OPENAI_BASE_URL"] + "/chat/completions", body, head)
    with urllib.request.urlopen(request) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]
"""

RUN = f"""{ASK}
rows = [json.loads(line) for line in open("questions.jsonl", encoding="utf-8")]
answers = {{row["id"]: ask("Q: " + row["question"] + " A:") for row in rows}}
with open("answers.json", "w") as out:
    json.dump(answers, out)
"""

GRADE = """
import json

rows = [json.loads(line) for line in open("questions.jsonl", encoding="utf-8")]
answers = json.load(open("answers.json"))
right = [answers[row["id"]].strip() == row["answer"] for row in rows]
score = sum(right) / len(rows)
with open("metrics.json", "w") as out:
    json.dump({"score": score}, out)
"""

VERDICT = 'answers[row["id"]].strip() == row["answer"]'
"""The grader's own comparison, to be replaced by a faulty one."""
SCORE = "sum(right) / len(rows)"

CONTRACT: Mapping[str, Any] = {
    "schema": 1,
    "name": "sums",
    "oracle": {"file": "oracle.jsonl"},
    "stages": {"rollout": {"commands": ["python3 run.py"]}, "evaluate": {"commands": ["python3 grade.py"]}},
}


def contract(
    *,
    metric: Mapping[str, Any] | None = None,
    rollout: Mapping[str, Any] | None = None,
    evaluate: Mapping[str, Any] | None = None,
    **other: Any,
) -> dict[str, Any]:
    """The usual contract with parts of it replaced; `stages` in `other` adds stages."""
    stages = {
        **CONTRACT["stages"],
        **other.pop("stages", {}),
    }
    stages["rollout"] = {**stages["rollout"], **(rollout or {})}
    stages["evaluate"] = {**stages["evaluate"], **(evaluate or {})}
    document = {**CONTRACT, **other, "stages": stages}
    return {**document, "metric": metric} if metric is not None else document


def uncalibrated(told: str) -> str:
    """The pattern of a reason that begins with what a control told."""
    return rf"^not asked: the contract is not calibrated \((?:{told})"


def swap(text: str, *pairs: tuple[str, str]) -> str:
    """The text with each first part replaced by the second.

    Raises:
        ValueError: A first part does not stand in it, so that nothing would be planted.
    """
    for old, new in pairs:
        if old not in text:
            raise ValueError(f"{old!r} does not stand in the text: nothing would be planted")
        text = text.replace(old, new)
    return text


def jsonl(rows: Iterable[Row]) -> str:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
