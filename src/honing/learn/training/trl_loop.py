"""What the trainers of TRL have in common here: one configuration, one order of rows, one way to listen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.errors import TrainingError, UsageError
from honing.learn.training.batches import Plan
from honing.learn.training.options import SftOptions
from honing.learn.training.tracking import Log

_REPORTS = 10


def device_of(options: SftOptions) -> str:
    """Where a training runs.

    Raises:
        UsageError: A device that a trainer cannot be sent to.
    """
    import torch

    if options.device not in ("auto", "cpu", "cuda"):
        raise UsageError(
            f"Training runs on `cpu`, `cuda` or `auto`, not on {options.device!r}: choose one GPU of several "
            "with CUDA_VISIBLE_DEVICES."
        )
    if options.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return options.device


def arguments(plan: Plan[Any], options: SftOptions, device: str, dtype: Any, working: Path) -> dict[str, Any]:
    """The fields that `SFTConfig` and `DPOConfig` share."""
    import torch

    on_gpu = device == "cuda"
    saves = 0 < options.save_every < len(plan.steps)
    return {
        "output_dir": str(working),
        "max_steps": len(plan.steps),
        "per_device_train_batch_size": plan.rows_at_once,
        "gradient_accumulation_steps": plan.accumulation,
        "learning_rate": options.learning_rate,
        "lr_scheduler_type": options.schedule.value,
        "warmup_steps": 0,
        "weight_decay": options.weight_decay,
        "max_grad_norm": options.max_gradient_norm or 0.0,
        "optim": "adamw_torch",
        "seed": options.seed,
        "train_sampling_strategy": "sequential",
        "use_cpu": not on_gpu,
        "bf16": on_gpu and dtype == torch.bfloat16,
        "gradient_checkpointing": on_gpu,
        "dataloader_pin_memory": on_gpu,
        "max_length": None,
        "remove_unused_columns": False,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps" if saves else "no",
        "save_steps": options.save_every or 1,
        "save_total_limit": 2,
    }


def run(
    trainer: Any, going_on: Path | None, step: list[int], told: Callable[[str], None], log: Log
) -> list[float]:
    """Train to the end.

    Args:
        trainer: Of TRL.
        going_on: A checkpoint; None to begin.
        step: Kept up to date: steps that are done.
        told: Is told now and then.
        log: Takes every step's figures.

    Returns:
        The loss of every step's rows before it.

    Raises:
        TrainingError: Another number of steps was taken than planned, or a loss is not finite.
    """
    import math

    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_listener(step, told, log))
    if going_on is not None:
        step[0] = int(going_on.name.rpartition("-")[2])
        told(f"going on after step {step[0]}")
    trainer.train(resume_from_checkpoint=None if going_on is None else str(going_on))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    planned = trainer.args.max_steps
    if trainer.state.global_step != planned or len(losses) != planned:
        raise TrainingError(f"{trainer.state.global_step} steps were taken where {planned} were planned.")
    if not all(math.isfinite(loss) for loss in losses):
        raise TrainingError("The loss is no finite number. Lower --learning-rate.")
    return losses


def _listener(step: list[int], told: Callable[[str], None], log: Log) -> Any:
    from transformers import TrainerCallback

    class Listener(TrainerCallback):  # type: ignore[misc, unused-ignore]
        """Counts steps, and says how it goes about ten times."""

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any
        ) -> None:
            if not logs or "loss" not in logs:
                return
            log({"loss": logs["loss"], "learning_rate": logs["learning_rate"]}, state.global_step)
            if state.global_step % max(1, state.max_steps // _REPORTS) == 0:
                told(f"step {state.global_step} of {state.max_steps}: loss {logs['loss']:.3f}")

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            step[0] = state.global_step

    return Listener()


def dataset_of(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Rows as a data set of the Hugging Face library, in memory."""
    from datasets import Dataset

    return Dataset.from_list([dict(row) for row in rows])
