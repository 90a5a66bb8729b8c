"""Supervised fine-tuning of a LoRA adapter through TRL: the loss falls on the action alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError, TrainingError
from honing.learn.checkpoints import INSTALL, is_adapter_folder
from honing.learn.example import Example
from honing.learn.student import Student, load_student
from honing.learn.training.batches import Plan, evaluation_rows, plan_of
from honing.learn.training.lora import layers_of, merge_adapter, weights_of, with_lora, write_adapter
from honing.learn.training.options import SftOptions, TrainingResult
from honing.learn.training.progress import Progress, identity_of
from honing.learn.training.quiet import quietly, training_at, without_dropout
from honing.learn.training.rows import Row, check_examples, mean_loss, room_of, rows_of
from honing.learn.training.trl_loop import arguments, dataset_of, device_of, run, wandb_run


def _silent(_: str) -> None:
    """Tells nobody."""


def train_lora(
    checkpoint: str | Path,
    examples: Sequence[Example],
    replay: Sequence[Example],
    options: SftOptions,
    out: Path,
    *,
    told: Callable[[str], None] = _silent,
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
    check_examples([*examples, *replay])
    plan = plan_of(examples, replay, options)
    device = device_of(options)
    checkpoint = _base(checkpoint, out)
    student = load_student(checkpoint, history=options.history, device=device)
    progress = Progress(out=out, identity=identity_of(student.identity(), "trl", examples, replay, options))
    if (done := progress.finished()) is not None:
        return done
    going_on, step = progress.begin(), [0]
    with training_at(str(out), step), quietly(), wandb_run(options, out.name):
        probe = _Probe(student, examples, replay, options)
        before = probe.losses(student.model)
        layers = layers_of(student.model, options.targets)
        without_dropout(student.model)
        wrapped = with_lora(student.model, options)
        trainer = _trainer(wrapped, student, plan, options, (device, progress.working))
        losses = run(trainer, going_on, step, told)
        wrapped.eval()
        after = probe.losses(wrapped)
        write_adapter(progress.adapter, weights_of(wrapped), layers, str(checkpoint), options)
    result = TrainingResult(
        adapter=progress.adapter,
        trainer="trl",
        n_steps=int(trainer.state.global_step),
        n_examples=len(examples),
        n_replay=plan.n_replay,
        first_loss=losses[0],
        final_loss=losses[-1],
        loss_before=before[0],
        loss_after=after[0],
        replay_loss_before=before[1],
        replay_loss_after=after[1],
        trainable=sum(options.rank * (layer.n_in + layer.n_out) for layer in layers),
        options=options.as_document(),
    )
    progress.end(result)
    return result


def _base(checkpoint: str | Path, out: Path) -> str | Path:
    """What the adapter is put on: an adapter that is there already is first merged into a model."""
    if not is_adapter_folder(checkpoint):
        return checkpoint
    merged = out / "base"
    shutil.rmtree(merged, ignore_errors=True)
    return merge_adapter(Path(checkpoint), merged)


class _Probe:
    """Fixed batches of the examples and of the replay, on which the loss is taken before and after."""

    def __init__(
        self, student: Student, examples: Sequence[Example], replay: Sequence[Example], options: SftOptions
    ) -> None:
        room = room_of(student.model.config)
        self._rows = [
            rows_of(student, evaluation_rows(part, options.seed), room)
            for part in (examples, replay if options.replay > 0 else ())
        ]
        self._at_once = options.batch_size

    def losses(self, model: Any) -> tuple[float, float | None]:
        """Of the examples, and of the replay where there is any."""
        new, old = self._rows
        return mean_loss(model, new, self._at_once), mean_loss(model, old, self._at_once) if old else None


def _trainer(wrapped: Any, student: Student, plan: Plan, options: SftOptions, place: tuple[str, Path]) -> Any:
    """TRL's trainer over the plan's rows, in the plan's order."""
    try:
        from trl import SFTConfig, SFTTrainer
        from trl.trainer.sft_trainer import DataCollatorForLanguageModeling
    except ImportError as error:
        raise MissingToolError(INSTALL) from error
    device, working = place
    rows = [row for step in plan.steps for row in _rows(student, step)]
    collate = DataCollatorForLanguageModeling(pad_token_id=0)
    _assert_only_actions(collate, rows[: plan.rows_at_once])
    config = SFTConfig(
        **arguments(plan, options, device, student.model.dtype, working),
        dataset_kwargs={"skip_prepare_dataset": True},
        average_tokens_across_devices=False,
    )
    return SFTTrainer(
        model=wrapped,
        args=config,
        train_dataset=dataset_of([{"input_ids": list(row.tokens), "labels": row.labels} for row in rows]),
        data_collator=collate,
        processing_class=student.tokenizer,
    )


def _rows(student: Student, examples: Sequence[Example]) -> list[Row]:
    return rows_of(student, examples, room_of(student.model.config))


def _assert_only_actions(collate: Any, rows: Sequence[Row]) -> None:
    """Check on a first batch that what the trainer is handed puts loss on the actions' tokens and no other.

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
