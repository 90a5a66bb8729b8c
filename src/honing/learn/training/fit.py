"""The one course of a training through TRL, whatever its loss: look at the folder, measure, train, measure,
save."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError
from honing.learn.checkpoints import INSTALL, is_adapter_folder
from honing.learn.example import Example
from honing.learn.student import Student, load_student
from honing.learn.training.batches import Plan, evaluation_rows, plan_of
from honing.learn.training.lora import layers_of, merge_adapter, weights_of, with_lora, write_adapter
from honing.learn.training.options import SftOptions, TrainingResult
from honing.learn.training.progress import Progress, identity_of
from honing.learn.training.quiet import quietly, training_at, without_dropout
from honing.learn.training.rows import check_examples, mean_loss, rows_of
from honing.learn.training.tracking import tracked
from honing.learn.training.trl_loop import arguments, device_of, run

Told = Callable[[str], None]
Losses = tuple[float, float | None]
"""Of examples, and of replay where there is any."""


def silent(_: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """What is trained on what."""

    checkpoint: str | Path
    examples: Sequence[Example]
    replay: Sequence[Example]
    options: SftOptions
    out: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a trainer of TRL is made from."""

    wrapped: Any
    """The base with its fresh adapter."""
    student: Student
    plan: Plan[Example]
    options: SftOptions
    arguments: dict[str, Any]
    """Of the trainer's configuration."""


def fit(work: Fit, kind: str, trainer_of: Callable[[Setting], Any], told: Told) -> TrainingResult:
    """Train, unless it is done already; go on where it was killed.

    Args:
        work: On what.
        kind: For the result, and for the identity of the training.
        trainer_of: Makes the trainer.
        told: Is told how it goes, a line at a time.

    Raises:
        MissingToolError: The extra `teach` is not installed.
        LeakageError: An example comes from an episode that was tampered with.
        TrainingError: It failed; the text says at which step and what to change.
    """
    options = work.options
    check_examples([*work.examples, *work.replay])
    plan = plan_of(work.examples, work.replay, options)
    checkpoint, device = _base(work), device_of(options)
    student = load_student(checkpoint, device=device, prompt=options.wording)
    identity = identity_of(student.identity(), kind, work.examples, work.replay, options)
    progress, step = Progress(out=work.out, identity=identity), [0]
    if (done := progress.finished()) is not None:
        return done
    going_on = progress.begin()
    with training_at(str(work.out), step), foreign_libraries(), tracked(options, work.out.name, told) as log:
        probe = _Probe(student, work)
        before, layers = probe.losses(student.model), layers_of(student.model, options.targets)
        without_dropout(student.model)
        wrapped = with_lora(student.model, options)
        given = arguments(plan, options, device, student.model.dtype, progress.working)
        setting = Setting(wrapped=wrapped, student=student, plan=plan, options=options, arguments=given)
        trainer = trainer_of(setting)
        losses = run(trainer, going_on, step, told, log)
        wrapped.eval()
        after = probe.losses(wrapped)
        write_adapter(progress.adapter, weights_of(wrapped), layers, str(checkpoint), options)
    result = TrainingResult(
        adapter=progress.adapter,
        trainer=kind,
        n_steps=int(trainer.state.global_step),
        n_examples=len(work.examples),
        n_replay=plan.n_replay,
        first_loss=losses[0],
        final_loss=losses[-1],
        **_compared(before, after),
        trainable=sum(options.rank * (layer.n_in + layer.n_out) for layer in layers),
        options=options.as_document(),
    )
    progress.end(result)
    return result


class _Probe:
    """Fixed batches of the examples and of the replay, on which the loss is taken before and after."""

    def __init__(self, student: Student, work: Fit) -> None:
        replay = work.replay if work.options.replay > 0 else ()
        self._new, self._old = (
            rows_of(student, evaluation_rows(part, work.options.seed)) for part in (work.examples, replay)
        )
        self._at_once = work.options.batch_size

    def losses(self, model: Any) -> Losses:
        """Of the examples, and of the replay where there is any."""
        new = mean_loss(model, self._new, self._at_once)
        return new, mean_loss(model, self._old, self._at_once) if self._old else None


def _compared(before: Losses, after: Losses) -> dict[str, Any]:
    """Losses before and after, by the names of a result's fields."""
    return {
        "loss_before": before[0],
        "loss_after": after[0],
        "replay_loss_before": before[1],
        "replay_loss_after": after[1],
    }


def _base(work: Fit) -> str | Path:
    """What the adapter is put on: an adapter that is there already is first merged into a model."""
    if not is_adapter_folder(work.checkpoint):
        return work.checkpoint
    merged = work.out / "base"
    shutil.rmtree(merged, ignore_errors=True)
    return merge_adapter(Path(work.checkpoint), merged)


def foreign_libraries() -> Any:
    """See `quietly`; for everything that trains through TRL.

    Raises:
        MissingToolError: TRL, PEFT or the library of data sets is not installed.
    """
    try:
        import datasets  # noqa: F401
        import peft  # noqa: F401
        import trl  # noqa: F401
    except ImportError as error:
        raise MissingToolError(INSTALL) from error
    return quietly()
