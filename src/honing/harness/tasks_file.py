"""Tasks as they are written: in a project's file, or in one of their own, with the line of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.documents import Document, Lines, checked, parse_located, read_bytes
from honing.errors import HoningError, ProjectError
from honing.harness.project_spec import TasksSpec
from honing.harness.tasks.base import Task
from honing.harness.tasks.registry import task_from
from honing.harness.tasks.spec import TaskSpec


@dataclass(frozen=True, slots=True)
class Placed:
    """A task as it is written, and where."""

    spec: TaskSpec
    anchor: str
    folder: Path
    """What its paths are relative to."""


def parsed_file(file: Path, *, what: str) -> tuple[Any, Lines]:
    """The value of a YAML or JSON file of a project, and where its parts stand.

    Raises:
        ProjectError: It cannot be read, is too large, or is not what its name says; the text names the line.
    """
    content = read_bytes(file, source=str(file), error=ProjectError, what=what)
    return parse_located(content, source=str(file), error=ProjectError, what=what)


def read_tasks(file: Path) -> list[Placed]:
    """The tasks that a file lists, in its order.

    Args:
        file: YAML or JSON: a list of tasks, or a mapping with the one key `tasks`.

    Raises:
        ProjectError: It cannot be read, or a task is not as it should be; the text names the line.
    """
    value, lines = parsed_file(file, what="a file of tasks")
    listed = isinstance(value, list)
    if listed:
        # The schema wants a mapping: the list's lines are those of its key.
        lines = Lines(1, {"tasks": (1, lines)})
        value = {"tasks": value}
    spec = checked(TasksSpec, value, lines, source=str(file), error=ProjectError, what="the file of tasks")
    if not spec.tasks:
        raise ProjectError(f"{file}:1: at least one task is needed.")
    document = Document(str(file), value, lines, ProjectError)
    return [
        Placed(task, document.anchor("tasks", position), file.parent)
        for position, task in enumerate(spec.tasks)
    ]


def tasks_of(placed: Sequence[Placed]) -> tuple[Task, ...]:
    """The tasks, ready to judge.

    Raises:
        ProjectError: Two have the same id, or one names a file that is not there.
    """
    seen: dict[str, str] = {}
    tasks: list[Task] = []
    for one in placed:
        if one.spec.id in seen:
            raise ProjectError(
                f"{one.anchor}: the task {one.spec.id!r} stands at {seen[one.spec.id]} as well."
            )
        seen[one.spec.id] = one.anchor
        try:
            tasks.append(task_from(one.spec, one.folder))
        except HoningError as error:
            raise ProjectError(f"{one.anchor}: task {one.spec.id!r}: {error}") from None
    return tuple(tasks)
