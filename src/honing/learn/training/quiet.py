"""What must hold around a training of foreign libraries: they are silent, and running out of memory says what
to do."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from honing.errors import HoningError, TrainingError

_CHATTY = ("transformers", "trl", "peft", "datasets", "accelerate")
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def quietly() -> Iterator[None]:
    """No progress bars, no log lines below an error, no warnings of the libraries that train."""
    import datasets
    from transformers.utils import logging as told

    before = {name: logging.getLogger(name).level for name in _CHATTY}
    bars = (told.is_progress_bar_enabled(), not datasets.are_progress_bars_disabled())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    told.disable_progress_bar()
    datasets.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            # They warn of what is chosen here on purpose: rows that are made by ourselves, no dropout, no
            # pinned memory without a GPU, checkpointing without inputs that need gradients.
            for name in _CHATTY:
                warnings.filterwarnings("ignore", module=rf"{name}(\.|$)")
            warnings.filterwarnings("ignore", module=r"torch(\.|$)")
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        if bars[0]:
            told.enable_progress_bar()
        if bars[1]:
            datasets.enable_progress_bars()


@contextmanager
def training_at(where: str, step: list[int]) -> Iterator[None]:
    """Name what goes wrong in a training.

    Args:
        where: What is trained, for the text.
        step: One number, kept up to date by the loop: steps that are done.

    Raises:
        TrainingError: For everything that has no name of its own.
    """
    try:
        yield
    except HoningError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise TrainingError(
                f"{where}: out of memory at step {step[0] + 1}. Lower --batch-size, and raise "
                "--gradient-accumulation-steps by the same factor: the rows per step stay the same, and so "
                "does what is learned."
            ) from error
        detail = str(error) or type(error).__name__
        raise TrainingError(f"{where}: step {step[0] + 1}: {detail}") from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine or its GPU had no memory left."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)


def without_dropout(model: Any) -> None:
    """Switch off every dropout: the few rows of a training are seen as they are scored, and a training is
    the same whether adapters are trained alone or together."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name, value in list(vars(module).items()):
            if "dropout" in name and isinstance(value, float):
                setattr(module, name, 0.0)
