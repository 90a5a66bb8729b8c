"""The weights step of the loop over a measured target: a tiny local model learns from gold and is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sweep_scene import SIZE, WORDS, write_target

from honing.errors import StoppedError
from honing.executors import InlineExecutor
from honing.experiments import (
    ContractOptions,
    ImproveOptions,
    ImproveResult,
    ImproveSpec,
    Teaching,
    contract_subject,
    improve_subject,
)
from honing.experiments.improve import Spending
from honing.experiments.improve.contracts.measuring import Answered, Answers
from honing.experiments.improve.contracts.teaching import rows_to_learn
from honing.learn import TextRow
from honing.store import RunStatus, identity, load_run

SPEC = ImproveSpec(proposals=0, training_steps=25, final_repeats=1)


def answered(row: str, completion: str, score: float | None) -> Answered:
    return Answered(id=row, prompt=f"Q {row}", completion=completion, gold="", score=score, why="")


def answers(*rows: Answered) -> Answers:
    return Answers(rows=rows, spent=Spending())


def test_right_answers_are_learned_and_gold_where_there_is_none() -> None:
    found = rows_to_learn(
        [
            answers(answered("a", "x 1", 1.0), answered("b", "wrong", 0.0), answered("c", "half", 0.5)),
            answers(answered("a", "y 1", 1.0), answered("b", "", None), answered("c", "half", 0.5)),
        ],
        {"b": "gold b", "c": ""},
        "Think.",
    )

    assert found == [
        TextRow(prompt="Q a", completion="x 1", system="Think.", source="own:a"),
        TextRow(prompt="Q a", completion="y 1", system="Think.", source="own:a"),
        TextRow(prompt="Q b", completion="gold b", system="Think.", source="gold:b"),
    ]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A target whose right answers are mostly 7, prompts, and a tiny model that always answers 1."""
    from honing.contract import SetupOptions, asked_rows
    from honing.learn import tiny_text_model

    root = tmp_path_factory.mktemp("taught")
    answers_of = {f"Which number has {word} ?": 2 if k % 12 == 0 else 7 for k, word in enumerate(WORDS)}
    target = write_target(root / "sevens", answers_of)
    (root / "prompts").mkdir()
    (root / "prompts" / "harness.yaml").write_text("temperature: 0\nmax_tokens: 4\n")
    rows = [
        TextRow(prompt=row.prompt, completion="#### 1") for row in asked_rows(target, SetupOptions()).rows
    ]
    words = TextRow(prompt="x", completion="#### 7 #### 2")
    (root / "model").symlink_to(tiny_text_model([*rows, words], SIZE, root / "cache"))
    return root


def looped(scene: Path, name: str, told: object = None) -> ImproveResult:
    options = ContractOptions(
        target=str(scene / "sevens"),
        harness=scene / "prompts",
        model=str(scene / "model"),
        teaching=Teaching(learning_rate=1e-2, rank=8, batch_size=12),
    )
    asked = ImproveOptions(home=scene / "runs", run_name=name, executor=InlineExecutor())
    asked = replace(asked, told=told) if told is not None else asked  # type: ignore[arg-type]
    return improve_subject(contract_subject(options), SPEC, asked)


@pytest.fixture(scope="module")
def taught(scene: Path) -> ImproveResult:
    return looped(scene, "whole")


@pytest.mark.teach
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_local_model_learns_is_kept_and_proven(taught: ImproveResult) -> None:
    rows = {row["name"]: row for row in taught.rows}
    step = taught.document["steps"][1]

    assert (rows["baseline"]["score"], rows["+ harness"]["ending"], rows["+ weights"]["ending"]) == (
        0.0,
        "skipped",
        "kept",
    )
    assert taught.improved
    assert step["verdict"]["deterministic"]
    assert step["what"].startswith("25 optimiser steps on 0 own right answers and 24 golds")
    assert len(step["facts"]["losses"]) == 25
    assert step["facts"]["loss_after"] < step["facts"]["loss_before"]
    assert rows["+ weights"]["spent"]["making"]["training_steps"] == 25


@pytest.mark.teach
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_only_search_tasks_are_taught(taught: ImproveResult) -> None:
    trained = json.dumps([row.source for row in _rows_taught(taught)])
    panel = taught.run.read_json("panel.json")["tasks"]

    assert all(f"gold:{task['id']}" in trained for task in panel["search"])
    assert not any(task["id"] in trained for part in ("check", "held_out") for task in panel[part])


def _rows_taught(taught: ImproveResult) -> Sequence[TextRow]:
    """The rows of the training, as its folder keeps them."""
    kept = taught.run.path / "weights" / "rows.jsonl"
    return [TextRow.from_document(json.loads(line)) for line in kept.read_text("utf-8").splitlines()]


@pytest.mark.teach
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_adapter_can_be_taken_away(taught: ImproveResult) -> None:
    final = taught.run.path / "final"

    assert (final / "model" / "adapter_config.json").is_file()
    assert (final / "harness" / "harness.yaml").read_text() == "temperature: 0\nmax_tokens: 4\n"
    assert json.loads((final / "model.json").read_text()) == {"model": "weights/adapter"}


@pytest.mark.teach
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_loop_that_is_stopped_while_it_trains_goes_on_to_the_same_bytes(
    taught: ImproveResult, scene: Path
) -> None:
    def stop(line: str) -> None:
        if "step 10" in line:
            (scene / "runs" / "stopped" / "stop").touch()

    with pytest.raises(StoppedError):
        looped(scene, "stopped", stop)
    status = load_run(scene / "runs" / "stopped").status
    result = looped(scene, "stopped")

    assert status is RunStatus.STOPPED
    assert identity(result.run.path) == identity(taught.run.path)
