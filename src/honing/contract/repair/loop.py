"""The repair loop: what failed -> a brief -> an agent's patch -> the gates -> tried out -> kept or dropped.

An agent never makes a contract right by its word: a patch that the gates let through is set up and calibrated
like any other contract, and only that ends the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from honing.agents import AgentOutcome, AgentTask
from honing.contract.commands import INLINE
from honing.contract.hints import Hint, Role, find_hints
from honing.contract.repair.base import (
    REPAIR,
    Iteration,
    Proposal,
    RepairEnding,
    RepairOptions,
    Verdict,
    proposal_from,
)
from honing.contract.repair.briefing import brief_for
from honing.contract.repair.gates import refusals_of
from honing.contract.repair.memory import RepairRecord, is_further
from honing.contract.repair.signing import signed_parts
from honing.contract.repair.trial import Trial
from honing.contract.repair.workspace import (
    Workspace,
    adopt,
    changes,
    close_workspace,
    open_workspace,
)
from honing.contract.spec import ContractSpec
from honing.contract.stages.copies import place
from honing.contract.stages.failures import Failure
from honing.contract.target import Target
from honing.errors import AgentError, BudgetExhaustedError, StoppedError
from honing.executors import MapOptions, UnitStatus, run_map
from honing.llm import Gateway, GatewayConfig
from honing.sandbox import Sandbox
from honing.store import Run, TreeStore

VERSION = "1"
GAP = "contract_gap.json"
CHANNEL = "repair.agent"
"""The agent's calls in the run's log: never samples, never part of a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where contracts are repaired."""

    run: Run
    trees: TreeStore
    sandbox: Sandbox
    options: RepairOptions
    trial: Trial


def mend(shop: Workshop, target: Target) -> tuple[Target, RepairRecord]:
    """The target with a contract that calibrates, or as it was where none was found.

    Args:
        shop: Who repairs, and how a contract is tried out.
        target: As it was resolved.

    Raises:
        BudgetExhaustedError: The agent's budget is spent; the same call goes on.
        StoppedError: Somebody asked to stop; likewise.
    """
    original = shop.trial.spec(target)
    failure = shop.trial.failure(target)
    record = RepairRecord(options=shop.options, first=failure)
    best = target
    while failure is not None and record.may_go_on(failure):
        try:
            proposal = _proposal(shop, best, original, failure, record)
        except AgentError as error:
            record.end(RepairEnding.AGENT_FAILED, str(error))
            break
        iteration, tried = _tried(shop, best, failure, proposal, record)
        record.add(iteration)
        shop.run.evidence().append("repair", iteration.as_document())
        shop.options.told(iteration)
        if iteration.verdict in (Verdict.REPAIRED, Verdict.PROGRESS):
            best, failure = tried, iteration.after
        shop.run.write_json(REPAIR, record.as_document())
    if record.first is None:
        record.end(RepairEnding.NOT_NEEDED, "")
    if failure is None:
        # What it says no longer holds; repair.json keeps it as the first failure.
        shop.run.artifact(GAP).unlink(missing_ok=True)
    shop.run.write_json(REPAIR, record.as_document())
    return (best if failure is None else target), record


def _tried(
    shop: Workshop, target: Target, failure: Failure, proposal: Proposal, record: RepairRecord
) -> tuple[Iteration, Target]:
    """One iteration's end: what became of a proposal."""
    tried, after = target, None
    verdict, reason = proposal.verdict, proposal.reason
    if proposal.patch and record.seen(failure, proposal):
        verdict, reason = Verdict.REPEATED, "the same patch was tried for the same failure before"
    elif proposal.tree is not None and verdict is None:
        tried = replace(target, tree=proposal.tree)
        after = shop.trial.failure(tried)
        verdict = _judged(after, failure)
        reason = "" if after is None else after.text
    assert verdict is not None
    number = len(record.iterations) + 1
    iteration = Iteration(
        number=number, failure=failure, proposal=proposal, verdict=verdict, reason=reason, after=after
    )
    return iteration, tried


def _judged(after: Failure | None, before: Failure) -> Verdict:
    if after is None:
        return Verdict.REPAIRED
    return Verdict.PROGRESS if is_further(after, before) else Verdict.NOT_REPAIRED


