"""Harness runs made by hand for tests of reading: a real run folder, a real journal, candidates as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.executors import InlineExecutor, run_map
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.candidate_document import candidate_document
from honing.harness.loop.config import BASELINE, CANDIDATES, FINAL, KIND
from honing.store import Run

CONFIG: dict[str, Any] = {
    "project": "ticket-router",
    "folder": "/projects/ticket-router",
    "objective": "Route tickets to the right team.",
    "agent": "scripted",
    "model": "",
    "agent_options": {},
    "proposal_timeout_s": 240.0,
    "proposals": 4,
    "control": True,
    "search": "greedy",
    "rule": "fresh",
    "in_flight": 1,
    "repeats": 1,
    "level": 0.95,
    "sandbox": "auto",
    "tasks": {"title": "1" * 64, "tests": "2" * 64, "setup": "3" * 64},
    "held_out": "4" * 64,
    "held_out_tasks": 3,
    "seed": 7,
}
"""As `config_of` writes it."""


def made_run(
    root: Path,
    candidates: Sequence[Candidate],
    *,
    name: str = "run",
    final: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Run:
    """A run whose journal holds these candidates, each in the unit of its slot."""
    run = Run.create(root, kind=KIND, config=CONFIG | dict(config or {}), command=["hone"], seed=7, name=name)
    add_candidates(run, candidates, final=final)
    return run


def add_candidates(
    run: Run, candidates: Sequence[Candidate], *, final: Mapping[str, Any] | None = None
) -> None:
    """Work on a run until these candidates are in its journal, and what the end found where it is given."""
    documents = {each.id: candidate_document(each) for each in candidates}
    first = [each for each in candidates if each.outcome is Outcome.BASELINE]
    slots = [
        {"arm": arm.value, "slot": slot}
        for slot in range(1, int(run.config["proposals"]) + 1)
        for arm in ([Arm.SEARCH, Arm.CONTROL] if run.config["control"] else [Arm.SEARCH])
    ]
    names = [f"{'c' if unit['arm'] == 'search' else 'b'}{unit['slot']:04d}" for unit in slots]
    units = [unit | {"id": name} for unit, name in zip(slots, names, strict=True)]
    executor = InlineExecutor()
    with run.supervise():
        run_map(run, BASELINE, lambda _: documents[first[0].id], [{}] if first else [], executor=executor)
        made = [unit for unit in units if unit["id"] in documents]
        run_map(run, CANDIDATES, lambda unit: documents[unit["id"]], made, executor=executor)
        with run.journal() as journal:
            journal.begin_step(CANDIDATES, len(units))
        if final is not None:
            run_map(run, FINAL, lambda _: dict(final), [{}], executor=executor)
