"""Small targets and a tiny model for sweeps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from honing.contract import asked_rows
from honing.experiments import SegmentOptions, SweepSpec
from honing.learn import TextModelOptions, TextRow, tiny_text_model
from honing.llm import Sampling

ROWS = 26
WORDS = [f"{first}{last}" for first in ("ka", "lo", "mi", "nu", "pe", "ra") for last in "abcdefgh"]
SIZE = TextModelOptions(hidden=32, heads=2, context=96, steps=60, batch_size=24)
TUNING = SegmentOptions(steps=12, learning_rate=1e-2, rank=8, alpha=16, batch_size=12, save_every=4)


def write_target(folder: Path, answers: Mapping[str, int]) -> Path:
    """A folder of questions and answers."""
    folder.mkdir(parents=True)
    lines = [{"question": question, "answer": f"#### {answer}"} for question, answer in answers.items()]
    (folder / "test.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def write_rows(path: Path, rows: list[TextRow]) -> Path:
    """A file of rows as `--train-data` takes it."""
    kept = [{"prompt": row.prompt, "completion": row.completion} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))
    return path


def two_targets(root: Path) -> tuple[Path, Path]:
    """Two targets whose right answers are always 7, and always 4: folders `sevens` and `fours`."""
    sevens = write_target(root / "sevens", {f"Which number has {word} ?": 7 for word in WORDS[:ROWS]})
    fours = write_target(root / "fours", {f"How many are {word} ?": 4 for word in WORDS[:ROWS]})
    # Right answers must differ somewhere, or the controls could not be told apart.
    for folder in (sevens, fours):
        path = folder / "test.jsonl"
        lines = path.read_text().splitlines()
        lines[::6] = [line.replace("#### 7", "#### 2").replace("#### 4", "#### 2") for line in lines[::6]]
        path.write_text("\n".join(lines) + "\n")
    return sevens, fours


def model_that_says_one(cache: Path, *folders: Path) -> Path:
    """A tiny model that answers 1 to every question of the targets."""
    from honing.contract import SetupOptions

    rows = [
        TextRow(prompt=row.prompt, completion="#### 1")
        for folder in folders
        for row in asked_rows(folder, SetupOptions(home=cache / "none")).rows
    ]
    words = TextRow(prompt="x", completion="#### 7 #### 4 #### 2")
    return tiny_text_model([*rows, words], SIZE, cache)


def spec_of(model: Path | str, targets: tuple[str, ...], **given: object) -> SweepSpec:
    """A sweep of two short segments."""
    usual: dict[str, object] = {
        "segments": 2,
        "training": TUNING,
        "rows_per_target": 10,
        "samples_per_target": 8,
        "sampling": Sampling(max_tokens=4),
    }
    return SweepSpec(base_model=str(model), targets=targets, **{**usual, **given})  # type: ignore[arg-type]
