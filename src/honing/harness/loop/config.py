"""What `run.json` of a harness run holds, and the names of its steps in the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from honing.harness.project import Control, Project
from honing.harness.tasks.base import Task
from honing.store import TreeId, digest

KIND = "harness"
"""Kind of the runs."""

BASELINE = "baseline"
"""Step of one unit; its result is the baseline's document (`candidate_document`)."""
CANDIDATES = "candidates"
"""Step with one unit for each slot of each arm, in turn: inputs `{"arm": ..., "slot": ...}`, results the
documents of candidates."""
FINAL = "final"
"""Step of one unit; its result is the document that `held_out.py` describes."""
PROPOSALS = "proposals"
"""Step of nested results: what asking the agent led to, by arm and slot."""

CONTRACTS = Path("cache", "contracts")
"""Folder of a run in which contracts are measured."""

PAGE = "report.html"
ARTIFACTS = ("ledger.json", "ledger.tsv", "summary.json", "best.patch", "best", "report.json", "report.html")
"""What a finished run holds beside `run.json`, journal and evidence."""

_NO_IDENTITY = frozenset({"folder", "file", "limits", "asked"})
"""Parts of a config in which two sessions of one run may differ."""


def config_of(
    project: Project, baseline: TreeId, *, sandbox: str, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that decides a run, as plain data. Held-out tasks are in it as one hash.

    Args:
        project: With the choices of this run applied.
        baseline: The harness as it is.
        sandbox: As it was asked for.
        asked: The choices themselves, from which `resume` makes the same request.
    """
    judging, search, agent, spending = project.judging, project.search, project.agent, project.spending
    return {
        "project": project.name,
        "folder": str(project.folder),
        "file": str(project.file),
        "objective": project.objective,
        "constraints": list(project.constraints),
        "baseline": baseline,
        "rules": digest(_rules(project)),
        "tasks": {task.id: digest(_task(task)) for task in project.tasks},
        "held_out": digest([_task(task) for task in project.held_out]) if project.held_out else "",
        "held_out_tasks": len(project.held_out),
        "agent": agent.name,
        "model": agent.model,
        "agent_options": dict(agent.options),
        "proposal_timeout_s": agent.timeout_s,
        "proposals": spending.proposals,
        "control": search.control is not Control.NONE,
        "search": search.name,
        "search_options": dict(search.options),
        "in_flight": search.in_flight,
        "rule": judging.rule.value,
        "repeats": judging.repeats,
        "level": judging.level,
        "judging": _plain(judging),
        "trace": _hash_of_trace(project),
        "seed": project.seed,
        "sandbox": sandbox,
        "limits": {
            "task_runs": spending.task_runs,
            "tokens": spending.tokens,
            "cost_usd": spending.cost_usd,
            "wall_s": spending.wall_s,
        },
        "asked": dict(asked),
    }


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """What makes two configs different runs: one line for each part, empty where they are the same."""
    return _differing(found, wanted, (found.keys() | wanted.keys()) - _NO_IDENTITY)


def _differing(found: Mapping[str, Any], wanted: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    lines: list[str] = []
    for name in sorted(names):
        was, now = found.get(name), wanted.get(name)
        if was == now:
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            lines += [f"{name}.{line}" for line in _differing(was, now, was.keys() | now.keys())]
        else:
            lines.append(f"{name} was {_shown(was)}, is {_shown(now)}")
    return lines


def _plain(record: Any) -> dict[str, Any]:
    """A flat record as plain data: every field of it decides the run."""
    found = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in found.items()}


def _rules(project: Project) -> dict[str, Any]:
    scope = [[each.path, each.kind] for each in project.rules.scope]
    return {**_plain(project.rules), "scope": scope, "legacy": project.legacy}


def _task(task: Task) -> dict[str, Any]:
    return {"id": task.id, "weight": task.weight, "cascade": task.cascade.value, **task.identity()}


def _hash_of_trace(project: Project) -> str:
    return digest(project.trace.read_text("utf-8", "replace")) if project.trace is not None else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
