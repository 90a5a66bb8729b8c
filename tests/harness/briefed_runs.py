"""A small run, as a proposer may be told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from judged_folders import Files, PlainTask, lay_out, made_project

from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome, Proposal
from honing.harness.gate import left_out
from honing.harness.project import Project
from honing.harness.search.base import View
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus
from honing.store import TreeStore

BASELINE: Files = {"AGENTS.md": "Be brief.\n", "scripts/test.sh": "echo ok\n"}
TASKS = (PlainTask("reads-the-guide-1", weight=1.0), PlainTask("runs-the-tests-2", weight=3.0))


def a_project(**changes: Any) -> Project:
    return made_project(**{"tasks": TASKS, **changes})


def judged(
    scores: Mapping[str, float], *, log: str = "", reason: str = "not all of it", duration_s: float = 1.0
) -> Evaluation:
    weights = {task.id: task.weight for task in TASKS}
    runs = tuple(
        TaskRun(
            task=task,
            seed=0,
            weight=weights.get(task, 1.0),
            score=TaskScore(
                status=TaskStatus.SCORED,
                score=score,
                reason="" if score == 1 else reason,
                log=log,
                checks={"the tests are run": score == 1},
                duration_s=duration_s,
            ),
        )
        for task, score in scores.items()
    )
    return Evaluation(runs=runs, complete=True)


class Story:
    """A run that is told candidate by candidate."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.folder = folder
        self.project = project
        self.trees = TreeStore(folder / "trees")
        self.candidates: list[Candidate] = []
        baseline = judged({"reads-the-guide-1": 0.0, "runs-the-tests-2": 0.5}, log="one line\nlast line\n")
        self.tell(BASELINE, outcome=Outcome.BASELINE, evaluation=baseline, sentence="the harness as it is")

    def tell(
        self,
        files: Files | None,
        *,
        outcome: Outcome,
        parents: Sequence[str] = (),
        evaluation: Evaluation | None = None,
        sentence: str = "because",
        manifest: Mapping[str, Any] | None = None,
        estimate: float | None = None,
    ) -> Candidate:
        """One more candidate; its changed paths are read from its files."""
        slot = len(self.candidates)
        tree = None
        changed: tuple[str, ...] = ()
        if files is not None:
            folder = lay_out(self.folder / f"c{slot:04d}", files)
            tree = self.trees.snapshot(folder, ignore=left_out(self.project.rules))
        if parents and tree is not None:
            before = self.named(parents[0]).tree
            assert before is not None
            changed = tuple(path.decode("utf-8", "replace") for path in self.trees.diff(before, tree).paths)
        candidate = Candidate(
            id=f"c{slot:04d}",
            arm=Arm.SEARCH,
            slot=slot,
            parents=tuple(parents),
            outcome=outcome,
            sentence=sentence,
            tree=tree,
            changed=changed,
            evaluation=evaluation,
            proposal=None if outcome is Outcome.BASELINE else Proposal(tree=tree, manifest=manifest),
            acceptance=None
            if estimate is None
            else Acceptance(accepted=True, sentence="", difference=(0.1, 0.0, 0.2), estimate=estimate),
        )
        self.candidates.append(candidate)
        return candidate

    def named(self, name: str) -> Candidate:
        return next(one for one in self.candidates if one.id == name)

    def replace(self, name: str, **changes: Any) -> None:
        self.candidates = [replace(one, **changes) if one.id == name else one for one in self.candidates]

    def view(self, *, slot: int | None = None, up_to: int | None = None) -> View:
        seen = tuple(self.candidates if up_to is None else self.candidates[: up_to + 1])
        return View(arm=Arm.SEARCH, slot=slot or len(self.candidates), slots=20, candidates=seen)


def change(description: str = "Tell it to read the guide", **fields: Any) -> dict[str, Any]:
    """A manifest of one change, as it is kept."""
    known: dict[str, Any] = {
        "id": "guide",
        "component": "prompt",
        "description": description,
        "files": ["AGENTS.md"],
        "failure_pattern": "",
        "evidence_refs": [],
        "root_cause": "",
        "targeted_fix": "",
        "predicted_fixes": ["reads-the-guide-1"],
        "risk_tasks": [],
        "notes": "",
        "unknown_tasks": [],
        **fields,
    }
    return {"schema": 1, "changes": [known]}


def a_story(folder: Path, project: Project | None = None) -> Story:
    """Baseline, a kept candidate, a discarded one, a crash."""
    story = Story(folder, project or a_project())
    story.tell(
        {**BASELINE, "AGENTS.md": "Be brief. Read the guide.\n"},
        outcome=Outcome.KEEP,
        parents=["c0000"],
        evaluation=judged({"reads-the-guide-1": 1.0, "runs-the-tests-2": 0.5}),
        sentence="better by 0.25",
        manifest=change(),
        estimate=0.6,
    )
    story.tell(
        {**BASELINE, "scripts/test.sh": "exit 0\n"},
        outcome=Outcome.DISCARD,
        parents=["c0001"],
        evaluation=judged({"reads-the-guide-1": 0.0, "runs-the-tests-2": 0.0}),
        sentence="worse by 0.625",
    )
    story.tell(None, outcome=Outcome.CRASH, parents=["c0001"], sentence="its program is not installed")
    return story


def texts_below(folder: Path) -> dict[str, str]:
    """Every file below a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
