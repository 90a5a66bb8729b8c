"""Supervised fine-tuning of a LoRA adapter on prompts and completions, through TRL."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.learn.checkpoints import load_checkpoint, read_checkpoint
from honing.learn.folder import folder_digest
from honing.learn.texts.text_row import TextRow, check_rows
from honing.learn.texts.wording import Encoded, encoded
from honing.learn.training.batches import Plan, evaluation_rows, plan_of
from honing.learn.training.fit import Told, foreign_libraries, silent
from honing.learn.training.lora import (
    Weights,
    layers_of,
    merge_adapter,
    read_adapter,
    weights_of,
    with_lora,
    write_adapter,
)
from honing.learn.training.options import SftOptions, TrainingResult
from honing.learn.training.progress import Progress
from honing.learn.training.quiet import training_at, without_dropout
from honing.learn.training.rows import Row, mean_loss
from honing.learn.training.sft import sft_trainer
from honing.learn.training.tracking import tracked
from honing.learn.training.trl_loop import arguments, device_of, run
from honing.store import write_atomic

_VERSION = 1
"""Of what a training does with the same rows and options."""
LOSSES = "losses.json"
"""Beside `training.json`: the loss of every step's rows before it."""


def train_text(
    checkpoint: str | Path, rows: Sequence[TextRow], options: SftOptions, out: Path, *, told: Told = silent
) -> tuple[TrainingResult, tuple[float, ...]]:
    """Train an adapter on rows of text, put as the model is asked when it is served. A training that is done
    already is not done again; one that was killed goes on from its last checkpoint to the same weights.

    An adapter of the same shape is trained on: the result is one adapter on the same base. Any other is
    merged into its base first, into `out/base`. The optimiser begins anew either way.

    Args:
        checkpoint: Hub id or folder of the base, or an adapter's folder.
        rows: What is to be learned.
        options: How; `replay`, `history` and `beta` have no meaning here.
        out: Folder that gets `adapter/`, `training.json` and `losses.json`.
        told: Is told how it goes, a line at a time.

    Returns:
        What came of it, and the loss of every step's rows before that step.

    Raises:
        MissingToolError: The extra `teach` is not installed.
        TrainingError: It failed; the text says at which step and what to change.
        UsageError: The checkpoint cannot be loaded.
    """
    check_rows(rows)
    progress, step = Progress(out=out, identity=_identity(checkpoint, rows, options)), [0]
    if (done := progress.finished()) is not None:
        return done, tuple(json.loads((out / LOSSES).read_text(encoding="utf-8")))
    with training_at(str(out), step), foreign_libraries(), tracked(options, out.name, told) as log:
        going_on = progress.begin()
        made = _prepared(checkpoint, rows, options, out)
        before = mean_loss(made.wrapped, made.fixed, options.batch_size)
        given = arguments(made.plan, options, made.device, made.wrapped.dtype, progress.working)
        trainer = sft_trainer(made.wrapped, made.tokenizer, made.ordered, given)
        losses = run(trainer, going_on, step, told, log)
        made.wrapped.eval()
        after = mean_loss(made.wrapped, made.fixed, options.batch_size)
        write_adapter(progress.adapter, weights_of(made.wrapped), made.layers, made.base, options)
    write_atomic(out / LOSSES, json.dumps(losses).encode() + b"\n")
    counted = int(trainer.state.global_step)
    result = _result(progress, made, counted, losses, (before, after))
    progress.end(result)
    return result, tuple(losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """What a trainer is made from."""

    base: str
    """Hub id or folder of the model under the adapter."""
    wrapped: Any
    """It with the adapter that is trained."""
    tokenizer: Any
    layers: list[Any]
    encoded: Encoded
    plan: Plan[Row]
    fixed: list[Row]
    """Rows on which the loss is taken before and after."""
    options: SftOptions
    device: str

    @property
    def ordered(self) -> list[Row]:
        """Every step's rows, one after the other."""
        return [row for step in self.plan.steps for row in step]


def _result(
    progress: Progress,
    made: _Prepared,
    n_steps: int,
    losses: Sequence[float],
    compared: tuple[float, float],
) -> TrainingResult:
    """What a training came to.

    Args:
        progress: Its folder.
        made: What it was made from.
        n_steps: Counted by the trainer as its optimiser stepped.
        losses: Of every step's rows before it.
        compared: Loss on the fixed batch, before and after.
    """
    options = made.options
    return TrainingResult(
        adapter=progress.adapter,
        trainer="text",
        n_steps=n_steps,
        n_examples=len(made.encoded.rows),
        n_replay=0,
        first_loss=losses[0],
        final_loss=losses[-1],
        loss_before=compared[0],
        loss_after=compared[1],
        trainable=sum(options.rank * (layer.n_in + layer.n_out) for layer in made.layers),
        options=options.as_document(),
    )


def _prepared(checkpoint: str | Path, rows: Sequence[TextRow], options: SftOptions, out: Path) -> _Prepared:
    """Load, put the adapter on, and make the plan of steps."""
    device = device_of(options)
    named = read_checkpoint(checkpoint)
    base, first = named.base, None
    model, tokenizer = _loaded(base, device)
    if named.adapter is not None:
        first = _same_shape(named.adapter, model, options)
        if first is None:
            base = _merged(named.adapter, out / "base")
            model, tokenizer = _loaded(base, device)
    found = encoded(model, tokenizer, rows)
    repeated = [
        tokens for row, tokens in zip(found.rows, found.tokens, strict=True) for _ in range(row.weight)
    ]
    layers = layers_of(model, options.targets)
    without_dropout(model)
    return _Prepared(
        base=base,
        wrapped=with_lora(model, options, first),
        tokenizer=tokenizer,
        layers=layers,
        encoded=found,
        plan=plan_of(repeated, (), options),
        fixed=evaluation_rows(found.tokens, options.seed),
        options=options,
        device=device,
    )


def _loaded(base: str, device: str) -> tuple[Any, Any]:
    # Half precision is slow and coarse on a CPU.
    dtype = "float32" if device == "cpu" else "auto"
    return load_checkpoint(read_checkpoint(base), device=device, dtype=dtype)


def _same_shape(adapter: Path, model: Any, options: SftOptions) -> Weights | None:
    """An adapter's weights, where it has the layers, rank and scale that the options ask for."""
    weights, scale = read_adapter(adapter)
    layers = {layer.name for layer in layers_of(model, options.targets)}
    ranks = {a.shape[0] for a, _ in weights.values()}
    same = set(weights) == layers and ranks == {options.rank} and math.isclose(scale, options.scale)
    return weights if same else None


def _merged(adapter: Path, out: Path) -> str:
    shutil.rmtree(out, ignore_errors=True)
    return str(merge_adapter(adapter, out))


def _identity(checkpoint: str | Path, rows: Sequence[TextRow], options: SftOptions) -> str:
    """Hash of all that decides the weights; nothing is loaded for it."""
    folder = Path(checkpoint).expanduser()
    content = [
        "text",
        _VERSION,
        folder_digest(folder) if folder.is_dir() else str(checkpoint),
        [row.as_document() for row in rows],
        options.as_document(),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
