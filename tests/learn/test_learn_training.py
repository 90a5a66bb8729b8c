"""Training through TRL: what it learns from, that it is the plain step, and what it refuses."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from plain_training import train_plain
from tiny_students import ARCHITECTURES, decision, decisions

from honing.errors import LeakageError, TrainingError, UsageError
from honing.learn import Example, SftOptions, TrainingResult, Turn, load_student, train_dpo, train_lora
from honing.learn.training.lora import read_adapter
from honing.learn.training.options import Schedule
from honing.learn.training.quiet import training_at
from honing.learn.training.rows import Row, padded, rows_of
from honing.learn.training.sft import assert_only_actions

pytestmark = pytest.mark.teach

NEW, OLD = decisions(0, 6), decisions(20, 9)
OPTIONS = SftOptions(rank=4, alpha=8, n_steps=5, batch_size=4, learning_rate=3e-3, replay=0.5)
HARD = replace(
    OPTIONS,
    batch_size=2,
    gradient_accumulation_steps=3,
    schedule=Schedule.LINEAR,
    weight_decay=0.1,
    max_gradient_norm=0.3,
)


def farthest(one: dict[str, Any], other: dict[str, Any]) -> float:
    """Largest difference of two adapters' weights."""
    assert one.keys() == other.keys()
    return max(float((one[n][side] - other[n][side]).abs().max()) for n in one for side in (0, 1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_trainer_takes_the_steps_of_plain_torch(
    shapes: dict[str, Path], architecture: str, tmp_path: Path
) -> None:
    options = HARD if architecture == "gpt2" else OPTIONS

    result = train_lora(shapes[architecture], NEW, OLD, options, tmp_path)
    weights, losses = train_plain(load_student(shapes[architecture]), NEW, OLD, options)

    trained, scale = read_adapter(result.adapter)
    assert farthest(trained, weights) < 1e-5
    assert scale == 2.0
    assert (result.first_loss, result.final_loss) == pytest.approx((losses[0], losses[-1]), abs=1e-5)


def test_a_result_says_what_was_done_and_whether_it_was_learned(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    lines: list[str] = []

    options = replace(OPTIONS, n_steps=40, learning_rate=1e-2)
    result = train_lora(shapes["llama"], NEW, OLD, options, tmp_path, told=lines.append)

    assert (result.trainer, result.n_steps, result.n_examples, result.n_replay) == ("trl", 40, 6, 80)
    assert result.loss_after < 0.7 * result.loss_before
    assert result.replay_loss_before is not None
    assert result.replay_loss_after is not None
    assert result.replay_loss_after < 0.7 * result.replay_loss_before
    assert lines[0].startswith("step 4 of 40: loss ")
    assert len(lines) == 10
    weights, _ = read_adapter(result.adapter)
    assert result.trainable == sum(side.numel() for pair in weights.values() for side in pair)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [
        "adapter",
        "adapter_config.json",
        "adapter_model.safetensors",
        "training.json",
    ]


def test_the_student_comes_to_do_what_it_was_taught(shapes: dict[str, Path], tmp_path: Path) -> None:
    def chance(adapter: Path | None) -> float:
        """Mean probability of the right action among the five valid ones."""
        student = load_student(shapes["qwen2"], adapter=adapter)
        said = student.logprobs([Turn(situation=example.situation) for example in NEW])
        right = [example.situation.actions.index(example.action) for example in NEW]
        return sum(math.exp(each[place]) for each, place in zip(said, right, strict=True)) / len(NEW)

    options = replace(OPTIONS, n_steps=50, learning_rate=1e-2, replay=0.0)
    result = train_lora(shapes["qwen2"], NEW, [], options, tmp_path)

    assert chance(None) < 0.25
    assert chance(result.adapter) > 0.35


def test_loss_falls_on_the_action_and_its_end_alone(shapes: dict[str, Path]) -> None:
    student = load_student(shapes["gpt2"])

    (row,) = rows_of(student, [decision(3)])
    labels = padded([row, Row(tokens=(5, 6), n_prompt=1)], "cpu")["labels"]

    trained = [token for token in labels[0].tolist() if token != -100]
    assert trained == student.encode_action(decision(3).action)
    assert trained[-1] == student.tokenizer.eos_token_id
    assert row.tokens[: row.n_prompt] == tuple(student.encode(decision(3).situation))
    assert labels[1].tolist() == [-100, 6, *[-100] * (len(row.tokens) - 2)]


def test_a_prompt_that_is_too_long_is_cut_as_in_scoring(shapes: dict[str, Path]) -> None:
    student = load_student(shapes["gpt2"])
    long = replace(decision(0), situation=replace(decision(0).situation, observation="lamp " * 200))

    (row,) = rows_of(student, [long])

    assert row.tokens[: row.n_prompt] == tuple(student.encode(long.situation))
    assert row.n_prompt + max(len(student.encode_action(a)) for a in long.situation.actions) == 128


def test_a_trainer_that_would_learn_the_prompt_is_refused() -> None:
    import torch

    def collate(rows: list[dict[str, list[int]]]) -> dict[str, Any]:
        return {"labels": torch.tensor([row["input_ids"] for row in rows])}

    with pytest.raises(TrainingError, match="other tokens than the actions'"):
        assert_only_actions(collate, [Row(tokens=(5, 6, 7), n_prompt=2)])


def test_the_same_training_gives_the_same_bytes_and_a_finished_one_is_not_done_again(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    def content(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    first = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "one")
    second = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "two")
    lines: list[str] = []
    again = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path / "one", told=lines.append)

    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert first.as_document() == second.as_document() == again.as_document()
    assert (again, lines) == (first, [])


def test_the_folder_of_another_training_is_trained_anew(shapes: dict[str, Path], tmp_path: Path) -> None:
    first = train_lora(shapes["llama"], NEW, OLD, OPTIONS, tmp_path)
    second = train_lora(shapes["llama"], NEW[:5], OLD, OPTIONS, tmp_path)

    assert (first.n_examples, second.n_examples) == (6, 5)
    assert json.loads((tmp_path / "training.json").read_text())["n_examples"] == 5


@pytest.mark.parametrize("train", [train_lora, train_dpo])
def test_nothing_is_learned_from_an_episode_that_was_tampered_with(
    shapes: dict[str, Path], tmp_path: Path, train: Any
) -> None:
    spoilt = replace(decision(2), tampered="the reward rose without a step")

    for examples, replay in (([decision(0), spoilt], OLD), (NEW, [*OLD, spoilt])):
        with pytest.raises(LeakageError, match="s2 comes from an episode that was tampered with"):
            train(shapes["llama"], examples, replay, OPTIONS, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_mark_of_tampering_survives_being_written() -> None:
    spoilt = replace(decision(2), tampered="the replay differs")

    assert Example.from_document(spoilt.as_document()) == spoilt
    assert Example.from_document(decision(2).as_document()) == decision(2)


@pytest.mark.parametrize(
    ("example", "options", "said"),
    [
        (replace(decision(0), action="fly"), OPTIONS, "'fly' is none of the 5 valid actions"),
        (decision(0), replace(OPTIONS, targets=("wq",)), "no linear layer is named wq; there are down_proj"),
        (decision(0), replace(OPTIONS, device="cuda:1"), "choose one GPU of several with CUDA_VISIBLE_DEVI"),
    ],
    ids=["an action that is not valid", "a layer that is not there", "a second GPU"],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(
    shapes: dict[str, Path], tmp_path: Path, example: Example, options: SftOptions, said: str
) -> None:
    with pytest.raises((TrainingError, UsageError), match=said):
        train_lora(shapes["llama"], [example], OLD, options, tmp_path)


def test_a_training_that_runs_away_is_an_error_and_no_adapter(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    options = replace(OPTIONS, n_steps=20, learning_rate=1e30)

    with pytest.raises(TrainingError, match="Lower --learning-rate"):
        train_lora(shapes["llama"], NEW, OLD, options, tmp_path)
    assert not (tmp_path / "adapter").exists()


def test_running_out_of_memory_names_the_options_that_help() -> None:
    import torch

    with pytest.raises(TrainingError) as refused, training_at("phase2/B2_all", [7]):
        torch.empty(1 << 55)

    assert str(refused.value) == (
        "phase2/B2_all: out of memory at step 8. Lower --batch-size, and raise --gradient-accumulation-steps "
        "by the same factor: the rows per step stay the same, and so does what is learned."
    )


def test_other_failures_keep_their_text_and_get_the_step() -> None:
    with (
        pytest.raises(TrainingError, match=r"^B1_uniform: step 3: shapes differ$"),
        training_at("B1_uniform", [2]),
    ):
        raise RuntimeError("shapes differ")


def test_preference_training_begins_undecided_and_learns_the_right_action(
    shapes: dict[str, Path], tmp_path: Path
) -> None:
    def lead(adapter: Path | None) -> list[float]:
        """By how much the right action is likelier than the wrong one, in nats."""
        student = load_student(shapes["llama"], adapter=adapter)
        said = student.logprobs([Turn(situation=example.situation) for example in NEW])
        place = [(e.situation.actions.index(e.action), e.situation.actions.index(e.rejected)) for e in NEW]
        return [chances[a] - chances[b] for chances, (a, b) in zip(said, place, strict=True)]

    options = replace(OPTIONS, n_steps=40, learning_rate=1e-2)
    result: TrainingResult = train_dpo(shapes["llama"], NEW, OLD, options, tmp_path)

    assert (result.trainer, result.n_steps) == ("dpo", 40)
    # Without an adapter student and reference agree: -log sigmoid(0) = log 2.
    assert result.first_loss == pytest.approx(0.6931, abs=1e-3)
    assert result.final_loss < 0.5
    assert min(lead(result.adapter)) > max(0.0, *lead(None))


def test_preference_training_needs_pairs(shapes: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Example s0 is no pair"):
        train_dpo(shapes["llama"], [replace(decision(0), rejected="")], OLD, OPTIONS, tmp_path)
