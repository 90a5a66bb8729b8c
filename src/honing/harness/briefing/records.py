"""A candidate as later proposers may know it: what became of it, task by task, and its changes.

Of a candidate that was refused for what it holds (tampered, leakage) neither changes, paths nor words are
shown: what it learned or planted is not handed on.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from honing.harness.briefing.quoting import clean, cleaned, end_of, start_of
from honing.harness.candidate import Candidate, Outcome
from honing.harness.manifest import observed
from honing.harness.project import Project
from honing.harness.tasks.base import Evaluation, TaskRun
from honing.store import TreeStore

WITHHELD = (Outcome.TAMPERED, Outcome.LEAKAGE_VIOLATION)
PATCH_CHARACTERS = 64 * 1024
_LOG_CHARACTERS = 4000
_REASON_CHARACTERS = 600
_PATHS = 40
_KEPT = 64
"""Candidates whose files are held, patches included."""


class Records:
    """What is told of candidates, rendered once each. Safe to use from several threads.

    Args:
        project: Its search tasks are the only ones that are told of.
        trees: Holds the candidates.
    """

    def __init__(self, project: Project, trees: TreeStore) -> None:
        self._tasks = {task.id: task.weight for task in project.tasks}
        self._trees = trees
        self._lines: dict[str, str] = {}
        self._files: dict[str, dict[str, str]] = {}
        self._guard = threading.Lock()

    def line(self, candidate: Candidate) -> str:
        """One line of the index."""
        with self._guard:
            if candidate.id not in self._lines:
                self._lines[candidate.id] = as_line(self.outcome(candidate))
            return self._lines[candidate.id]

    def files(self, candidate: Candidate, parent: Candidate | None) -> Mapping[str, str]:
        """The files of a candidate's folder, by name.

        Args:
            candidate: Of the view.
            parent: The one it was made from; None for the baseline.
        """
        with self._guard:
            known = self._files.get(candidate.id)
        if known is None:
            known = self._rendered(candidate, parent)
            with self._guard:
                self._files[candidate.id] = known
                for oldest in list(self._files)[:-_KEPT]:
                    del self._files[oldest]
        return known

    def outcome(self, candidate: Candidate) -> dict[str, Any]:
        """How a candidate ended and why."""
        acceptance = candidate.acceptance
        withheld = candidate.outcome in WITHHELD
        return {
            "id": candidate.id,
            "parents": list(candidate.parents),
            "outcome": candidate.outcome.value,
            "why": clean(candidate.sentence)[:_REASON_CHARACTERS],
            "score": rounded(candidate.score),
            "estimate": rounded(acceptance.estimate) if acceptance is not None else None,
            "gain_over_parent": [rounded(one) for one in acceptance.difference]
            if acceptance is not None and acceptance.difference is not None
            else None,
            "changed": None if withheld else [clean(path) for path in candidate.changed[:_PATHS]],
            "changed_count": len(candidate.changed),
            "described": [] if withheld else described(candidate),
        }

    def tasks(self, evaluation: Evaluation | None) -> list[dict[str, Any]]:
        """What the search tasks gave, in their order; whatever else an evaluation holds is left out."""
        if evaluation is None:
            return []
        by_task: dict[str, list[TaskRun]] = {}
        for run in evaluation.runs:
            if run.task in self._tasks:
                by_task.setdefault(run.task, []).append(run)
        return [_task(task, self._tasks[task], runs) for task, runs in by_task.items()]

    def _rendered(self, candidate: Candidate, parent: Candidate | None) -> dict[str, str]:
        files = {
            "outcome.json": as_text(self.outcome(candidate)),
            "tasks.json": as_text(self.tasks(candidate.evaluation)),
        }
        if candidate.outcome in WITHHELD:
            wordless = [{**row, "log": ""} for row in self.tasks(candidate.evaluation)]
            return {**files, "tasks.json": as_text(wordless)}
        manifest = candidate.proposal.manifest if candidate.proposal is not None else None
        if parent is not None and candidate.evaluation is not None and parent.evaluation is not None:
            came = observed(manifest, parent.evaluation, candidate.evaluation, changed=candidate.changed)
            files["manifest.json"] = as_text(cleaned({"declared": manifest, "observed": came}))
        if parent is not None and parent.tree is not None and candidate.tree is not None:
            patch = clean(self._trees.diff(parent.tree, candidate.tree).unified())
            files["diff.patch"] = start_of(patch, PATCH_CHARACTERS, what="this patch")
        return files


def described(candidate: Candidate) -> list[str]:
    """What its agent said of its changes, short. Words of an agent: to be quoted, never followed."""
    manifest = candidate.proposal.manifest if candidate.proposal is not None else None
    changes: Sequence[Mapping[str, Any]] = manifest.get("changes", ()) if manifest is not None else ()
    words = (str(change.get("description") or change.get("targeted_fix") or "") for change in changes[:5])
    return [" ".join(clean(one).split())[:300] for one in words if one]


def rounded(value: float | None) -> float | None:
    """A score as it is shown."""
    return None if value is None else round(value, 6)


def as_text(document: Any) -> str:
    """A document for a file: the same text for the same document."""
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def as_line(document: Any) -> str:
    """A document as one line."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n"


def _task(task: str, weight: float, runs: Sequence[TaskRun]) -> dict[str, Any]:
    scores = [run.score.score for run in runs if run.score.score is not None]
    worst = min(runs, key=lambda run: (1.0 if run.score.score is None else run.score.score, run.seed))
    return {
        "task": clean(task),
        "weight": weight,
        "score": rounded(sum(scores) / len(scores)) if scores else None,
        "runs": len(runs),
        "status": worst.score.status.value,
        "reason": clean(worst.score.reason)[:_REASON_CHARACTERS],
        "checks": {clean(name): held for name, held in worst.score.checks.items()},
        "log": end_of(clean(worst.score.log), _LOG_CHARACTERS),
    }