def _proposal(
    shop: Workshop, target: Target, original: ContractSpec | None, failure: Failure, record: RepairRecord
) -> Proposal:
    """Ask the agent once, as a unit of the journal: a repair that was interrupted does not ask again.

    Raises:
        AgentError: It could not be driven; nothing is kept, so that another call asks again.
    """
    number = len(record.iterations) + 1
    unit = {
        "iteration": number,
        "tree": target.tree,
        "stage": failure.stage,
        "kind": failure.kind.value,
        **shop.options.identity,
    }

    def work(_: object) -> dict[str, object]:
        spec = shop.trial.spec(target)
        workspace = open_workspace(shop.run, shop.trees, target, spec, number)
        try:
            hints = find_hints(workspace.folder)
            brief = brief_for(failure, spec, hints, record.iterations)
            found = _asked(shop, workspace, brief, number)
            if found.verdict is None:
                found = _gated(shop, target, workspace, original, found, hints)
            return found.as_document()
        finally:
            close_workspace(shop.run, number)

    options = MapOptions(version=VERSION)
    (result,) = run_map(shop.run, "repair", work, [unit], executor=INLINE, options=options)
    if result.status is not UnitStatus.DONE:
        raise AgentError(result.error)
    return proposal_from(result.result)


def _asked(shop: Workshop, workspace: Workspace, brief: str, number: int) -> Proposal:
    """Let the agent work in the folder, and see what it changed.

    Raises:
        AgentError: It could not be launched, authenticate or reach its model, or it broke.
    """
    agent, options = shop.options.agent, shop.options
    config = GatewayConfig(
        log_path=shop.run.artifact("logs/calls.jsonl"), socket_path=shop.run.artifact("logs/gateway.sock")
    )
    with Gateway(config) as gateway:
        source = options.source() if options.source is not None else None
        channel = gateway.channel(CHANNEL, source, budget=options.budget) if source is not None else None
        run = agent.run(
            AgentTask(
                workspace=workspace.folder,
                brief=brief,
                home=place(shop.run, f"repair.{number}.home"),
                sandbox=shop.sandbox,
                model=options.model,
                channel=channel,
                limits=options.limits,
            )
        )
    shop.run.evidence().append("agent", {"iteration": number, "brief": brief, **run.as_document()})
    if run.outcome is AgentOutcome.EXHAUSTED:
        raise BudgetExhaustedError(run.reason)
    if run.outcome is AgentOutcome.STOPPED:
        raise StoppedError(run.reason)
    if run.outcome in (AgentOutcome.CRASH, AgentOutcome.INFRA_ERROR):
        raise AgentError(f"agent {agent.name} ({run.outcome.value}, {run.trouble.value}): {run.reason}")
    diff = changes(workspace, shop.trees)
    verdict, reason = None, ""
    if run.outcome is AgentOutcome.TIMEOUT:
        verdict, reason = Verdict.TIMEOUT, run.reason
    elif diff.empty:
        verdict, reason = Verdict.NO_CHANGE, run.reason or "the agent ended and nothing had changed"
    return Proposal(
        verdict=verdict,
        reason=reason,
        paths=tuple(path.decode(errors="replace") for path in diff.paths),
        patch=diff.unified(),
        run={
            "agent": run.agent,
            "version": run.version,
            "message": run.message,
            "usage": run.usage.as_document(),
        },
    )


def _gated(
    shop: Workshop,
    target: Target,
    workspace: Workspace,
    original: ContractSpec | None,
    proposal: Proposal,
    hints: list[Hint],
) -> Proposal:
    """The proposal after the gates: refused, or with a tree to try."""
    programs = [name for hint in hints if hint.role is Role.EVALUATE for name in hint.programs]
    diff = changes(workspace, shop.trees)
    refusals = refusals_of(workspace, diff, original, programs=programs)
    if refusals:
        reason = "; ".join(f"{one.where}: {one.text}" for one in refusals[:3])
        return replace(proposal, verdict=Verdict.REFUSED, reason=reason, refusals=tuple(refusals))
    parts = signed_parts(workspace, diff, proposal)
    return replace(proposal, tree=adopt(shop.run, shop.trees, target, workspace, parts))
