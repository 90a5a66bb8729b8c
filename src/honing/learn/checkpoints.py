"""Where a model's weights come from: a hub id, a folder, or the folder of an adapter on top of a base."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError, UsageError, boundary

INSTALL = (
    "local models need the extra `teach`: pip install 'honing[teach]' (on a machine without a GPU install a "
    "CPU build of torch first, several gigabytes smaller)"
)

ADAPTER_CONFIG = "adapter_config.json"
"""Marks the folder of a PEFT adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A base model, and an adapter on top of it."""

    base: str
    """Hub id or folder, as `from_pretrained` takes it."""
    adapter: Path | None = None
    """Folder of a PEFT adapter; None for the base alone."""

    @property
    def is_local(self) -> bool:
        """Whether the base lies in a folder of this machine: nothing is then looked up on a hub."""
        return Path(self.base).is_dir()


def read_checkpoint(name: str | Path, adapter: str | Path | None = None) -> Checkpoint:
    """What a model argument names.

    Args:
        name: Hub id, model folder, or adapter folder: the base is then what its `adapter_config.json` names,
            where a relative path counts from the adapter's folder.
        adapter: Folder of an adapter to put on top.

    Raises:
        UsageError: An adapter's folder is none, names no base, or two adapters are given.
    """
    folder = Path(name).expanduser()
    if not is_adapter_folder(folder):
        base = str(folder.resolve()) if folder.is_dir() else str(name)
        return Checkpoint(base=base, adapter=None if adapter is None else _adapter(Path(adapter)))
    if adapter is not None:
        raise UsageError(
            f"{folder} is an adapter already, and {adapter} would be a second one on top. Name the base "
            "model, or merge the first with `honing.learn.merge_adapter`."
        )
    return Checkpoint(base=_base_of(folder), adapter=folder.resolve())


def is_adapter_folder(folder: str | Path) -> bool:
    """Whether a folder holds an adapter as PEFT saves one."""
    return (Path(folder).expanduser() / ADAPTER_CONFIG).is_file()


def _adapter(folder: Path) -> Path:
    folder = folder.expanduser()
    if not is_adapter_folder(folder):
        raise UsageError(f"{folder}: no adapter (it holds no {ADAPTER_CONFIG}).")
    return folder.resolve()


def _base_of(folder: Path) -> str:
    path = folder / ADAPTER_CONFIG
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from error
    named = document.get("base_model_name_or_path") if isinstance(document, dict) else None
    if not isinstance(named, str) or not named:
        raise UsageError(
            f"{path}: names no base model (base_model_name_or_path). Give the base, and the adapter apart."
        )
    beside = (folder / Path(named).expanduser()).resolve()
    return str(beside) if beside.is_dir() else named


def load_checkpoint(checkpoint: Checkpoint, *, device: str = "cpu", dtype: str = "auto") -> tuple[Any, Any]:
    """The model, its adapter merged into it, and the tokenizer. No code of a folder is run.

    Args:
        checkpoint: Of `read_checkpoint`. A base that is no folder is looked up on the hub.
        device: `cpu`, `cuda`, `cuda:1`; `auto` takes a GPU where there is one.
        dtype: `float32`, `bfloat16`, `float16`; `auto` takes what the model says.

    Returns:
        A Hugging Face causal language model in evaluation mode, and a tokenizer.

    Raises:
        MissingToolError: torch, transformers or (for an adapter) peft is not installed.
        UsageError: It cannot be loaded.
    """
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingToolError(INSTALL) from error
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    local = checkpoint.is_local
    with boundary(UsageError, f"{checkpoint.base}: loading the model"), without_bars():
        # Said outright: left open, transformers asks on the terminal whether to run a folder's own code.
        plain: dict[str, Any] = {"local_files_only": local, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.base, **plain)
        model = AutoModelForCausalLM.from_pretrained(checkpoint.base, **plain, dtype=dtype)
        model.to(device)
    if checkpoint.adapter is not None:
        model = _with_adapter(model, checkpoint.adapter)
    model.eval()
    return model, tokenizer


@contextmanager
def wrapping() -> Iterator[None]:
    """Around what puts an adapter on a model."""
    with warnings.catch_warnings():
        # peft 0.21 asks transformers 5 for a name that is to go in version 6.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


@contextmanager
def without_bars() -> Iterator[None]:
    """No progress bars of transformers."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _with_adapter(model: Any, adapter: Path) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise MissingToolError(INSTALL) from error
    with boundary(UsageError, f"{adapter}: putting the adapter on its base"), wrapping():
        return PeftModel.from_pretrained(model, str(adapter)).merge_and_unload()
