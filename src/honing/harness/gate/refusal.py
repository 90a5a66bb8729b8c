"""Why a candidate is not run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from honing.harness.candidate import Outcome
from honing.sandbox import sanitise

MOST_SHOWN = 20
_SHOWN_CHARACTERS = 200
_IN_SENTENCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One outcome with its reason. Safe to print and to show to the next proposer."""

    outcome: Outcome
    sentence: str
    offending: tuple[str, ...] = ()
    """Paths, classes or descriptions of phrases; sanitised, at most MOST_SHOWN and a count of the rest."""


def refusal(outcome: Outcome, why: str, offending: Iterable[str], *, advice: str = "") -> Refusal:
    """A refusal whose sentence names the first of what broke the rule.

    Args:
        outcome: Which rule.
        why: Start of the sentence, without what broke it.
        offending: What broke it; sorted and sanitised here.
        advice: End of the sentence.
    """
    found = [sanitise(name).replace("\n", "\\n")[:_SHOWN_CHARACTERS] for name in sorted(set(offending))]
    first = ", ".join(found[:_IN_SENTENCE]) + (
        f" and {len(found) - _IN_SENTENCE} more" if len(found) > _IN_SENTENCE else ""
    )
    kept = found[:MOST_SHOWN] + (
        [f"... and {len(found) - MOST_SHOWN} more"] if len(found) > MOST_SHOWN else []
    )
    sentence = f"{why}: {first}" if first else why
    return Refusal(
        outcome=outcome,
        sentence=f"{sentence}. {advice}".strip() if advice else sentence,
        offending=tuple(kept),
    )
