"""What the end of a run found on the held-out tasks, as far as it is there."""

from __future__ import annotations

from honing.harness.candidate import Candidate
from honing.harness.candidate_document import evaluation_from
from honing.harness.ledger.base import Ledger
from honing.harness.tasks.base import Evaluation


def held_out_evaluation(ledger: Ledger, candidate: Candidate | None) -> Evaluation | None:
    """The runs of the held-out tasks on one candidate; None where it was not tried on them."""
    if candidate is None or ledger.final is None:
        return None
    found = ledger.final.get("held_out", {}).get(candidate.id)
    return None if found is None else evaluation_from(found, where=f"held out, {candidate.id}")
