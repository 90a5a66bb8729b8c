"""Making the bundled data anew: `python -m honing.demo.make FOLDER` writes the same bytes every time."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from honing.demo.arithmetic import worked
from honing.demo.templates import TEMPLATES

SEED = 20261121
TRAIN_ROWS = 80
TEST_ROWS = 120


def make_rows(seed: int = SEED) -> dict[str, list[dict[str, str]]]:
    """Rows of `train` and `test`, each with id, question and worked answer; no question occurs twice.

    Every template occurs about equally often in each of the two.
    """
    rng = random.Random(seed)
    seen: set[str] = set()
    return {"train": _split("train", TRAIN_ROWS, seen, rng), "test": _split("test", TEST_ROWS, seen, rng)}


def _split(name: str, count: int, seen: set[str], rng: random.Random) -> list[dict[str, str]]:
    drawn: list[tuple[str, str]] = []
    while len(drawn) < count:
        problem = TEMPLATES[len(drawn) % len(TEMPLATES)](rng)
        if problem.question not in seen:
            seen.add(problem.question)
            drawn.append((problem.question, worked(problem)))
    rng.shuffle(drawn)
    return [
        {"id": f"{name}-{number:03d}", "question": question, "answer": answer}
        for number, (question, answer) in enumerate(drawn, start=1)
    ]


def write(folder: Path) -> None:
    """Write `train.jsonl` and `test.jsonl` into a folder."""
    for name, rows in make_rows().items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8", newline="\n")


def main(arguments: Sequence[str]) -> int:
    """Write the data into the folder named, or say how."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m honing.demo.make FOLDER (it must exist)\n")
        return 2
    write(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
