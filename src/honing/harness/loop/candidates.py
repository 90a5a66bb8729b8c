"""One slot of one arm, from the choice of its parents to its outcome.

What goes wrong in one is its outcome, and never the end of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from honing.agents import AgentOutcome
from honing.errors import (
    BudgetExhaustedError,
    HoningError,
    MissingToolError,
    ModelUnreachableError,
    StoppedError,
    StoreError,
    UsageError,
)
from honing.executors import Progress
from honing.harness.accept import accept, first_seeds, hopeless
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.candidate_document import candidate_document, candidate_from
from honing.harness.gate import Refusal, gate
from honing.harness.loop import live
from honing.harness.loop.bench import Bench
from honing.harness.loop.config import BASELINE
from honing.harness.loop.slots import Board, Slot
from honing.harness.project import Control
from honing.harness.propose import Draft, propose
from honing.harness.request import Live
from honing.harness.search.base import Search, View
from honing.harness.search.merging import merge_trees
from honing.harness.search.pairs import common_ancestor
from honing.harness.search.registry import search_named
from honing.harness.tasks.base import Evaluation, TaskRun, TaskStatus
from honing.store import TreeId

_ENDS_THE_SESSION = (
    BudgetExhaustedError,
    StoppedError,
    ModelUnreachableError,
    MissingToolError,
    StoreError,
    UsageError,
)
_OF_AGENT = {
    AgentOutcome.TIMEOUT: Outcome.TIMEOUT,
    AgentOutcome.CRASH: Outcome.CRASH,
    AgentOutcome.INFRA_ERROR: Outcome.INFRA_ERROR,
}
"""Endings of an agent that are the candidate's; whatever it had written is not looked at."""
_NO_SCORES = {TaskStatus.TAMPERED: Outcome.TAMPERED, TaskStatus.INFRA_ERROR: Outcome.INFRA_ERROR}
"""What ends a candidate whatever its other tasks say, the first of them first."""


class _NeverAScoreError(Exception):
    """An evaluation that is no comparison: somebody reached for the judge, or ours failed."""

    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome = outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Makers:
    """Makes the candidates of a run."""

    bench: Bench
    board: Board
    searches: Mapping[Arm, Search]
    live: Live = field(default_factory=Live)

    def progress(self) -> Progress:
        """What shows how the candidates go."""
        live.begin(self.live, self.board, self.searches[Arm.SEARCH], self.bench.door.spend, level=self._level)
        return self.bench.options.progress(self.live)

    def make(self, unit: Any) -> dict[str, Any]:
        """The candidate of one unit, as a document; it is on the board then.

        Raises:
            HoningError: The session cannot go on; the same unit starts again in the next one.
        """
        slot = Slot.of(unit)
        try:
            document = candidate_document(self._candidate(slot))
        except BaseException as error:
            self.board.fail(error)
            raise
        # As it will be read back: a resumed run must see the same.
        candidate = candidate_from(document)
        self.board.put(candidate)
        live.heard(self.live, self.board, self.searches[Arm.SEARCH], candidate, level=self._level)
        self.bench.options.told(live.line_of(candidate))
        return document

    @property
    def _level(self) -> float:
        return self.bench.project.judging.level

    def _candidate(self, slot: Slot) -> Candidate:
        view = self.board.view(slot)
        choice = self.searches[slot.arm].choose(view, slot.random(self.bench.project.seed))
        by_id = {candidate.id: candidate for candidate in view.candidates}
        parents = [by_id[parent] for parent in choice.parents]
        blank = Candidate(
            id=slot.id,
            arm=slot.arm,
            slot=slot.number,
            parents=choice.parents,
            outcome=Outcome.INFRA_ERROR,
            sentence="",
            note=choice.note,
        )
        try:
            if choice.merge:
                return self._joined(blank, parents, view)
            draft = propose(self.bench, slot, parents, view)
            return self._gated(blank, parents, view, draft)
        except _ENDS_THE_SESSION:
            raise
        except HoningError as error:
            return replace(blank, sentence=str(error))
        except Exception as error:  # noqa: BLE001 - one candidate's failure never ends a run
            self.bench.note_defect(slot.id, error)
            return replace(blank, sentence=f"a defect of Honing: {type(error).__name__}: {error}")

    def _joined(self, blank: Candidate, parents: Sequence[Candidate], view: View) -> Candidate:
        """A candidate that is made without an agent: what the second parent changed, applied to the first."""
        base = common_ancestor(view.candidates, parents[0], parents[1])
        merged = merge_trees(self.bench.trees, *(_tree(each) for each in (base, *parents[:2])))
        conflicts = f"; {len(merged.conflicts)} paths stay as in the first" if merged.conflicts else ""
        return self._judged(replace(blank, note=blank.note + conflicts), parents, view, merged.tree)

    def _gated(self, blank: Candidate, parents: Sequence[Candidate], view: View, draft: Draft) -> Candidate:
        """What the agent's ending and the gate make of a draft."""
        proposal = draft.proposal
        made = replace(blank, proposal=proposal, tree=proposal.tree)
        ended = AgentOutcome(proposal.agent["outcome"])
        if ended in _OF_AGENT:
            return replace(made, outcome=_OF_AGENT[ended], sentence=proposal.agent["reason"])
        if proposal.tree is None:
            return replace(
                made,
                outcome=Outcome.SCOPE_VIOLATION,
                sentence=f"what it left cannot be taken as a candidate: {draft.unfit}",
                offending=(draft.unfit_path,) if draft.unfit_path else (),
            )
        return self._judged(made, parents, view, proposal.tree, draft)

    def _judged(
        self,
        made: Candidate,
        parents: Sequence[Candidate],
        view: View,
        tree: TreeId,
        draft: Draft | None = None,
    ) -> Candidate:
        """What the gate, the tasks and the comparison with its parent make of a tree."""
        bench, parent = self.bench, parents[0]
        before, after = bench.trees.load(_tree(parent)), bench.trees.load(tree)
        diff = bench.trees.diff(before.id, tree)
        forged, carrying = (draft.forged, draft.carrying) if draft is not None else ((), ())
        refused = gate(bench.project, before, after, diff, bench.trees.read, forged=forged, carrying=carrying)
        made = replace(
            made,
            tree=tree,
            size_bytes=after.bytes,
            changed=tuple(path.decode("utf-8", "backslashreplace") for path in diff.paths),
        )
        if refused is not None:
            return replace(
                made,
                outcome=refused.outcome,
                sentence=_with_complaint(refused, made),
                offending=refused.offending,
            )
        return self._compared(made, parent, view)

    def _compared(self, made: Candidate, parent: Candidate, view: View) -> Candidate:
        """Evaluated on its parent's seeds, and kept or not."""
        bench, settings = self.bench, self.bench.project.judging
        tasks = bench.project.tasks
        noisy = any(not task.deterministic for task in tasks)
        seeds = first_seeds(parent, view.candidates, settings)
        races = not self.searches[made.arm].from_discarded

        def retest(fresh: Sequence[int]) -> tuple[Evaluation, Evaluation]:
            return self._again(parent, fresh), self._evaluated(made, fresh)

        try:
            theirs = self._again(parent, seeds)
            found = bench.evaluator.evaluate(
                _tree(made),
                tasks,
                seeds,
                watch=(lambda runs: hopeless(theirs, runs, settings, noisy=noisy)) if races else None,
                cancel=bench.stopping,
            )
            made = replace(made, evaluation=found)
            _check(found)
            verdict = accept(theirs, found, settings, retest if noisy else None, attempt=made.slot)
        except _NeverAScoreError as error:
            return replace(made, outcome=error.outcome, sentence=str(error))
        outcome = Outcome.KEEP if verdict.accepted else Outcome.DISCARD
        return replace(made, outcome=outcome, sentence=verdict.sentence, acceptance=verdict)

    def _evaluated(self, candidate: Candidate, seeds: Sequence[int]) -> Evaluation:
        """A candidate in full; what was run before is remembered."""
        found = self.bench.whole.evaluate(
            _tree(candidate), self.bench.project.tasks, seeds, cancel=self.bench.stopping
        )
        _check(found)
        return found

    def _again(self, parent: Candidate, seeds: Sequence[int]) -> Evaluation:
        """The parent on seeds that it may not have met. What fails then says nothing about its child."""
        try:
            return self._evaluated(parent, seeds)
        except _NeverAScoreError as error:
            why = f"its parent {parent.id} could not be run again: {error}"
            raise _NeverAScoreError(Outcome.INFRA_ERROR, why) from error


