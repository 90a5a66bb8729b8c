"""Supervised fine-tuning of a LoRA adapter through TRL: the loss falls on the action alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from honing.errors import TrainingError
from honing.learn.example import Example
from honing.learn.training.fit import Fit, Setting, Told, fit, silent
from honing.learn.training.options import SftOptions, TrainingResult
from honing.learn.training.rows import Row, rows_of
from honing.learn.training.trl_loop import dataset_of


def train_lora(
    checkpoint: str | Path,
    examples: Sequence[Example],
    replay: Sequence[Example],
    options: SftOptions,
    out: Path,
    *,
    told: Told = silent,
) -> TrainingResult:
    """Train an adapter on examples. A training that is done already is not done again, and one that was
    killed goes on from its last checkpoint and comes to the same weights.

    Args:
        checkpoint: Hub id or folder of the base; an adapter's folder is merged first, into `out/base`.
        examples: What is to be learned.
        replay: Demonstrations of other tasks that keep the student from forgetting, mixed into every step.
        options: How; they and the data decide every weight.
        out: Folder that gets `adapter/` and `training.json`.
        told: Is told how it goes, a line at a time.

    Raises:
        MissingToolError: The extra `teach` is not installed.
        LeakageError: An example comes from an episode that was tampered with.
        TrainingError: It failed; the text says at which step and what to change.
    """
    work = Fit(checkpoint=checkpoint, examples=examples, replay=replay, options=options, out=out)
    return fit(work, "trl", _trainer, told)


def _trainer(setting: Setting) -> Any:
    """TRL's trainer over the plan's rows, in the plan's order."""
    student, plan = setting.student, setting.plan
    rows = rows_of(student, [row for step in plan.steps for row in step])
    return sft_trainer(setting.wrapped, student.tokenizer, rows, setting.arguments)


def sft_trainer(wrapped: Any, tokenizer: Any, rows: Sequence[Row], arguments: dict[str, Any]) -> Any:
    """TRL's trainer over rows in their order, `per_device_train_batch_size` of them at once.

    Args:
        wrapped: The base with its adapter.
        tokenizer: Its tokenizer.
        rows: Of all steps.
        arguments: Of `trl_loop.arguments`.

    Raises:
        TrainingError: The loss would fall on other tokens than the actions'.
    """
    from trl import SFTConfig, SFTTrainer
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    collate = DataCollatorForLanguageModeling(pad_token_id=0)
    assert_only_actions(collate, rows[: arguments["per_device_train_batch_size"]])
    return SFTTrainer(
        model=wrapped,
        args=SFTConfig(
            **arguments,
            dataset_kwargs={"skip_prepare_dataset": True},
            average_tokens_across_devices=False,
        ),
        train_dataset=dataset_of([{"input_ids": list(row.tokens), "labels": row.labels} for row in rows]),
        data_collator=collate,
        processing_class=tokenizer,
    )


def assert_only_actions(collate: Any, rows: Sequence[Row]) -> None:
    """Check on a batch that what the trainer is handed puts loss on the actions' tokens and on no other.

    Raises:
        TrainingError: It does not.
    """
    batch = collate([{"input_ids": list(row.tokens), "labels": row.labels} for row in rows])
    trained = [[token for token in labels if token >= 0] for labels in batch["labels"].tolist()]
    actions = [list(row.tokens[row.n_prompt :]) for row in rows]
    if trained != actions:
        raise TrainingError(
            "The trainer would put its loss on other tokens than the actions' (this version of trl collates "
            "otherwise than expected). Install the version in constraints.txt."
        )
