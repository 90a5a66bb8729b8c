"""The folder of one training: what a killed one goes on from, and what a finished one says."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.learn.example import Example
from honing.learn.training.options import SftOptions, TrainingResult
from honing.store import write_atomic

RESULT = "training.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where one training stands. `adapter/` and `training.json` are its results, `progress/` its own."""

    out: Path
    identity: str
    """Hash of all that decides the weights: the rest of another training is not gone on with."""

    @property
    def adapter(self) -> Path:
        return self.out / "adapter"

    @property
    def working(self) -> Path:
        """Checkpoints lie here until the training is done."""
        return self.out / "progress"

    def finished(self) -> TrainingResult | None:
        """The result, where this very training is done already."""
        document = _read(self.out / RESULT)
        if not isinstance(document, dict) or document.pop("identity", None) != self.identity:
            return None
        return TrainingResult(adapter=self.adapter, **document)

    def begin(self) -> Path | None:
        """Make the folder ready.

        Returns:
            The checkpoint to go on from; None to start from the beginning.
        """
        mark = self.working / "identity"
        if not mark.is_file() or mark.read_text(encoding="utf-8") != self.identity:
            shutil.rmtree(self.working, ignore_errors=True)
            self.working.mkdir(parents=True)
            write_atomic(mark, self.identity.encode())
        (self.out / RESULT).unlink(missing_ok=True)
        whole = [(step, folder) for folder in self.working.glob("checkpoint-*") if (step := _steps(folder))]
        return max(whole)[1] if whole else None

    def end(self, result: TrainingResult) -> None:
        """Write the result; from here on the training is done."""
        document = {"identity": self.identity, **result.as_document()}
        payload = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
        write_atomic(self.out / RESULT, payload.encode() + b"\n")
        shutil.rmtree(self.working, ignore_errors=True)


def identity_of(
    student: str, kind: str, examples: Sequence[Example], replay: Sequence[Example], options: SftOptions
) -> str:
    """Hash of what decides a training.

    Args:
        student: `Student.identity()`.
        kind: Which trainer.
        examples: Trained on.
        replay: Mixed in.
        options: How.
    """
    content = [
        student,
        kind,
        [example.as_document() for example in examples],
        [example.as_document() for example in replay],
        options.as_document(),
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _steps(checkpoint: Path) -> int:
    """Steps after which a checkpoint was made; 0 where it is not whole. Its state is written last."""
    state = _read(checkpoint / "trainer_state.json")
    step = state.get("global_step") if isinstance(state, dict) else None
    return step if isinstance(step, int) and checkpoint.name == f"checkpoint-{step}" else 0


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
