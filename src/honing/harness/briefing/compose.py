"""Making the brief of one proposal from the run as one view shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.harness.briefing.base import Brief
from honing.harness.briefing.history import TRACE_CHARACTERS, selected, write_history
from honing.harness.briefing.predecessor import notes_of
from honing.harness.briefing.quoting import clean, start_of
from honing.harness.briefing.records import Records
from honing.harness.briefing.text import Facts, text_of
from honing.harness.candidate import Arm, Candidate
from honing.harness.project import Control, Project
from honing.harness.search.base import View
from honing.harness.search.ranking import leader
from honing.sandbox import Mount
from honing.store import TreeStore

HISTORY = "/history"
"""Where the history lies for agents whose sandbox has a file tree of its own."""
VARIABLE = "HONING_HISTORY"


class Briefing:
    """Makes the briefs of one run. Safe to use from several threads.

    Args:
        project: What is improved.
        trees: Holds the candidates.
        surroundings: From `surroundings_of`, as the run remembers it; empty for agents that run no programs.
        own_tree: Whether the agents' sandbox shows folders under other names (`Capability.PID_NAMESPACE`).
            Without it the history lies at its own path, which the text does not name.
        timeout_s: Time limit of one proposal; the project's where None.
    """

    def __init__(
        self,
        project: Project,
        trees: TreeStore,
        *,
        surroundings: Mapping[str, Any] | None = None,
        own_tree: bool = True,
        timeout_s: float | None = None,
    ) -> None:
        self._project = project
        self._trees = trees
        self._surroundings = surroundings or {}
        self._own_tree = own_tree
        self._timeout_s = project.agent.timeout_s if timeout_s is None else timeout_s
        self._records = Records(project, trees)

    def brief(self, parents: Sequence[Candidate], view: View, scratch: Path) -> Brief:
        """What one agent is shown.

        Args:
            parents: Candidates it starts from, the one in its workspace first; all with a tree.
            view: All that it may know of the run. In an arm of independent proposals (the control arm, the
                search best_of_n) the baseline alone is shown.
            scratch: A folder of ours, gone with the proposal; the history is made in it.

        Raises:
            StoreError: A tree cannot be read, or the history cannot be written.
        """
        if self.independent(view):
            # A control that learned from its own proposals would be a search, and no control.
            view = replace(view, candidates=view.candidates[:1])
        best = leader(view.candidates)
        by_id = {candidate.id: candidate for candidate in view.candidates}
        chosen = {
            one.id: self._records.files(one, by_id.get(one.parents[0]) if one.parents else None)
            for one in selected(parents, best, view)
        }
        trace = self._trace()
        folder = scratch / "history"
        write_history(folder, view, parents, chosen, (self._records, self._trees))
        if trace:
            (folder / "trace.txt").write_text(trace, encoding="utf-8")
        tree = parents[0].tree
        assert tree is not None
        facts = Facts(
            project=self._project,
            view=view,
            parents=parents,
            best=best,
            tree=self._trees.load(tree),
            surroundings=self._surroundings,
            history=HISTORY if self._own_tree else f"The folder that the variable {VARIABLE} names",
            trace=trace,
            timeout_s=self._timeout_s,
            independent=self.independent(view),
        )
        text = text_of(facts, self._records)
        inside = HISTORY if self._own_tree else str(folder)
        return Brief(
            text=text,
            mounts=(Mount(folder, Path(inside)),),
            env={VARIABLE: inside},
            placed=notes_of(facts, text, chosen, self._records) if self._project.legacy else {},
        )

    def independent(self, view: View) -> bool:
        """Whether proposals of an arm know nothing of each other."""
        return view.arm is Arm.CONTROL or self._project.search.name == Control.BEST_OF_N.value

    def _trace(self) -> str:
        """The project's traces, bounded; empty where there are none."""
        path = self._project.trace
        if path is None:
            return ""
        with path.open("rb") as stream:
            content = stream.read(4 * TRACE_CHARACTERS)
        return start_of(clean(content.decode("utf-8", "replace")), TRACE_CHARACTERS, what="the trace")
