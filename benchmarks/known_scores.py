"""`hone measure` against models whose score is known, through a real loopback server and the command line.

Usage: python benchmarks/known_scores.py [DATA]

DATA is a folder that holds gsm8k/, humaneval/ (not part of this repository). Sets that we generate ourselves,
a multiple-choice set and a Parquet copy, are measured as well. Every line prints what the server really
answered and what `hone` reported; they must be equal.
"""

from __future__ import annotations

import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from honing.llm import EmptyModel, ModelReply, ModelRequest, ScriptedModel, ScriptedServer

Row = dict[str, object]
Gold = Callable[[str], str | None]
"""From a prompt to the right answer."""


def main() -> int:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder, gold, spoil in targets(data, Path(scratch)):
            for model, answer in models(gold, spoil):
                wrong += measure(name, folder, model, answer, Path(scratch))
    print("all equal" if not wrong else f"{wrong} differ")
    return 1 if wrong else 0


def targets(data: Path | None, scratch: Path) -> Iterator[tuple[str, Path, Gold, Callable[[str], str]]]:
    """Name, folder, gold by prompt, and how to make a right answer wrong."""
    sums = [
        {
            "question": f"A box holds {i} nuts and {i + 7} bolts. How many parts?",
            "answer": f"#### {2 * i + 7}",
        }
        for i in range(150)
    ]
    yield "parquet copy (ours)", parquet(sums, scratch), by_text(sums, "question", "answer"), spoil_number
    choices = make_choices(150)
    yield (
        "multiple choice (ours)",
        write_csv(choices, scratch),
        by_text(choices, "question", "answer"),
        spoil_letter,
    )
    if data is None:
        return
    rows = read_jsonl(data / "gsm8k" / "test.jsonl")
    only_test = copied(data / "gsm8k" / "test.jsonl", scratch / "gsm8k")
    yield "gsm8k test", only_test, by_text(rows, "question", "answer"), spoil_number
    code = read_jsonl(data / "humaneval" / "HumanEval.jsonl")
    program = {
        str(row["prompt"]): f"```python\n{row['prompt']}{row['canonical_solution']}\n```" for row in code
    }
    folder = copied(data / "humaneval" / "HumanEval.jsonl", scratch / "humaneval")
    yield (
        "humaneval",
        folder,
        lambda text: next((p for q, p in program.items() if q.strip() in text), None),
        spoil_code,
    )


def models(
    gold: Gold, spoil: Callable[[str], str]
) -> Iterator[tuple[str, Callable[[ModelRequest], ModelReply]]]:
    yield "oracle", ScriptedModel(lambda request: gold(asked(request)) or "").answer
    yield "empty", EmptyModel().answer

    def sometimes(request: ModelRequest) -> str:
        text = asked(request)
        right = gold(text) or ""
        return right if random.Random(text).random() < 0.6 else spoil(right)

    yield "right-0.6", ScriptedModel(sometimes).answer


def measure(
    name: str, folder: Path, model: str, answer: Callable[[ModelRequest], ModelReply], scratch: Path
) -> int:
    """Run `hone measure` as a user would; 1 where the reported score is not the realised one."""
    answered: dict[str, str] = {}

    class Counted:
        def answer(self, request: ModelRequest) -> ModelReply:
            reply = answer(request)
            answered[asked(request)] = reply.text
            return reply

    began = time.perf_counter()
    with ScriptedServer(Counted()) as server:
        env = {
            **os.environ,
            "OPENAI_BASE_URL": f"{server.base_url}/v1",
            "OPENAI_API_KEY": "none",
            "NO_COLOR": "1",
        }
        home = scratch / "runs"
        command = [sys.executable, "-m", "honing", "--home", str(home), "--quiet", "measure", str(folder)]
        options = ["--llm", model, "--mode", "full", "--json", "--max-connections", "8"]
        done = subprocess.run([*command, *options], env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    metrics = json.loads(done.stdout)
    expected = realised(metrics, home)
    low, high = metrics["ci95"] or (float("nan"), float("nan"))
    equal = (
        metrics["score"] is not None and abs(metrics["score"] - expected) < 1e-12 and low <= expected <= high
    )
    found = metrics["calibration"]
    formats = [score for score in found["format"].values() if score is not None]
    print(
        f"{name:24s} {model:10s} n={metrics['n_scored']}/{metrics['n_planned']} score={metrics['score']:.6f} "
        f"[{low:.4f}, {high:.4f}] realised={expected:.6f} calls={len(answered)} level={metrics['level']} "
        f"oracle={found['oracle']} null={found['null']} shuffled={found['shuffled']} "
        f"formats={len(formats)} worst={min(formats)} {took:.1f} s {'ok' if equal else 'DIFFERS'}"
    )
    return 0 if equal else 1


def realised(metrics: dict[str, object], home: Path) -> float:
    """The share of prompts that the server answered with the gold, read from the stored samples."""
    run = next(path for path in home.iterdir() if path.name.startswith(str(metrics["run_id"])))
    samples = read_jsonl(run / "samples.jsonl")
    right = [sample for sample in samples if random.Random(str(sample["prompt"])).random() < 0.6]
    model = metrics["model"]
    return 1.0 if model == "oracle" else 0.0 if model == "empty" else len(right) / len(samples)


def asked(request: ModelRequest) -> str:
    return request.messages[-1].text


def by_text(rows: list[Row], question: str, answer: str) -> Gold:
    golds = {str(row[question]): str(row[answer]) for row in rows}
    return lambda text: next((gold for asks, gold in golds.items() if asks in text), None)


def spoil_number(right: str) -> str:
    return f"{right.rstrip('.')}7"


def spoil_letter(right: str) -> str:
    return {"A": "B", "B": "C", "C": "D", "D": "A"}[right]


def spoil_code(right: str) -> str:
    name = right.split("def ")[-1].split("(")[0]
    return f"```python\ndef {name}(*values, **named):\n    return None\n```"


def make_choices(count: int) -> list[Row]:
    rng = random.Random(5)
    rows: list[Row] = []
    for i in range(count):
        right = 3 * i + 11
        wrong = rng.sample([right + d for d in (-4, -3, -2, -1, 1, 2, 3, 4)], 3)
        place = rng.randrange(4)
        options = [*wrong[:place], right, *wrong[place:]]
        named = dict(zip("ABCD", map(str, options), strict=True))
        rows.append(
            {
                "question": f"Start at {i + 11} and add {2 * i}. What do you get?",
                **named,
                "answer": "ABCD"[place],
            }
        )
    return rows


def write_csv(rows: list[Row], scratch: Path) -> Path:
    folder = scratch / "choices"
    folder.mkdir()
    with (folder / "test.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def parquet(rows: list[Row], scratch: Path) -> Path:
    import pyarrow
    import pyarrow.parquet

    folder = scratch / "parquet" / "main"
    folder.mkdir(parents=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "test-00000-of-00001.parquet")
    return folder.parent


def copied(source: Path, folder: Path) -> Path:
    folder.mkdir()
    (folder / source.name).write_bytes(source.read_bytes())
    return folder


def read_jsonl(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


if __name__ == "__main__":
    sys.exit(main())
