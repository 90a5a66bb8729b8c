"""A ledger as one document: what `hone harness ledger --json` prints and a finished run keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from honing.harness.candidate import Arm, Outcome
from honing.harness.ledger.base import Ledger, estimate_of
from honing.harness.ledger.rows import ledger_rows

SCHEMA = 1


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """Where a run stands, what it spent, and a row for each candidate, as plain data."""
    return {
        "schema": SCHEMA,
        "run_id": ledger.run_id,
        "run_name": ledger.name,
        "benchmark_name": ledger.facts.project,
        "status": ledger.status.value,
        "reason": ledger.reason,
        "progress": progress_of(ledger),
        "spend": asdict(ledger.spend),
        "candidates": ledger_rows(ledger),
        "damage": list(ledger.damage),
    }


def progress_of(ledger: Ledger) -> dict[str, Any]:
    """How far a run has come, by arm: proposals made, planned and under way, who leads and by what."""
    arms = [Arm.SEARCH, Arm.CONTROL] if ledger.facts.control else [Arm.SEARCH]
    return {arm.value: _progress(ledger, arm) for arm in arms}


def _progress(ledger: Ledger, arm: Arm) -> dict[str, Any]:
    best = ledger.best(arm)
    letter = "c" if arm is Arm.SEARCH else "b"
    return {
        "made": len(ledger.arm(arm)),
        "planned": ledger.facts.proposals,
        "running": [name for name in ledger.running if name.startswith(letter)],
        "best": best.id if best is not None else None,
        "best_objective": best.score if best is not None else None,
        "best_estimate": estimate_of(best) if best is not None else None,
        "outcomes": {way.value: count for way, count in ledger.counts(arm).items() if count},
        "kept": ledger.counts(arm)[Outcome.KEEP],
    }
