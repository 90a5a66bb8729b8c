"""Asking the agent once: a workspace made for it, a brief, a way to its model; then what it left, as a tree.

What an agent says it did is kept and never believed. It is dead, with everything it started, before anything
is read; the folder it worked in is gone afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from honing.agents import AgentOutcome, AgentRun, AgentTask, Trouble
from honing.errors import (
    AgentError,
    BudgetExhaustedError,
    HoningError,
    SandboxError,
    StoppedError,
    UnfitTreeError,
)
from honing.executors import Observation
from honing.harness.briefing import Brief, Taken, place, take
from honing.harness.candidate import Candidate, Proposal
from honing.harness.candidate_document import proposal_document, proposal_from
from honing.harness.gate import left_out, secret_holders
from honing.harness.loop.bench import Bench
from honing.harness.loop.config import PROPOSALS
from honing.harness.loop.slots import Slot
from honing.harness.search.base import View
from honing.llm import Channel
from honing.sandbox import Limits, remove_tree
from honing.store import TreeId

ARM = "HONING_ARM"
"""Variable of agents: `search` or `control`."""
SLOT = "HONING_SLOT"
"""Variable of agents: the number of the proposal in its arm, from 1."""
PROPOSAL_SEED = "HONING_PROPOSAL_SEED"
"""Variable of agents: a whole number below 2**48, another for every proposal of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What asking the agent led to, before anybody has looked at it."""

    proposal: Proposal
    forged: tuple[str, ...] = ()
    """Notes of ours that the agent changed."""
    carrying: tuple[str, ...] = ()
    """Paths that hold a secret of this session: looked for at once, since the next one has others."""
    unfit: str = ""
    """Why what it left cannot be taken: too large, unreadable ...; empty where it can."""
    unfit_path: str = ""
    """What is at fault."""

    def as_document(self) -> dict[str, Any]:
        """For the journal."""
        return {
            "proposal": proposal_document(self.proposal),
            "forged": list(self.forged),
            "carrying": list(self.carrying),
            "unfit": self.unfit,
            "unfit_path": self.unfit_path,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Draft:
        """The draft that `as_document` wrote."""
        return cls(
            proposal=proposal_from(document["proposal"]),
            forged=tuple(document["forged"]),
            carrying=tuple(document["carrying"]),
            unfit=document["unfit"],
            unfit_path=document["unfit_path"],
        )


def propose(bench: Bench, slot: Slot, parents: Sequence[Candidate], view: View) -> Draft:
    """Ask the agent for one candidate; what it left is remembered, and it is not asked for it again.

    Args:
        bench: Of the run.
        slot: Which proposal this is.
        parents: The workspace is made from the first; the others are shown.
        view: What the agent may know.

    Raises:
        BudgetExhaustedError: The agents' budget is spent; the same call asks again.
        StoppedError: Somebody asked to stop; likewise.
        ModelUnreachableError: Nobody answers at the model's server; likewise.
        SandboxError: The sandbox itself failed.
    """

    def make() -> dict[str, Any]:
        if bench.stopping.is_set():
            raise StoppedError(f"{slot.id} was about to be proposed when the stop came")
        folder = bench.scratch(slot.id)
        try:
            return _asked(bench, slot, parents, view, folder).as_document()
        finally:
            remove_tree(folder)

    key = {**slot.unit, "parents": [parent.tree for parent in parents]}
    return Draft.of(bench.memo.remember(PROPOSALS, key, make, observe=_spent))


def _asked(bench: Bench, slot: Slot, parents: Sequence[Candidate], view: View, folder: Path) -> Draft:
    workspace = folder / "workspace"
    parent = parents[0]
    bench.trees.materialise(_tree(parent), workspace)
    # A history that nobody reads would be most of what a proposal costs.
    reads = getattr(bench.agent, "reads_brief", True)
    brief = bench.briefing.brief(parents, view, folder) if reads else Brief(text=bench.project.objective)
    place(brief, workspace)
    with bench.door.channel(slot.id) as channel:
        run = _run(
            bench,
            AgentTask(
                workspace=workspace,
                brief=brief.text,
                home=folder / "home",
                sandbox=bench.sandbox,
                model=bench.door.model,
                channel=channel,
                limits=Limits(wall_s=bench.project.agent.timeout_s),
                mounts=brief.mounts,
                env=_variables(bench, slot, brief),
                slot=slot.number,
            ),
        )
    bench.door.heard(run)
    bench.note("agent", {"id": slot.id, "brief": brief.text, **run.as_document()}, took_s=run.duration_s)
    if run.outcome is AgentOutcome.EXHAUSTED:
        raise BudgetExhaustedError(run.reason)
    if run.outcome is AgentOutcome.STOPPED:
        raise StoppedError(f"{slot.id}: {run.reason}")
    taken = take(
        brief,
        workspace,
        known_tasks=[task.id for task in bench.project.tasks],
        inherited=parent.proposal.manifest if parent.proposal is not None else None,
    )
    draft = _read(bench, workspace, run, taken)
    return replace(draft, carrying=_carrying(bench, parent, draft, channel))


def _run(bench: Bench, task: AgentTask) -> AgentRun:
    """The agent's run. What an agent raises is its own failure, other than what the sandbox raises."""
    try:
        # Not ended by a stop: it is paid for, and what it leaves is kept for the session that goes on.
        return bench.agent.run(task)
    except AgentError as error:
        return _crashed(bench.agent.name, str(error))
    except (HoningError, SandboxError):
        raise
    except Exception as error:  # noqa: BLE001 - an agent may be anybody's code
        return _crashed(bench.agent.name, f"{type(error).__name__}: {error}")


