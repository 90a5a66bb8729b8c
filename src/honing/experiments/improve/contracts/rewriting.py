"""The harness step: a search of the harness system, judged row by row on the search part alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.agents import AgentSettings
from honing.errors import BudgetExhaustedError, UsageError
from honing.experiments.improve.base import PanelTask, Proposal, Spending, Version
from honing.experiments.improve.contracts.measuring import Answers, Asker, is_deterministic
from honing.experiments.improve.contracts.prompt_folder import FILES, Names, PromptHarness
from honing.experiments.improve.contracts.row_task import RowTask
from honing.experiments.improve.desk import Desk
from honing.harness import (
    AgentChoice,
    Asked,
    Judging,
    OptimizeOptions,
    OptimizeResult,
    Project,
    Rules,
    Scope,
    optimize_project,
    resume,
)
from honing.harness import Spending as HarnessSpending
from honing.sandbox import remove_tree
from honing.store import TREES, Run, RunStatus, TreeId, TreeStore, write_atomic

RUN = Path("steps", "harness")
_WORK = Path("work", "baseline")
_BEGAN = Path("cache", "search-began.json")
_OBJECTIVE = (
    "A model is asked questions; these files are what it is told beside them. Change them so that it answers "
    "more of the questions right, also of those that you are not shown. `system.md` is the system prompt, "
    "`template.txt` stands around each question (with {prompt} exactly once), `harness.yaml` may set "
    "temperature, top_p and max_tokens. Any of them may be missing."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposers:
    """Who rewrites the harness."""

    agent: str = ""
    model: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the agent itself."""
    timeout_s: float | None = None
    """Wall-clock limit of one proposal."""
    installed: AgentSettings = field(default_factory=AgentSettings)
    """Where agents' programs are looked for."""

    def identity(self) -> dict[str, Any]:
        """What decides a search, as plain data."""
        return {"agent": self.agent, "model": self.model, "options": dict(self.options)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """What a search works on."""

    asker: Asker
    rows: tuple[PanelTask, ...]
    """Of the search part."""
    names: Names
    project: Project | None
    """A user's own project, whose rules and further tasks count; None for a plain folder."""
    proposers: Proposers
    content: str
    """Hash of the target."""


def rewritten(found: Searching, desk: Desk, version: Version, model: str, harness: PromptHarness) -> Proposal:
    """Search for a better harness.

    Args:
        found: What the search works on.
        desk: Of the loop, with the step's budget.
        version: Where the search begins.
        model: Its model, as it is asked.
        harness: Its harness, read.

    Raises:
        UsageError: The project or the agent cannot be used.
        BudgetExhaustedError: The step's share of tokens or money is spent.
    """
    began = _began(found.asker, desk)
    project = _project(found, desk, version, model, harness)
    result = _searched(project, found.proposers, desk)
    spend, asked = result.ledger.spend, _since(began, found.asker.totals(desk))
    spent = Spending(
        task_runs=spend.task_runs,
        calls=spend.calls + spend.task_runs,
        tokens=spend.tokens + asked.tokens,
        cost_usd=spend.cost_usd + asked.cost_usd,
        proposals=sum(each.id != result.baseline.id for each in result.ledger.candidates),
    )
    facts = _facts(result)
    if not result.improved or result.winner.tree is None:
        reason = f"none of {spent.proposals} proposals beat the harness on the search tasks"
        return Proposal(version=None, reason=reason, spent=spent, run=str(RUN), facts=facts)
    trees = _trees(result.run)
    return Proposal(
        version=Version(harness=_taken(trees, result.winner.tree, desk), model=version.model),
        control=_control(result, trees, desk, version),
        reason=f"the best of {spent.proposals} proposals: {result.winner.id}, {_gain(facts)}",
        spent=spent,
        run=str(RUN),
        facts=facts,
    )


def _searched(project: Project, proposers: Proposers, desk: Desk) -> OptimizeResult:
    folder = desk.run.path / RUN
    if (folder / "run.json").is_file() and Run.open(folder).status is RunStatus.DONE:
        return resume(Run.open(folder))
    asked = Asked(
        agent=proposers.agent,
        model=proposers.model,
        agent_options=proposers.options,
        timeout_s=proposers.timeout_s,
        proposals=desk.allowance.proposals,
        seed=desk.seed,
        sandbox=desk.sandbox,
        task_runs=desk.allowance.task_runs,
        tokens=desk.allowance.tokens,
        cost_usd=desk.allowance.cost_usd,
        wall_s=desk.allowance.wall_s,
    )
    options = OptimizeOptions(
        asked=asked,
        home=folder.parent,
        run_name=folder.name,
        installed=proposers.installed,
        endpoints=desk.endpoints,
        progress=lambda _: desk.progress("harness"),
        told=desk.told,
    )
    return optimize_project(project, options)


def _project(found: Searching, desk: Desk, version: Version, model: str, harness: PromptHarness) -> Project:
    """The user's project, or one made of the folder, with one task for each row of the search part."""
    baseline = desk.run.artifact(_WORK)
    remove_tree(baseline)
    TreeStore(desk.home / TREES).materialise(TreeId(version.harness), baseline)
    deterministic = is_deterministic(harness, model)
    ask = _asking(found, desk, model)
    tasks = tuple(
        RowTask(
            row=row.id,
            digest=row.digest,
            names=found.names,
            ask=ask,
            words={"target": found.content, "model": version.model},
            deterministic=deterministic,
        )
        for row in found.rows
    )
    if found.project is not None:
        own = tuple(task for task in found.project.tasks if task.identity().get("type") != "contract")
        judging = replace(found.project.judging, racing=False)
        return replace(found.project, baseline=baseline, tasks=(*tasks, *own), held_out=(), judging=judging)
    return Project(
        folder=desk.run.path,
        file=desk.run.path / "run.json",
        name="harness of a loop",
        objective=_OBJECTIVE,
        baseline=baseline,
        rules=Rules(scope=tuple(Scope(name, "prompt") for name in FILES)),
        tasks=tasks,
        # All rows of a candidate are asked together: stopping a race early would save nothing.
        judging=Judging(racing=False),
        agent=AgentChoice(name=found.proposers.agent or "codex"),
        spending=HarnessSpending(proposals=desk.allowance.proposals),
        seed=desk.seed,
    )


def _asking(found: Searching, desk: Desk, model: str) -> Any:
    ids = [row.id for row in found.rows]
    began = _began(found.asker, desk)

    def ask(harness: PromptHarness, seed: int) -> Answers:
        spent = _since(began, found.asker.totals(desk))
        for name, limit, used in (
            ("tokens", desk.allowance.tokens, spent.tokens),
            ("US dollars", desk.allowance.cost_usd, spent.cost_usd),
        ):
            if limit is not None and used >= limit:
                raise BudgetExhaustedError(
                    f"The harness step's share of {limit:g} {name} is spent ({used:g} on asking the model). "
                    "With a larger budget the same call goes on."
                )
        return found.asker.ask(desk, harness, model, ids, seed)

    return ask


def _began(asker: Asker, desk: Desk) -> Spending:
    """What asking had cost when the search began, in whichever session that was."""
    file = desk.run.path / _BEGAN
    if not file.is_file():
        now = asker.totals(desk)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps({"tokens": now.tokens, "cost_usd": now.cost_usd}).encode())
    return Spending(**json.loads(file.read_bytes()))


