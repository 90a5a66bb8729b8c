"""Models of a real sweep and of a real closed loop, as folders with cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sweep_scene import SIZE, WORDS, model_that_says_one, spec_of, two_targets, write_target

from honing.executors import InlineExecutor
from honing.experiments import (
    ContractOptions,
    ImproveOptions,
    ImproveSpec,
    Teaching,
    contract_subject,
    export_model,
    improve_subject,
)
from honing.experiments.sweep.running import run_sweep
from honing.experiments.sweep.spec import SweepOptions
from honing.learn import TextRow, load_checkpoint, read_checkpoint
from honing.store import Run, load_run

pytestmark = [pytest.mark.teach, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two segments on two targets, only one of which is trained on."""
    root = tmp_path_factory.mktemp("sweep")
    sevens, fours = two_targets(root)
    model = model_that_says_one(root / "cache", sevens, fours)
    spec = spec_of(model, ("sevens", "fours"), collect_from=("sevens",))
    made = run_sweep(spec, SweepOptions(home=root / "runs", places=(root,), cache=root / "cache"))
    return load_run(made.run)


@pytest.fixture(scope="module")
def looped(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A loop that kept what a tiny model learned."""
    from honing.contract import SetupOptions, asked_rows
    from honing.learn import tiny_text_model

    root = tmp_path_factory.mktemp("taught")
    answers = {f"Which number has {word} ?": 2 if k % 12 == 0 else 7 for k, word in enumerate(WORDS)}
    target = write_target(root / "sevens", answers)
    (root / "prompts").mkdir()
    (root / "prompts" / "harness.yaml").write_text("temperature: 0\nmax_tokens: 4\n")
    rows = [
        TextRow(prompt=row.prompt, completion="#### 1") for row in asked_rows(target, SetupOptions()).rows
    ]
    model = tiny_text_model([*rows, TextRow(prompt="x", completion="#### 7 #### 2")], SIZE, root / "cache")
    options = ContractOptions(
        target=str(target),
        harness=root / "prompts",
        model=str(model),
        teaching=Teaching(learning_rate=1e-2, rank=8, batch_size=12),
    )
    asked = ImproveOptions(home=root / "runs", executor=InlineExecutor())
    spec = ImproveSpec(proposals=0, training_steps=25, final_repeats=1)
    return improve_subject(contract_subject(options), spec, asked).run


def test_the_last_segment_is_shipped_with_the_change_of_every_target(swept: Run, tmp_path: Path) -> None:
    made = export_model(swept, tmp_path / "m", known={})
    card = (tmp_path / "m" / "README.md").read_text()
    summary = swept.read_json("train_and_benchmark_summary.json")

    last = summary["segments"][-1]
    assert (made.model, last["name"]) == ("seg_1", "seg_1")
    for one in last["smoke"]:
        change = one["change"]["base"]
        low, high = change["ci95"]
        assert f"| {change['difference']:.3f} | {low:.3f} to {high:.3f} | {change['tasks']} |" in card
    assert [f"`seg_{n}/train/rows.jsonl`" in card for n in range(3)] == [True, True, False]
    assert "steps in all | 24 |" in card
    load_checkpoint(read_checkpoint(tmp_path / "m"))


def test_an_earlier_segment_is_shipped_by_its_name(swept: Run, tmp_path: Path) -> None:
    made = export_model(swept, tmp_path / "m", known={}, model="seg_0")

    facts = json.loads((tmp_path / "m" / "honing.json").read_text())
    assert (made.model, facts["training"]["segments"], len(facts["data"])) == ("seg_0", 1, 1)


def test_the_kept_model_of_a_loop_is_shipped_with_its_held_out_gain(looped: Run, tmp_path: Path) -> None:
    export_model(looped, tmp_path / "m", known={})
    card = (tmp_path / "m" / "README.md").read_text()
    rows = {row["name"]: row for row in looped.read_json("improvement.json")["rows"]}

    gain = rows["+ weights"]["over_before"]
    low, high = gain["ci95"]
    assert f"| {gain['difference']:.3f} | {low:.3f} to {high:.3f} | {gain['tasks']} |" in card
    assert "lies above 0" in card
    assert f"Panel `{looped.read_json('improvement.json')['panel']['id']}`" in card
    assert "`weights/rows.jsonl` | 24 |" in card
    load_checkpoint(read_checkpoint(tmp_path / "m"))
