"""Numbers in sentences."""

from __future__ import annotations

from honing.teach.verdicts.base import Claim, Finding, Verdict, holds


def said(found: Finding) -> str:
    """An effect with its interval, n and p: "0.310 [0.220, 0.400], n = 160, p = 0.001"."""
    if found.effect is None:
        return "not measured"
    parts = [f"{found.effect:.3f}"]
    if found.low is not None and found.high is not None:
        parts[0] += f" [{found.low:.3f}, {found.high:.3f}]"
    if found.n is not None:
        parts.append(f"n = {found.n}")
    if found.p is not None:
        parts.append(f"p = {found.p:.3g}")
    return ", ".join(parts)


def claim(
    name: str, topic: str, words: tuple[str, str], found: Finding, verdict: Verdict, *, note: str = ""
) -> Claim:
    """A claim whose sentence ends in its numbers.

    Args:
        name: Its id.
        topic: See `Claim.topic`.
        words: What was to be shown, and what the effect is.
        found: The number.
        verdict: What it decides.
        note: What a reader must know.
    """
    claimed, effect = words
    if found.effect is None:
        sentence = f"Not decided: {claimed} {effect[:1].upper()}{effect[1:]} was not measured."
        return Claim(
            id=name, topic=topic, sentence=sentence, claimed=claimed, found=found, holds=None, note=note
        )
    how = {
        Verdict.SUPPORTED: "Holds",
        Verdict.NOT_SUPPORTED: "Does not hold",
        Verdict.NOT_DECIDED: "Not decided",
    }[verdict]
    return Claim(
        id=name,
        topic=topic,
        sentence=f"{how}: {claimed} {effect[:1].upper()}{effect[1:]}: {said(found)} ({found.test}).",
        claimed=claimed,
        found=found,
        holds=holds(verdict),
        note=note,
    )
