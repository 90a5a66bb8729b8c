"""`--require-samples`: whether samples are evidence of a measurement, each condition with a sentence of its
own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from honing.contract.samples.sample import JUDGED, Sample, SampleStatus, outcomes

ALIKE_FROM = 8
"""From so many tasks on, one and the same answer to all of them is no answer to any."""


def why_samples_fail(samples: Sequence[Sample], n_planned: int) -> str:
    """Why samples are no evidence of a measurement; empty where they are."""
    if not samples:
        return "--require-samples: the rollout left no samples"
    found = [sentence for check in _CHECKS if (sentence := check(samples, n_planned))]
    return f"--require-samples: {'; '.join(found)}" if found else ""


def _denominator(samples: Sequence[Sample], n_planned: int) -> str:
    lost = [one for one in samples if one.status not in JUDGED]
    if lost:
        counts = {name: count for name, count in outcomes(lost).items() if count}
        endings = ", ".join(f"{count} {name}" for name, count in counts.items())
        return f"{len(lost)} of {len(samples)} samples were not judged ({endings})"
    return f"{len(samples)} samples for {n_planned} planned" if len(samples) < n_planned else ""


def _reward(samples: Sequence[Sample], _: int) -> str:
    lacking = sum(one.reward is None and one.status in JUDGED for one in samples)
    if not lacking:
        return ""
    return (
        f"{lacking} of {len(samples)} samples have no reward (a grader of the target's own gives them with "
        "stages.evaluate.results)"
    )


def _prompt(samples: Sequence[Sample], _: int) -> str:
    empty = sum(not one.prompt.strip() for one in samples)
    return f"{empty} of {len(samples)} samples have an empty prompt" if empty else ""


def _completion(samples: Sequence[Sample], _: int) -> str:
    if any(one.completion.strip() for one in samples):
        return ""
    return f"all {len(samples)} completions are empty"


def _prompts_differ(samples: Sequence[Sample], _: int) -> str:
    tasks = len({one.id for one in samples})
    prompts = len({one.prompt for one in samples})
    if prompts >= tasks:
        return ""
    return f"{tasks} tasks share {prompts} prompts; each must ask something of its own"


def _completions_differ(samples: Sequence[Sample], _: int) -> str:
    answered = [one for one in samples if one.status is SampleStatus.COMPLETED and one.completion.strip()]
    tasks = {one.id for one in answered}
    targets = {one.target for one in answered}
    if len(tasks) < ALIKE_FROM or len({one.completion for one in answered}) > 1 or targets == {""}:
        return ""
    return f"all {len(answered)} completions are the same text" if len(targets) > 1 else ""


_CHECKS: tuple[Callable[[Sequence[Sample], int], str], ...] = (
    _denominator,
    _prompt,
    _completion,
    _reward,
    _prompts_differ,
    _completions_differ,
)
