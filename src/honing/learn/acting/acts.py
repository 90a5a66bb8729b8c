"""A policy that acts through a harness."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from honing.errors import UsageError
from honing.learn.acting.harness import ActingHarness
from honing.learn.acting.rules import ruled
from honing.learn.example import Example
from honing.learn.policy import PerToken, Policy, Situation, Turn
from honing.learn.student import Student


class Harnessed:
    """A `Policy` inside a harness: notes go into its context, rules and temperature shape what it says.

    The prompt is the policy's own affair: `harnessed` gives a student the harness's.

    Args:
        policy: Whose distributions.
        harness: Around it.
    """

    def __init__(self, policy: Policy, harness: ActingHarness) -> None:
        self.policy = policy
        self.harness = harness

    @property
    def name(self) -> str:
        """See `Policy`."""
        return self.policy.name

    def identity(self) -> str:
        """See `Policy`: hash of the policy's and the harness's."""
        content = json.dumps([self.policy.identity(), self.harness.identity()])
        return hashlib.sha256(content.encode()).hexdigest()

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`."""
        found = self.policy.logprobs([self.shown(turn) for turn in turns])
        return [ruled(self.harness, turn.situation, given) for turn, given in zip(turns, found, strict=True)]

    def shown(self, turn: Turn) -> Turn:
        """The turn as the policy sees it."""
        return replace(turn, situation=_noted(self.harness, turn.situation))


class HarnessedScorer(Harnessed):
    """The same around a policy that scores texts token by token."""

    def per_token(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """As the policy's, in the harness's context; rules and temperature have no part in it."""
        assert isinstance(self.policy, PerToken)
        return self.policy.per_token([self.shown(turn) for turn in turns])


def noted_examples(examples: Iterable[Example], harness: ActingHarness) -> list[Example]:
    """Examples as a student is shown them inside a harness: with the notes that apply."""
    return [replace(example, situation=_noted(harness, example.situation)) for example in examples]


def _noted(harness: ActingHarness, situation: Situation) -> Situation:
    """With the note that applies, before a patch of the situation's own."""
    note = harness.noted(situation)
    if not note:
        return situation
    return replace(situation, patch=f"{note}\n{situation.patch}" if situation.patch else note)


def harnessed(policy: Policy, harness: ActingHarness) -> Harnessed:
    """A policy inside a harness. A student gets the harness's prompt, on the same weights.

    Args:
        policy: A student, or any policy: one without a prompt keeps its own way of seeing.
        harness: Around it.
    """
    inner: Policy = policy.with_prompt(harness.prompt) if isinstance(policy, Student) else policy
    return HarnessedScorer(inner, harness) if isinstance(inner, PerToken) else Harnessed(inner, harness)


def student_inside(policy: Policy) -> Student:
    """The student of a policy, with the prompt of the harness that it is in; one without a harness as it is.

    Raises:
        UsageError: The policy is no student: it has no weights to train.
    """
    found = policy.policy if isinstance(policy, Harnessed) else policy
    if not isinstance(found, Student):
        raise UsageError(f"{policy.name}: this policy is no student, so it has no weights to train.")
    return found
