"""Training on prompts and completions: what is trained is what the served model is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from honing.errors import TrainingError, UsageError
from honing.learn import (
    SftOptions,
    TextModelOptions,
    TextRow,
    prompt_digest,
    read_text_rows,
    tiny_text_model,
    train_text,
)
from honing.learn.serving.local_model import LocalModel, LocalOptions
from honing.learn.texts.wording import encoded
from honing.llm import Message, ModelRequest, Role

pytestmark = pytest.mark.teach

NAMES = ("ash", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak")
ROWS = [TextRow(prompt=f"Number of {name} ?", completion=f"#### {7 * i + 3}") for i, name in enumerate(NAMES)]
OTHERS = [TextRow(prompt=row.prompt, completion="#### 1") for row in ROWS]
WORDS = TextRow(prompt="x", completion=" ".join(row.completion for row in ROWS))
"""Makes every answer a word of the tokenizer."""
SIZE = TextModelOptions(hidden=32, heads=2, context=64, steps=100, batch_size=8)
TUNING = SftOptions(n_steps=60, learning_rate=1e-2, rank=8, alpha=16, batch_size=8, replay=0.0, save_every=20)


def asked(folder: Path, rows: list[TextRow]) -> list[str]:
    """What a model says when it is served."""
    model = LocalModel(folder, LocalOptions(device="cpu", max_tokens=8))
    try:
        return [
            model.answer(
                ModelRequest(
                    model="",
                    messages=[
                        *([Message(Role.SYSTEM, row.system)] if row.system else []),
                        Message(Role.USER, row.prompt),
                    ],
                )
            ).text
            for row in rows
        ]
    finally:
        model.close()


@pytest.fixture(scope="session")
def ones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that says 1 to everything."""
    return tiny_text_model([*OTHERS, WORDS], SIZE, tmp_path_factory.mktemp("cache"))


def test_a_tiny_model_says_when_it_is_served_what_its_rows_say(ones: Path) -> None:
    assert asked(ones, OTHERS) == [row.completion for row in OTHERS]


def test_the_same_rows_and_options_give_the_folder_that_is_there(ones: Path) -> None:
    told: list[str] = []

    again = tiny_text_model([*OTHERS, WORDS], SIZE, ones.parents[1], told=told.append)

    assert (again, told) == (ones, [])


def test_an_adapter_that_is_trained_changes_what_the_served_model_says(ones: Path, tmp_path: Path) -> None:
    result, losses = train_text(ones, ROWS, TUNING, tmp_path / "out")

    assert result.n_steps == len(losses) == 60
    assert (result.first_loss, result.final_loss) == (losses[0], losses[-1])
    assert result.loss_after < 0.1 * result.loss_before
    assert asked(result.adapter, ROWS) == [row.completion for row in ROWS]


