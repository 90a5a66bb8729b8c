"""How a run ended, for its caller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from honing.errors import StoreError
from honing.harness.candidate import Candidate
from honing.harness.ledger import Ledger, unjudged_of
from honing.harness.loop.config import PAGE
from honing.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeResult:
    """How a run ended."""

    run: Run
    ledger: Ledger
    """Every candidate of both arms."""
    final: Mapping[str, Any]
    """What the last look found; see `held_out.py`."""
    baseline: Candidate
    winner: Candidate
    """The best of the search; the baseline where nothing was kept."""

    @property
    def improved(self) -> bool:
        """Whether the search found something better than the baseline."""
        return bool(self.final["improved"])

    @property
    def score(self) -> float | None:
        """The winner's score on fresh seeds: free of the luck that led to its selection."""
        found: float | None = self.final["estimate"]["fresh"]
        return found


def result_of(run: Run, ledger: Ledger) -> OptimizeResult:
    """The result of a run that is done, from its ledger.

    Raises:
        StoreError: The ledger is damaged, so that there is none.
    """
    baseline, winner = ledger.baseline, ledger.best()
    if baseline is None or winner is None or ledger.final is None:
        why = " ".join(ledger.damage) or "its journal holds no end of the run."
        raise StoreError(f"{run.path}: the result cannot be read: {why}")
    return OptimizeResult(run=run, ledger=ledger, final=ledger.final, baseline=baseline, winner=winner)


def result_document(result: OptimizeResult) -> dict[str, Any]:
    """The result as plain data: what `hone harness run --json` prints."""
    ledger, final = result.ledger, result.final
    control = final["control_winner"]
    return {
        "run": str(result.run.path),
        "name": ledger.name,
        "project": ledger.facts.project,
        "agent": ledger.facts.agent,
        "model": ledger.facts.model,
        "improved": result.improved,
        "noisy": bool(final["fresh"]),
        "baseline": _shown(result.baseline),
        "winner": _shown(result.winner),
        "control": next((_shown(each) for each in ledger.candidates if each.id == control), None),
        "estimate": final["estimate"],
        "comparisons": final["comparisons"],
        "unjudged": unjudged_of(ledger),
        "outcomes": {way.value: count for way, count in ledger.counts().items() if count},
        "spend": asdict(ledger.spend),
        "unconfined": ledger.unconfined,
        "page": str(result.run.path / PAGE),
    }


def _shown(candidate: Candidate) -> dict[str, Any]:
    return {
        "id": candidate.id,
        "score": candidate.score,
        "tree": candidate.tree,
        "parents": list(candidate.parents),
        "changed": list(candidate.changed),
    }
