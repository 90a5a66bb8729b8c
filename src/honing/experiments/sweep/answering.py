"""A model of the sweep, asked in this process: one loading serves every target."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

from honing.learn import LocalModel, LocalOptions, folder_digest
from honing.llm import ModelReply, ModelRequest


class StageModel:
    """One state of the model. It is loaded when it is first asked.

    Args:
        stage: "base", "seg_0", ...
        folder: Of the model, or of an adapter.
        device: Where it runs.
    """

    def __init__(self, stage: str, folder: Path, *, device: str = "auto") -> None:
        self.stage = stage
        self.folder = folder
        # Named by content: answers of other weights are other answers.
        self.name = f"{stage}@{folder_digest(folder)[:8]}"
        self._device = device
        self._guard = threading.Lock()
        self._model: LocalModel | None = None
        self._asked: dict[str, AskedAs] = {}

    def asked_as(self, purpose: str = "") -> AskedAs:
        """The model under the name that a result of a purpose is reported under."""
        name = f"{self.name} {purpose}".strip()
        return self._asked.setdefault(name, AskedAs(name, self))

    def answer(self, request: ModelRequest) -> ModelReply:
        """See `LocalModel.answer`.

        Raises:
            MissingToolError: The extra `teach` is not installed.
            UsageError: The folder cannot be loaded.
        """
        with self._guard:
            if self._model is None:
                self._model = LocalModel(self.folder, LocalOptions(device=self._device))
        return self._model.answer(request)

    def close(self) -> None:
        """Let go of the weights. May be called more than once."""
        with self._guard:
            if self._model is not None:
                self._model.close()
            self._model = None


@dataclass(frozen=True, slots=True)
class AskedAs:
    """An `Answerer` with a name."""

    name: str
    model: StageModel

    def answer(self, request: ModelRequest) -> ModelReply:
        """As the model answers."""
        return self.model.answer(request)
