"""What a run would do and may cost at most, before anything is done."""

from __future__ import annotations

import math
from typing import Any

from honing.harness.loop.slots import slots_of
from honing.harness.project import Control, KeepRule, Project
from honing.harness.request import OptimizeOptions, decided, workers_of


def forecast(project: Project, options: OptimizeOptions) -> dict[str, Any]:
    """Counts and bounds of one run. Nothing is run, asked or written.

    Raises:
        UsageError: The options cannot be used.
    """
    project = decided(project, options)
    judging, spending = project.judging, project.spending
    proposals = len(list(slots_of(project)))
    once, each_seed = _counts(project, held_out=False)
    retest = judging.retest_repeats or judging.repeats
    retests = 2 * each_seed * retest if each_seed and judging.rule is not KeepRule.ONCE else 0
    final = judging.final_repeats or judging.repeats
    sealed_once, sealed_seed = _counts(project, held_out=True)
    looked_at = 2 if project.search.control is Control.NONE else 3
    one = once + each_seed * judging.repeats
    last = looked_at * (each_seed * final + sealed_once + sealed_seed * final)
    most = one + proposals * (one + retests) + last
    workers = workers_of(project, options)
    agents_s = math.ceil(proposals / workers) * project.agent.timeout_s
    return {
        "project": project.name,
        "agent": project.agent.name if options.agent is None else options.agent.name,
        "model": project.agent.model,
        "search": project.search.name,
        "control": project.search.control.value,
        "proposals": proposals,
        "workers": workers,
        "task_runs_each": one,
        "task_runs_at_most": most if spending.task_runs is None else min(most, spending.task_runs),
        "held_out_tasks": len(project.held_out),
        "agents_s_at_most": agents_s,
        "tokens_at_most": spending.tokens,
        "cost_usd_at_most": spending.cost_usd,
        "wall_s_at_most": spending.wall_s,
        "notes": list(project.notes),
    }


def _counts(project: Project, *, held_out: bool) -> tuple[int, int]:
    """Task runs of one evaluation: those made once, and those made under every seed."""
    tasks = project.held_out if held_out else project.tasks
    once = sum(task.deterministic for task in tasks)
    return once, len(tasks) - once
