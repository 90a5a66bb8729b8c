"""A trained model as a folder: a real adapter of a real study loads without Honing, and its card is true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from honing.errors import UsageError
from honing.experiments import ModelExported, export_model
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.phases.evaluate import evaluate_runs
from honing.teach.phases.matrix import train_runs
from honing.teach.training.arms import matrix_runs, trainable
from labelled_scene import labelled_desk, spec, tiny_student

pytestmark = pytest.mark.teach

_LOAD = """
import sys
assert "honing" not in sys.modules
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder = sys.argv[1]
tokenizer = AutoTokenizer.from_pretrained(folder + "/base_model")
base = AutoModelForCausalLM.from_pretrained(folder + "/base_model")
ids = tokenizer("take the red door", return_tensors="pt").input_ids
plain = base(ids).logits.detach().clone()
model = PeftModel.from_pretrained(base, folder)
print(bool((model(ids).logits != plain).any()), "honing" in sys.modules)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A study whose matrix has two adapters, trained and evaluated for real."""
    student = tiny_student(tmp_path_factory.mktemp("cache"))
    desk: Desk = labelled_desk(tmp_path_factory.mktemp("study"), student, spec())
    usable = trainable(desk.snapshots("phase1/labeled_snapshots.jsonl"), drop_abstained=False)
    chosen = [run for run in matrix_runs(usable, seed=3) if run.run_id in {"B1_uniform", "B2_all"}]
    summary = train_runs(desk, chosen, "phase2")
    evaluate_runs(desk, summary, "phase3")
    return desk.run


@pytest.fixture(scope="module")
def made(study: Run, tmp_path_factory: pytest.TempPathFactory) -> ModelExported:
    return export_model(study, tmp_path_factory.mktemp("made") / "model", known={})


@pytest.fixture(scope="module")
def card(made: ModelExported) -> str:
    return (made.path / "README.md").read_text(encoding="utf-8")


def test_the_folder_loads_with_peft_in_a_process_that_never_heard_of_honing(made: ModelExported) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, str(made.path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert (done.returncode, done.stdout) == (0, "True False\n"), done.stderr


def test_the_card_gives_the_numbers_of_the_evaluation(study: Run, made: ModelExported, card: str) -> None:
    evaluation = study.read_json("phase3/evaluation.json")
    gain, base = evaluation["runs"][made.model]["gain"], evaluation["base"]["success"]

    assert f"| {base['estimate']:.3f} | {base['low']:.3f} to {base['high']:.3f} | {base['n']} |" in card
    assert f"| {gain['estimate']:.3f} | {gain['low']:.3f} to {gain['high']:.3f} | {gain['n']} |" in card
    assert ("holds 0" in card, "lies above 0" in card) == (gain["low"] <= 0 <= gain["high"], gain["low"] > 0)


def test_the_front_matter_is_what_a_hub_reads(made: ModelExported, card: str) -> None:
    from huggingface_hub import ModelCard

    front: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    (result, *further) = ModelCard(card).data.eval_results

    assert (front["library_name"], front["license"], front["tags"]) == ("peft", "other", ["honing", "lora"])
    assert "base_model" not in front
    assert (result.metric_type, result.dataset_type) == (
        "success_rate",
        f"honing-panel-{_facts(made)['panel']}",
    )
    assert {"ci95", "n"} == set(result.metric_args)
    assert len(further) == 2


def test_the_card_names_the_data_by_count_and_hash(study: Run, made: ModelExported, card: str) -> None:
    import hashlib

    path = study.path / "phase2" / made.model / "examples.jsonl"
    rows = len(path.read_text().splitlines())

    assert f"| `phase2/{made.model}/examples.jsonl` | {rows} |" in card
    assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert "`phase0/replay.jsonl`" in card


def test_the_better_of_two_is_taken_and_the_card_says_that_this_flatters(study: Run, card: str) -> None:
    assert "the best of 2 models of this run by the same held-out tasks" in card
    other = export_model(study, Path("nowhere"), known={}, model="B2_all", dry_run=True)
    assert (other.model, other.files, Path("nowhere").exists()) == ("B2_all", (), False)


def test_the_adapter_is_that_of_the_run_byte_for_byte(study: Run, made: ModelExported) -> None:
    source = study.path / "phase2" / made.model / "adapter"

    name = "adapter_model.safetensors"
    assert (made.path / name).read_bytes() == (source / name).read_bytes()
    config = json.loads((made.path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == "base_model"


def test_a_secret_of_the_environment_is_not_on_the_card(study: Run, tmp_path: Path) -> None:
    known = {"MY_TOKEN": "held-out", "OTHER_SECRET": "B1_uniform"}
    made = export_model(study, tmp_path / "m", known=known, model="B1_uniform")

    texts = [(made.path / name).read_text() for name in ("README.md", "honing.json")]
    assert [word for text in texts for word in known.values() if word in text] == []


def test_a_folder_that_holds_files_is_refused(study: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("mine")

    with pytest.raises(UsageError, match="holds files already"):
        export_model(study, tmp_path, known={})


def test_a_model_that_is_not_there_is_refused_with_those_that_are(study: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There are B1_uniform, B2_all"):
        export_model(study, tmp_path / "m", known={}, model="Q9")
    with pytest.raises(UsageError, match="holds no trained model"):
        export_model(Run.create(tmp_path, kind="measure", config={}, command=(), seed=0), tmp_path, known={})


def _facts(made: ModelExported) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((made.path / "honing.json").read_text())
    return found