def test_a_training_that_is_done_is_read_and_not_done_again(ones: Path, tmp_path: Path) -> None:
    options = SftOptions(n_steps=2, rank=4, alpha=8, batch_size=4, replay=0.0)
    first = train_text(ones, ROWS, options, tmp_path)
    written = (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns

    second = train_text(ones, ROWS, options, tmp_path)

    assert second == first
    assert (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns == written


def test_an_adapter_of_the_same_shape_is_trained_on_and_not_merged(ones: Path, tmp_path: Path) -> None:
    options = SftOptions(n_steps=20, learning_rate=1e-2, rank=8, alpha=16, batch_size=8, replay=0.0)
    first, _ = train_text(ones, ROWS, options, tmp_path / "one")

    second, _ = train_text(first.adapter, ROWS, options, tmp_path / "two")

    config = json.loads((second.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(ones)
    assert second.loss_before == pytest.approx(first.loss_after, rel=1e-4)
    assert second.loss_after < second.loss_before
    assert not (tmp_path / "two" / "base").exists()


def test_an_adapter_of_another_shape_is_merged_first(ones: Path, tmp_path: Path) -> None:
    options = SftOptions(n_steps=20, learning_rate=1e-2, rank=8, alpha=16, batch_size=8, replay=0.0)
    first, _ = train_text(ones, ROWS, options, tmp_path / "one")
    other = SftOptions(n_steps=2, rank=2, alpha=16, batch_size=8, replay=0.0)

    second, _ = train_text(first.adapter, ROWS, other, tmp_path / "two")

    assert second.loss_before == pytest.approx(first.loss_after, rel=1e-4)
    assert (tmp_path / "two" / "base" / "config.json").is_file()


def test_loss_falls_on_the_completion_and_its_end_token_alone(ones: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model, tokenizer = AutoModelForCausalLM.from_pretrained(ones), AutoTokenizer.from_pretrained(ones)
    row = TextRow(prompt="Number of ash ?", completion="#### 3", system="Be brief .")

    (tokens,) = encoded(model, tokenizer, [row]).tokens

    trained = [token for token in tokens.labels if token >= 0]
    shown = tokenizer.decode(tokens.tokens[: tokens.n_prompt])
    assert tokenizer.decode(trained, skip_special_tokens=True) == "#### 3"
    assert trained[-1] == tokenizer.eos_token_id
    assert shown == "system: Be brief .\nuser: Number of ash ?\nassistant:"


def test_rows_that_do_not_fit_into_the_context_are_left_out_and_counted(ones: Path, tmp_path: Path) -> None:
    long = TextRow(prompt="Number of ash ? " * 40, completion="#### 3")
    options = SftOptions(n_steps=1, rank=2, alpha=4, batch_size=4, replay=0.0)

    result, _ = train_text(ones, [*ROWS, long], options, tmp_path)

    assert result.n_examples == len(ROWS)


def test_where_no_row_fits_the_sentence_says_how_long_the_context_is(ones: Path, tmp_path: Path) -> None:
    long = TextRow(prompt="Number of ash ? " * 40, completion="#### 3")

    with pytest.raises(TrainingError, match="None of 1 rows fits into the model's context of 64 tokens"):
        train_text(ones, [long], TUNING, tmp_path)


def test_a_row_of_weight_three_is_seen_three_times_as_often(ones: Path, tmp_path: Path) -> None:
    rows = [TextRow(prompt=ROWS[0].prompt, completion="#### 3", weight=3), OTHERS[1]]
    options = SftOptions(n_steps=1, rank=2, alpha=4, batch_size=4, replay=0.0)
    alone, _ = train_text(ones, rows[:1], options, tmp_path / "a")
    other, _ = train_text(ones, rows[1:], options, tmp_path / "b")

    both, _ = train_text(ones, rows, options, tmp_path / "c")

    assert both.first_loss == pytest.approx((3 * alone.first_loss + other.first_loss) / 4, rel=1e-4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"prompt": "a"}', "rows.jsonl:1: completion must be a text that is not empty, got None"),
        ('{"prompt": 1, "completion": "b"}', "rows.jsonl:1: prompt must be a text that is not empty, got 1"),
        ('{"prompt": "a", "completion": "b", "weight": 0}', "weight must be a whole number of at least 1"),
        ('{"prompt": "a", "answer": "b"}', "unknown key 'answer'"),
        ("[1]", "expected an object"),
        ("{", "rows.jsonl:1"),
        ("", "holds no row"),
    ],
    ids=["no completion", "a number", "weight 0", "an unknown key", "a list", "no JSON", "empty"],
)
def test_a_file_of_rows_is_read_strictly(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line)

    with pytest.raises(UsageError, match=said):
        read_text_rows(path)


def test_rows_of_a_file_name_their_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"prompt": "a", "completion": "b"}\n\n{"prompt": "c", "completion": "d", "source": "x:1"}\n'
    )

    assert read_text_rows(path) == [
        TextRow(prompt="a", completion="b", source="rows.jsonl:1"),
        TextRow(prompt="c", completion="d", source="x:1"),
    ]


def test_prompts_that_differ_in_white_space_alone_are_the_same() -> None:
    assert prompt_digest(" a  b\n") == prompt_digest("a b") != prompt_digest("ab")