def searches_of(bench: Bench) -> dict[Arm, Search]:
    """How each arm chooses what its next proposal starts from."""
    settings = bench.project.search
    own = search_named(settings.name, settings.options)
    if settings.control is Control.NONE:
        return {Arm.SEARCH: own}
    return {Arm.SEARCH: own, Arm.CONTROL: search_named(settings.control.value)}


def evaluated_baseline(bench: Bench) -> Candidate:
    """The harness as the user gave it, on every task.

    Raises:
        UsageError: It cannot be scored, so nothing could be compared with it; the same call tries again.
    """

    def make(_: Any) -> dict[str, Any]:
        return candidate_document(_baseline(bench))

    return candidate_from(bench.step(BASELINE, make, [{"tree": bench.run.config["baseline"]}])[0])


def _baseline(bench: Bench) -> Candidate:
    tree = TreeId(bench.run.config["baseline"])
    seeds = tuple(range(bench.project.judging.repeats))
    evaluation = bench.whole.evaluate(tree, bench.project.tasks, seeds, cancel=bench.stopping)
    if evaluation.score is None:
        lost = next((run for run in evaluation.runs if run.score.score is None), None)
        why = evaluation.stopped or (_why(lost) if lost is not None else "")
        raise UsageError(f"{bench.project.baseline}: the baseline cannot be scored: {why}.")
    return Candidate(
        id="c0000",
        arm=Arm.SEARCH,
        slot=0,
        outcome=Outcome.BASELINE,
        sentence=f"the harness as it was given scores {evaluation.score:.3f}",
        tree=tree,
        size_bytes=bench.trees.load(tree).bytes,
        evaluation=evaluation,
    )


def _tree(candidate: Candidate) -> TreeId:
    if candidate.tree is None:
        raise UsageError(f"{candidate.id}: a search started from a candidate that has no tree.")
    return candidate.tree


def _check(evaluation: Evaluation) -> None:
    """Refuse an evaluation that says nothing about the candidate."""
    for status, outcome in _NO_SCORES.items():
        for run in evaluation.runs:
            if run.score.status is status:
                raise _NeverAScoreError(outcome, _why(run))


def _why(run: TaskRun) -> str:
    return f"task '{run.task}' ended as {run.score.status.value}: {run.score.reason}"


def _with_complaint(refused: Refusal, made: Candidate) -> str:
    """Why a candidate is not run; where nothing changed, with what the agent gives as its reason: that it was
    not permitted to use its tools, for example."""
    said = (made.proposal.agent.get("reason") or "") if made.proposal is not None else ""
    if refused.outcome is not Outcome.NO_CHANGE or not said:
        return refused.sentence
    return f"{refused.sentence}; the agent: {said}"
