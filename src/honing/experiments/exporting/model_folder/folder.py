"""The folder: weights as PEFT and transformers lay them out, loadable where Honing has never been."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from honing.errors import StoreError, UsageError, boundary
from honing.experiments.exporting.model_folder.trained import TrainedModel
from honing.learn import is_adapter_folder, read_checkpoint

BASE = "base_model"
"""Where the base lies within the folder, when it is no model of a hub."""
_LEFT_OUT = shutil.ignore_patterns("checkpoint-*", "*.tmp", ".*", "run.json")


def base_of(trained: TrainedModel) -> str:
    """The hub id of the model that training began from; empty where it is a folder of this machine, or where
    the trained model is whole.

    Raises:
        UsageError: The adapter names no base.
    """
    if not is_adapter_folder(trained.folder):
        return ""
    base = read_checkpoint(trained.folder).base
    return "" if Path(base).is_dir() else base


def write_weights(trained: TrainedModel, out: Path) -> None:
    """Copy a model into a folder that is not there yet.

    An adapter whose base is a folder of this machine gets a copy of it, since nobody else could have it.

    Raises:
        UsageError: The folder holds files, or the adapter's base is gone.
        StoreError: It cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: holds files already. Name a new folder, so that nothing is mixed.")
    with boundary(StoreError, f"{out}: writing the model"):
        shutil.copytree(trained.folder, out, ignore=_LEFT_OUT, dirs_exist_ok=True)
        if not is_adapter_folder(out):
            return
        config = out / "adapter_config.json"
        document = json.loads(config.read_text(encoding="utf-8"))
        base = read_checkpoint(trained.folder).base
        if Path(base).is_dir():
            shutil.copytree(base, out / BASE, ignore=_LEFT_OUT)
            document["base_model_name_or_path"] = BASE
        elif base.startswith(("/", ".", "~")):
            raise UsageError(
                f"{trained.folder}: its base {base} is not there any more. Put it back, or name where it is "
                "in adapter_config.json."
            )
        config.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
