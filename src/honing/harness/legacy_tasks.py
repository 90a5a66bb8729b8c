"""tasks.json of the predecessor: files that hold phrases, and commands with an exit code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from honing.documents import Document, Lines, Where
from honing.errors import ProjectError
from honing.harness.tasks.base import Cascade
from honing.harness.tasks.spec import CommandSpec, FilePhraseSpec, TaskSpec
from honing.harness.tasks_file import Placed, parsed_file

_ONE_COPY = "workspace"
"""The word that all tasks share: there they ran in one copy, one after the other."""
_NO_WEIGHT = 1e-12
"""Of a task that counts for nothing but may prepare the copy for others."""
_KEYS = {
    "file_phrase": ("id", "type", "weight", "path", "required_phrases"),
    "command": (
        "id",
        "type",
        "weight",
        "command",
        "expect_exit_code",
        "expected_exit_code",
        "timeout_seconds",
        "workdir",
    ),
}
_NOTHING: Mapping[str, Any] = {"path": None, "command": None, "required_phrases": [], "expect_exit_code": 0}
"""Keys of the other kind of task, with values that say nothing: some projects write all keys for all."""


@dataclass(slots=True)
class LegacyTasks:
    """What a file of tasks holds."""

    tasks: list[Placed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was passed over, one sentence each."""


def read_legacy_tasks(file: Path) -> LegacyTasks:
    """The tasks of a file, in its order; all run in one copy of the harness.

    Raises:
        ProjectError: It is no list of tasks, or one is not as it should be; the text names the line.
    """
    value, lines = parsed_file(file, what="a file of tasks")
    if not isinstance(value, list) or not value:
        raise ProjectError(f"{file}:1: a file of tasks is a list of at least one task.")
    document = Document(str(file), {"tasks": value}, Lines(1, {"tasks": (1, lines)}), ProjectError)
    found = LegacyTasks()
    for at in range(len(value)):
        reading = _Task(document, ("tasks", at), found.notes)
        found.tasks.append(Placed(reading.spec(), document.anchor("tasks", at), file.parent))
    return found


@dataclass(frozen=True, slots=True)
class _Task:
    """One task on its way to ours."""

    document: Document
    where: Where
    notes: list[str]

    def spec(self) -> TaskSpec:
        kind = self._text("type")
        if kind not in _KEYS:
            raise ProjectError(
                f"{self._anchor('type')}: a task's type must be file_phrase or command, got {kind!r}. Other "
                "types can be used in a honing.yaml: see docs/harness-tasks.md."
            )
        self._note_unknown(kind)
        try:
            return self._file_phrase() if kind == "file_phrase" else self._command()
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise ProjectError(
                f"{self._anchor()}: task {self._at('id')!r}: {name}: {first['msg']}."
            ) from None

    def _note_unknown(self, kind: str) -> None:
        for key, value in self.document.mapping(self.where).items():
            if key not in _KEYS[kind] and not (key in _NOTHING and _NOTHING[key] == value):
                said = self.document.unknown(self.where, key, _KEYS[kind])
                self.notes.append(f"{said} It is passed over.")

    def _file_phrase(self) -> TaskSpec:
        path = self._text("path").removeprefix("./")
        required = tuple(
            phrase for phrase in self.document.texts((*self.where, "required_phrases")) if phrase
        )
        if not required:
            # One that asks for no phrase is met where the file exists.
            return CommandSpec(type="command", command=f"test -f {shlex.quote(path)}", **self._basics())
        return FilePhraseSpec(type="file_phrase", path=path, required=required, **self._basics())

    def _command(self) -> TaskSpec:
        return CommandSpec(
            type="command",
            command=self._text("command"),
            expected_exit_code=self._exit_code(),
            timeout_s=self.document.number((*self.where, "timeout_seconds")),
            workdir=self._text("workdir") or ".",
            **self._basics(),
        )

    def _basics(self) -> dict[str, Any]:
        name = self._at("id")
        return {
            "id": "" if name is None else str(name),
            "weight": self._weight(),
            "shares": _ONE_COPY,
            # One step for all, so that they keep their order: a later one may need what an earlier one made.
            "cascade": Cascade.FULL,
        }

    def _weight(self) -> float:
        weight = self._at("weight")
        if weight == 0 and not isinstance(weight, bool):
            self.notes.append(f"{self._anchor('weight')}: a weight of 0 counts as {_NO_WEIGHT} here.")
            return _NO_WEIGHT
        return self.document.number((*self.where, "weight")) or 1.0

    def _exit_code(self) -> int:
        for key in ("expect_exit_code", "expected_exit_code"):
            if self._at(key) is not None:
                return self.document.count((*self.where, key))
        return 0

    def _text(self, key: str) -> str:
        return self.document.text((*self.where, key))

    def _at(self, key: str) -> Any:
        return self.document.at((*self.where, key))

    def _anchor(self, *key: str) -> str:
        return self.document.anchor(*self.where, *key)
