"""Projects judged for real: their baseline, and their solution laid over it, in the sandbox."""

from __future__ import annotations

import shutil
from pathlib import Path

from honing.harness import Project, load_project
from honing.harness.evaluate import Evaluator
from honing.harness.gate import Refusal, gate, left_out
from honing.harness.place import Places
from honing.harness.tasks.base import Evaluation, Task
from honing.sandbox import BubblewrapSandbox
from honing.store import TreeId, TreeStore


class Judged:
    """One project with a store of its own."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.project: Project = load_project(folder)
        self._scratch = scratch
        self._store = TreeStore(scratch / "trees")
        places = Places(trees=self._store, sandbox=BubblewrapSandbox(), scratch=scratch / "copies")
        self._evaluator = Evaluator(places=places)
        self.baseline = self._taken(self.project.baseline)
        self.solved = self._laid_over()

    def of_baseline(self) -> Evaluation:
        return self._judged(self.baseline, self.project.tasks)

    def of_solution(self) -> Evaluation:
        return self._judged(self.solved, self.project.tasks)

    def held_out(self) -> tuple[float | None, float | None]:
        """Scores of baseline and solution on the held-out tasks."""
        tasks = self.project.held_out
        return self._judged(self.baseline, tasks).score, self._judged(self.solved, tasks).score

    def refusal(self) -> Refusal | None:
        """What the gate says of the solution."""
        before, after = self._store.load(self.baseline), self._store.load(self.solved)
        diff = self._store.diff(self.baseline, self.solved)
        return gate(self.project, before, after, diff, self._store.read)

    def of_edit(self, edits: dict[str, str]) -> Evaluation:
        """A candidate with some files replaced, scripts executable."""
        folder = self._scratch / "edited"
        shutil.copytree(self.project.baseline, folder, symlinks=True)
        for name, text in edits.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)
        return self._judged(self._taken(folder), self.project.tasks)

    def _laid_over(self) -> TreeId:
        assert self.project.solution is not None
        folder = self._scratch / "solved"
        shutil.copytree(self.project.baseline, folder, symlinks=True)
        shutil.copytree(self.project.solution, folder, dirs_exist_ok=True)
        return self._taken(folder)

    def _taken(self, folder: Path) -> TreeId:
        return self._store.snapshot(folder, ignore=left_out(self.project.rules))

    def _judged(self, tree: TreeId, tasks: tuple[Task, ...]) -> Evaluation:
        return self._evaluator.evaluate(tree, tasks)