def _crashed(agent: str, reason: str) -> AgentRun:
    return AgentRun(agent=agent, outcome=AgentOutcome.CRASH, trouble=Trouble.OTHER, reason=reason)


def _variables(bench: Bench, slot: Slot, brief: Brief) -> dict[str, str]:
    return {
        ARM: slot.arm.value,
        SLOT: str(slot.number),
        PROPOSAL_SEED: str(slot.seed(bench.project.seed)),
        **brief.env,
    }


def _read(bench: Bench, workspace: Path, run: AgentRun, taken: Taken) -> Draft:
    """What lies in the workspace now: the files say so, never the agent."""
    tree: TreeId | None = None
    unfit = unfit_path = ""
    try:
        tree = bench.trees.snapshot(workspace, ignore=left_out(bench.project.rules), again=False)
    except UnfitTreeError as error:
        # Nobody outside is to see where a run lies.
        unfit, unfit_path = str(error).replace(str(workspace), "the workspace"), error.path
    proposal = Proposal(
        tree=tree,
        agent=run.as_document(),
        manifest=taken.manifest,
        manifest_problem=taken.problem,
    )
    return Draft(proposal=proposal, forged=taken.forged, unfit=unfit, unfit_path=unfit_path)


def _carrying(bench: Bench, parent: Candidate, draft: Draft, channel: Channel | None) -> tuple[str, ...]:
    """Paths that hold the agent's way to its model, or a key that never was near it."""
    secrets = [value for name, value in bench.options.endpoints.items() if name.endswith("_KEY") and value]
    secrets += [channel.token] if channel is not None else []
    if draft.proposal.tree is None or not secrets:
        return ()
    before, after = (bench.trees.load(tree) for tree in (_tree(parent), draft.proposal.tree))
    return secret_holders(before, after, bench.trees.read, secrets)


def _tree(candidate: Candidate) -> TreeId:
    assert candidate.tree is not None, f"{candidate.id} has no tree, so nothing can be made from it"
    return candidate.tree


def _spent(document: Mapping[str, Any]) -> Observation:
    """Tokens and money of one proposal, for the journal's totals."""
    usage = document["proposal"]["agent"].get("usage", {})
    tokens = (usage.get("input_tokens") or 0) + (usage.get("output_tokens") or 0)
    return Observation(tokens=tokens, cost_usd=usage.get("cost_usd", 0.0))
