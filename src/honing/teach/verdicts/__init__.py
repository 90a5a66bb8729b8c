"""What a study's artifacts say: hypotheses H1 to H7 and the claims, each with its numbers."""

from honing.teach.verdicts.base import Claim, Finding, Hypothesis, Verdict
from honing.teach.verdicts.sentences import claims
from honing.teach.verdicts.testing import hypotheses

__all__ = ["Claim", "Finding", "Hypothesis", "Verdict", "claims", "hypotheses"]
