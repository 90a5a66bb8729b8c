"""The folder of the model that a sweep begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from honing.errors import MissingToolError, UsageError, boundary
from honing.learn import (
    TextModelOptions,
    folder_digest,
    is_model_folder,
    read_text_rows,
    tiny_text_model,
)

TINY = "tiny:"
"""Begins the name of a model that is made from rows of text."""
_FILES = ("*.json", "*.safetensors", "*.model", "*.txt", "*.jinja")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseModel:
    """A model on this machine."""

    name: str
    """As it was asked for."""
    folder: Path
    digest: str
    """Hash of its files, an adapter's base included."""


def base_model(name: str, cache: Path, *, seed: int, told: Callable[[str], None]) -> BaseModel:
    """Find, fetch or make the model that a name means.

    Args:
        name: A model folder, an adapter's folder, a hub id, or `tiny:FILE`.
        cache: Where a tiny model is kept.
        seed: Of a tiny model.
        told: Is told how it goes.

    Raises:
        UsageError: There is no such model, or it cannot be had.
        MissingToolError: The extra `teach` is not installed.
    """
    folder = _folder(name, cache, seed, told).resolve()
    return BaseModel(name=name, folder=folder, digest=folder_digest(folder))


def _folder(name: str, cache: Path, seed: int, told: Callable[[str], None]) -> Path:
    if name.startswith(TINY):
        rows = read_text_rows(Path(name.removeprefix(TINY)).expanduser())
        return tiny_text_model(rows, TextModelOptions(seed=seed), cache, told=told)
    if is_model_folder(name):
        return Path(name).expanduser()
    if Path(name).expanduser().exists() or name.count("/") > 1:
        raise UsageError(
            f"--base-model {name}: no model folder (it holds no config.json). Give a model folder, an "
            "adapter's folder, a hub id (owner/name) or tiny:FILE."
        )
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    """A model of the hub, or of its cache on this machine."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingToolError(
            "models of the hub need the extra `teach`: pip install 'honing[teach]'"
        ) from error
    with boundary(UsageError, f"--base-model {name}: fetching it from the hub"):
        return Path(snapshot_download(name, allow_patterns=list(_FILES)))
