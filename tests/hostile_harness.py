"""A harness run made of texts that attack: what an agent said and did, task ids, files and their diffs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness_candidates import agent, baseline, evaluation, kept, proposed
from harness_runs import made_run
from honing.harness.candidate import Arm, Outcome, Proposal
from honing.harness.candidate_document import evaluation_document
from honing.store import TREES, Run, TreeStore
from hostile_runs import ALL, FORMULAS, SCRIPTS


def hostile_harness_run(home: Path) -> Run:
    """A finished run whose candidates, tasks, agent and diffs are hostile."""
    home.mkdir(parents=True, exist_ok=True)
    store = TreeStore(home / TREES)
    trees = []
    for number, text in enumerate((b"one\n", ALL.encode("utf-8", "surrogatepass") + b"\n")):
        folder = home.parent / f"harness-{number}"
        folder.mkdir()
        (folder / "AGENTS.md").write_bytes(text)
        # A path may hold anything but a slash and a zero byte.
        (folder / "<img src=x onerror=alert(1)>\x1b[31m=cmd").write_bytes(text)
        trees.append(store.snapshot(folder))
    tasks = {text: float(number % 2) for number, text in enumerate((ALL, *FORMULAS))}
    said: dict[str, Any] = {
        **agent(),
        **dict.fromkeys(("agent", "version", "outcome", "trouble", "reason", "sandbox"), ALL),
    }
    proposal = Proposal(tree=trees[1], agent=said, manifest={ALL: ALL}, manifest_problem=ALL)
    made = [
        replace(baseline(tasks), tree=trees[0], sentence=ALL),
        kept(1, dict.fromkeys(tasks, 1.0), tree=trees[1], proposal=proposal, changed=(ALL,), note=ALL),
        proposed(2, Outcome.SCOPE_VIOLATION, offending=(ALL,), sentence=SCRIPTS[0], proposal=proposal),
        proposed(3, Outcome.CRASH, sentence=ALL, note=ALL, proposal=proposal),
        proposed(1, Outcome.DISCARD, arm=Arm.CONTROL, evaluation=evaluation(tasks), sentence=FORMULAS[0]),
    ]
    sealed = {name: evaluation_document(evaluation(tasks)) for name in ("c0000", "c0001")}
    final = {"winner": "c0001", "control_winner": "b0001", "held_out": sealed}
    config = {"project": ALL, "objective": ALL, "agent": ALL, "model": ALL, "sandbox": ALL, "search": ALL}
    return made_run(home, made, final=final, config=config)
