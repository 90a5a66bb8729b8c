"""For tests of tasks: a harness written from a mapping, judged by the real evaluator in a real sandbox."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from honing.harness.cache import Remembered
from honing.harness.evaluate import Evaluator
from honing.harness.place import Places
from honing.harness.tasks.base import Task, TaskScore
from honing.harness.tasks.registry import task_from
from honing.harness.tasks.spec import TaskSpec
from honing.sandbox import Limits, Sandbox, choose
from honing.store import TreeId, TreeStore

SPECS: TypeAdapter[Any] = TypeAdapter(TaskSpec)


@cache
def sandbox(name: str = "auto") -> Sandbox:
    return choose(name)


class Bench:
    """A project's folder, candidates and what judges them, below one temporary folder."""

    def __init__(self, folder: Path, *, sandbox_name: str = "auto", wall_s: float = 120.0) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        self.trees = TreeStore(folder / "trees")
        self.scratch = folder / "scratch"
        self.memory = Remembered()
        self.places = Places(
            trees=self.trees,
            sandbox=sandbox(sandbox_name),
            scratch=self.scratch,
            limits=Limits(wall_s=wall_s),
        )
        self.evaluator = Evaluator(places=self.places, memory=self.memory)
        self._folder = folder
        self._count = 0

    def candidate(self, files: Mapping[str, str | bytes]) -> TreeId:
        """A harness of these files; scripts are executable."""
        self._count += 1
        folder = self._folder / f"candidate{self._count}"
        folder.mkdir()
        write(folder, files)
        return self.trees.snapshot(folder)

    def grader(self, files: Mapping[str, str | bytes]) -> None:
        """Files of the project, outside every harness."""
        write(self.project, files)

    def task(self, **spec: Any) -> Task:
        """The task of a spec, as a project's file would write it."""
        return task_from(SPECS.validate_python({"id": "task", **spec}), self.project)

    def judge(self, files: Mapping[str, str | bytes], /, **spec: Any) -> TaskScore:
        """What one task says of a harness of these files."""
        found = self.evaluator.evaluate(self.candidate(files), [self.task(**spec)])
        assert list(self.scratch.iterdir()) == []
        return found.runs[0].score


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(textwrap.dedent(content).encode() if isinstance(content, str) else content)
        if path.suffix == ".sh":
            path.chmod(0o755)
