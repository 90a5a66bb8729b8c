"""Rules that exclude actions: what led nowhere is not done again. They give way where nothing would be
left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from honing.learn.acting.harness import ActingHarness
from honing.learn.policy import Situation


def ruled(harness: ActingHarness, situation: Situation, logprobs: Sequence[float]) -> tuple[float, ...]:
    """A distribution after the rules and the temperature of a harness.

    Args:
        harness: Whose rules.
        situation: Where.
        logprobs: Shape (A,), natural. All -inf (no valid action was named) stays so.

    Returns:
        Normalised over the actions, shape (A,).
    """
    out = excluded(harness, situation)
    left = [
        -math.inf if action in out else value
        for action, value in zip(situation.actions, logprobs, strict=True)
    ]
    return tempered(left if max(left) > -math.inf else logprobs, harness.temperature)


def excluded(harness: ActingHarness, situation: Situation) -> frozenset[str]:
    """The actions that the rules of a harness exclude in a situation."""
    found: set[str] = set()
    if harness.loop_breaker:
        found |= _repeated(situation, harness.loop_breaker)
    if harness.retry:
        found |= _tried(situation, harness.retry)
    return frozenset(found)


def tempered(logprobs: Sequence[float], temperature: float) -> tuple[float, ...]:
    """A distribution raised to 1 / temperature and normalised; at 0 the likeliest action, the first of
    equals, has all of it."""
    best = max(range(len(logprobs)), key=lambda index: logprobs[index])
    highest = logprobs[best]
    if highest == -math.inf:
        return tuple(logprobs)
    if temperature == 0:
        return tuple(0.0 if index == best else -math.inf for index in range(len(logprobs)))
    scaled = [(value - highest) / temperature for value in logprobs]
    total = math.log(math.fsum(math.exp(value) for value in scaled))
    return tuple(value - total for value in scaled)


def _repeated(situation: Situation, times: int) -> set[str]:
    """The action that was just taken so many times in a row while nothing else was seen."""
    last = list(_remembered(situation))[-times:]
    alike = len(last) == times and len({action for _, action in last}) == 1
    unmoved = all(observation == situation.observation for observation, _ in last)
    return {last[0][1]} if alike and unmoved else set()


def _tried(situation: Situation, times: int) -> set[str]:
    """The actions that were taken so many times where the same was seen as now."""
    here = [action for observation, action in _remembered(situation) if observation == situation.observation]
    return {action for action in here if here.count(action) >= times}


def _remembered(situation: Situation) -> Iterator[tuple[str, str]]:
    """What was seen and what was done there, the oldest first; an episode that went on from a saved state
    does not know what was seen before it."""
    known = min(len(situation.seen), len(situation.history))
    if not known:
        return iter(())
    return zip(situation.seen[-known:], situation.history[-known:], strict=True)
