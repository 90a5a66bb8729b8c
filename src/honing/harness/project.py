"""A harness project, ready to run: what is improved, who may change what, how it is judged, what it may cost.

Files are read by `project_file` (honing.yaml) and `legacy` (metaharness.json); both give this record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from honing.harness.tasks.base import Task

TRANSIENT = (
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "*.pyc",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".cache",
    ".git",
    ".DS_Store",
)
"""Names (patterns) that are never part of a candidate, whoever wrote them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One place that a candidate may change."""

    path: str
    """A file, a folder (with everything in it), or a pattern; relative to the harness."""
    kind: str = ""
    """Class of what lies there: prompt, tool_desc, tool_impl, middleware, skill, subagent, memory, other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a candidate may change, and what it must not know."""

    scope: tuple[Scope, ...] = ()
    """Empty: everything."""
    single_class: bool = False
    """Whether one candidate may change files of one class only."""
    required: tuple[str, ...] = ()
    """Files that every candidate must have."""
    transient: tuple[str, ...] = TRANSIENT
    leakage: bool = True
    """Whether changed files are searched for ids of tasks and for forbidden phrases."""
    forbidden: tuple[str, ...] = ()
    """Phrases that a changed file must not hold."""
    largest_bytes: int = 50 * 1024 * 1024
    """Of a candidate in all; more is a scope violation."""


class Control(StrEnum):
    """The arm that runs beside the search."""

    BEST_OF_N = "best_of_n"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """How parents are chosen and how far ahead proposals run."""

    name: str = "greedy"
    """greedy, frontier, islands, restarts or best_of_n."""
    in_flight: int = 1
    """Proposals under way at a time: slot k knows the slots up to k - in_flight and no others, so the ledger
    is the same at any number of workers."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the search itself (islands: 3, restart_after: 5 ...)."""
    control: Control = Control.BEST_OF_N


class KeepRule(StrEnum):
    """When a gain over the parent is believed, in projects with tasks that are not deterministic. Where all
    are, one evaluation settles it and the rule is not asked. docs/harness-search.md has the evidence."""

    FRESH = "fresh"
    """It shows again on fresh seeds: the fresh difference exceeds the margin."""
    BOUND = "bound"
    """The lower limit of the fresh difference exceeds the margin, at a level that all re-tests together keep.
    Almost nothing false is kept, and of what is true much is lost."""
    ONCE = "once"
    """The first difference exceeds the margin; nothing is tested again. What is kept is mostly luck where
    tasks are noisy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """How a candidate is evaluated and when its gain is believed."""

    repeats: int = 1
    """Seeds of every task that is not deterministic; the same for a candidate and its parent."""
    retest_repeats: int = 0
    """Fresh seeds before a candidate is kept; 0: as many as `repeats` where a task is not deterministic."""
    final_repeats: int = 0
    """Seeds of the held-out tasks; 0: as `repeats`."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Least mean score by step of the cascade below which the rest is not run; for steps not named, 0."""
    racing: bool = True
    """Whether a candidate that can no longer beat its parent is stopped early."""
    racing_error: float = 0.2
    """Chance, at most, with which racing stops a candidate that is as good as its parent, where tasks are not
    deterministic. Larger spends fewer task runs, smaller loses fewer proposals."""
    rule: KeepRule = KeepRule.FRESH
    margin: float = 0.0
    """Gain that a candidate has to exceed."""
    level: float = 0.95
    """Confidence of intervals and of re-tests."""
    task_timeout_s: float = 600.0
    """Wall-clock limit of each command of a task that names none of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChoice:
    """Who proposes."""

    name: str = "codex"
    model: str = ""
    timeout_s: float = 240.0
    """Wall-clock limit of one proposal. Its whole process tree is killed at the limit."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the agent itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What one run may spend. None: no limit."""

    proposals: int = 3
    """Of each arm."""
    task_runs: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    wall_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Everything that decides a harness run."""

    folder: Path
    """Where the project lies. Never written to, other than runs below it in projects of the predecessor."""
    file: Path
    """What it was read from."""
    name: str
    objective: str
    constraints: tuple[str, ...] = ()
    baseline: Path
    """The harness as it is: a folder. Never written to."""
    rules: Rules = Rules()
    tasks: tuple[Task, ...]
    """What candidates are searched by. Ids differ."""
    held_out: tuple[Task, ...] = ()
    """Run once, at the end; unreachable and unnamed before."""
    search: SearchSettings = SearchSettings()
    judging: Judging = Judging()
    agent: AgentChoice = AgentChoice()
    agents: Mapping[str, AgentChoice] = field(default_factory=dict)
    """What the project says about further agents, by name: used where a run chooses one of them."""
    spending: Spending = Spending()
    trace: Path | None = None
    """A file of evidence (traces of the harness at work) shown to the proposer."""
    solution: Path | None = None
    """A folder laid over the harness by the agents `scripted` and `oracle`; None where there is none."""
    runs: Path | None = None
    """Folder that this project's runs go to; None: where the user's runs go."""
    legacy: bool = False
    """Whether it is a metaharness.json project, whose proposers look for `.metaharness/`."""
    seed: int = 0
    notes: tuple[str, ...] = ()
    """What was passed over when its file was read, one sentence each: to be shown."""

    def choice_of(self, agent: str) -> AgentChoice:
        """What the project says about an agent, nothing but its name where it says nothing; dashes are as
        good as underscores."""
        if agent.replace("-", "_") in ("", self.agent.name):
            return self.agent
        known = self.agents.get(agent) or self.agents.get(agent.replace("-", "_"))
        return known or AgentChoice(name=agent)
