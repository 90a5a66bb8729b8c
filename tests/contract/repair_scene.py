"""A broken target, and what an agent's patch of its contract looks like."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.agents import Agent, AgentTask, ScriptedAgent
from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.contract.repair.base import REPAIR, RepairOptions
from honing.contract.session import EvaluationResult

README = """\
# Sums

Ask a model every question, then judge:

```sh
python3 ask.py
python3 grade.py
```
"""
BROKEN = """\
schema: 1
name: sums
oracle: {file: oracle.jsonl}
stages:
  rollout: {commands: [python3 ask.py]}
  evaluate: {commands: [python3 grade.py]}
"""
"""The rollout names a file that is not there: it is called run.py."""
MENDED = BROKEN.replace("ask.py", "run.py")
SCAFFOLD = (
    MENDED
    + """\
provenance:
  - {part: stages.evaluate, by: agent, anchor: "README.md:7", why: the README judges with it}
  - {part: oracle, by: agent, anchor: "oracle.jsonl:1", why: the answers the target brings}
"""
)
FULL = RolloutOptions(mode=Mode.FULL)
PATH = ".honing/contract.yaml"
LLM = "scripted/perfect"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a measurement with repair came to."""

    result: EvaluationResult
    repair: dict[str, Any]
    run: Path
    contract: Any

    @property
    def verdicts(self) -> list[str]:
        return [one["verdict"] for one in self.repair["iterations"]]


def measured(target: Path, home: Path, agent: Agent, *, iterations: int = 3) -> Measured:
    """Measure a target, mended by an agent where it must be."""
    options = RepairOptions(agent=agent, iterations=iterations, measured=LLM, asked=FULL)
    return measured_with(target, home, options)


def measured_with(target: Path, home: Path, repair: RepairOptions) -> Measured:
    with setup(target, SetupOptions(home=home), repair=repair) as session:
        session.rollout(LLM, FULL)
        result = session.evaluate()
        run = session.run
        return Measured(result=result, repair=run.read_json(REPAIR), run=run.path, contract=session.contract)


def without_contract(target: Path) -> Path:
    shutil.rmtree(target / ".honing")
    return target


def in_turn(*edits: dict[str, str | None]) -> ScriptedAgent:
    """An agent that makes one set of edits after the other, the last again and again."""
    remaining = list(edits)

    def next_edits(_: AgentTask) -> dict[str, str | None]:
        return remaining.pop(0) if len(remaining) > 1 else remaining[0]

    return ScriptedAgent(next_edits)


def listening(briefs: list[str], edits: Callable[[], dict[str, str | None]]) -> ScriptedAgent:
    """An agent that keeps what it is told, and what it finds."""

    def read(task: AgentTask) -> dict[str, str | None]:
        names = sorted(
            path.relative_to(task.workspace).as_posix()
            for path in task.workspace.rglob("*")
            if path.is_file()
        )
        briefs.append(task.brief + "\nFILES " + " ".join(names))
        return edits()

    return ScriptedAgent(read)


INSTALLED = Path(
    os.environ.get("HONING_AGENTS")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "honing", "agents")
)
