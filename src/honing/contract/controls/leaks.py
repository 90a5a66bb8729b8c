"""Whether prompts tell the right answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from honing.contract.controls.gold import Gold
from honing.contract.samples.sample import Sample
from honing.contract.scorers.answers import marked_answer

LEAKS_FROM = 0.5
"""Share of the tasks whose prompt must tell their gold. A prompt that holds another task's answer now and
then, or the same examples every time, is no leak."""
_MARK = r"\b(?:answer|gold|solution|label|target|correct|truth|reference|expected)\w*\W{0,15}?"


def why_prompts_leak(samples: Sequence[Sample], gold: Gold) -> str:
    """Why the prompts tell what is asked for; empty where they do not.

    Only the first prompt about each task counts: a later one may quote what the model itself answered.

    Args:
        samples: Of a rollout, in the order in which they were asked.
        gold: Right answers by task.
    """
    first: dict[str, str] = {}
    for sample in samples:
        if sample.id in gold.right:
            first.setdefault(sample.id, sample.prompt)
    others = _other_golds(gold, list(first))
    told = [one for one in first if _tells(first[one], gold.right[one])]
    by_chance = [one for one in first if one in others and _tells(first[one], others[one])]
    if not told or len(told) < LEAKS_FROM * len(first) or 4 * len(by_chance) > len(told):
        return ""
    shown = _fold(gold.right[told[0]])[:60]
    return (
        f"the prompt of {len(told)} of {len(first)} tasks tells its right answer (task {told[0]!r} is shown "
        f"{shown!r} as its answer)"
    )


def _tells(prompt: str, right: str) -> bool:
    """Whether a prompt announces a text as the answer, or holds a whole worked solution."""
    text = right.strip()
    if marked_answer(text) is not None:
        return _fold(text) in _fold(prompt)
    return bool(text) and re.search(_MARK + re.escape(text) + r"(?!\w)", prompt, re.IGNORECASE) is not None


def _fold(text: str) -> str:
    return " ".join(text.split())


def _other_golds(gold: Gold, asked: Sequence[str]) -> dict[str, str]:
    """For each task the next different right answer of another."""
    others = {}
    for index, one in enumerate(asked):
        rest = (*asked[index + 1 :], *asked[:index])
        found = next((gold.right[other] for other in rest if gold.right[other] != gold.right[one]), None)
        if found is not None:
            others[one] = found
    return others