def _since(began: Spending, now: Spending) -> Spending:
    return Spending(tokens=now.tokens - began.tokens, cost_usd=now.cost_usd - began.cost_usd)


def _control(result: OptimizeResult, trees: TreeStore, desk: Desk, version: Version) -> Version | None:
    """What the control arm found; the harness as it was where it found nothing."""
    name = result.final["control_winner"]
    winner = next((each for each in result.ledger.candidates if each.id == name), None)
    if winner is None:
        return None
    if winner.tree is None or winner.id == result.baseline.id:
        return version
    return Version(harness=_taken(trees, winner.tree, desk), model=version.model)


def _taken(trees: TreeStore, tree: str, desk: Desk) -> str:
    """A candidate's tree, in the store of the folder of runs."""
    folder = desk.run.artifact("work/taken")
    remove_tree(folder)
    trees.materialise(TreeId(tree), folder)
    return TreeStore(desk.home / TREES).snapshot(folder, again=False)


def _trees(run: Run) -> TreeStore:
    return TreeStore(run.path.parent / TREES)


def _facts(result: OptimizeResult) -> dict[str, Any]:
    """What a reader may want to see, without what differs between two equal runs."""
    gain = result.final["comparisons"]["gain"]
    return {
        "search_gain": None if gain is None else {name: gain[name] for name in ("estimate", "low", "high")},
        "outcomes": {way.value: count for way, count in result.ledger.counts().items() if count},
        "changed": list(result.winner.changed),
    }


def _gain(facts: Mapping[str, Any]) -> str:
    gain = facts["search_gain"]
    return (
        "its gain on the search tasks unknown"
        if gain is None
        else f"{gain['estimate']:+.3f} on the search tasks"
    )


def known_agent(proposers: Proposers, project: Project | None) -> None:
    """Refuse a loop whose harness step nobody can make.

    Raises:
        UsageError: No agent is named.
    """
    if not proposers.agent and project is None:
        raise UsageError(
            "Who rewrites the harness? Give --agent NAME (codex, claude_code, scripted:FILE ...), or "
            "--budget 0 to leave the harness as it is."
        )
