"""A folder that holds a model: how it is recognised, and what identifies it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from honing.errors import UsageError
from honing.learn.checkpoints import is_adapter_folder, read_checkpoint

NO_MODEL = "no model folder (it holds no config.json and, for an adapter, no adapter_config.json)."
"""What to say of a folder that `is_model_folder` refuses."""

_CHUNK = 1 << 20


def is_model_folder(name: str) -> bool:
    """Whether a model's name is a folder with a model in it, as Hugging Face libraries save one, or with an
    adapter that names its base."""
    folder = Path(name).expanduser()
    return (folder / "config.json").is_file() or is_adapter_folder(folder)


def folder_digest(folder: Path) -> str:
    """sha256 over names and contents of a model's files: other weights are another model, wherever they lie.
    An adapter's includes its base.

    Raises:
        UsageError: A file cannot be read.
    """
    whole = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            content = hashlib.sha256()
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK):
                    content.update(chunk)
            whole.update(f"{path.relative_to(folder).as_posix()}\0{content.hexdigest()}\0".encode())
    except OSError as error:
        raise UsageError(f"{folder}: a file of the model cannot be read ({error}).") from None
    if is_adapter_folder(folder):
        base = read_checkpoint(folder).base
        whole.update(f"base\0{folder_digest(Path(base)) if Path(base).is_dir() else base}\0".encode())
    return whole.hexdigest()
