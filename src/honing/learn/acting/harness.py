"""What stands between a student's weights and its actions: the prompt, rules, and how boldly it acts."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from honing.errors import UsageError
from honing.learn.policy import Situation
from honing.learn.prompt import Prompt

MOST_NOTES = 32
MOST_TRIES = 1000
HOTTEST = 10.0
CONDITIONS = ("goal", "seen", "unseen", "can")
"""Of a note: its fields that hold phrases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line of the harness's memory, shown where all its conditions hold. Case does not count.

    Raises:
        UsageError: It says nothing, or a phrase of it is empty.
    """

    say: str
    """What is put in context, where the template has its {patch}."""
    goal: tuple[str, ...] = ()
    """Phrases that all stand in the goal."""
    seen: tuple[str, ...] = ()
    """Phrases that all stand in the observation."""
    unseen: tuple[str, ...] = ()
    """Phrases of which none stands in the observation."""
    can: tuple[str, ...] = ()
    """Phrases that each stand in some valid action."""

    def __post_init__(self) -> None:
        """Refuse what can never be meant."""
        for name, texts in (("say", (self.say,)), *((name, getattr(self, name)) for name in CONDITIONS)):
            if not all(isinstance(text, str) and text.strip() for text in texts):
                raise UsageError(f"notes.{name}: expected text that is not empty, found {texts!r}.")

    def applies(self, situation: Situation) -> bool:
        """Whether it is shown there."""
        goal, observation = situation.goal.casefold(), situation.observation.casefold()
        actions = [action.casefold() for action in situation.actions]
        return (
            all(phrase.casefold() in goal for phrase in self.goal)
            and all(phrase.casefold() in observation for phrase in self.seen)
            and not any(phrase.casefold() in observation for phrase in self.unseen)
            and all(any(phrase.casefold() in action for action in actions) for phrase in self.can)
        )

    def as_document(self) -> dict[str, Any]:
        """As plain data; what says nothing is left out."""
        given = {name: list(getattr(self, name)) for name in CONDITIONS}
        return {"say": self.say, **{name: phrases for name, phrases in given.items() if phrases}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingHarness:
    """How a student acts. Stateless: every decision follows from what the turn shows.

    Raises:
        UsageError: A value is out of its range.
    """

    prompt: Prompt = field(default_factory=Prompt)
    """How situations become text, with the number of past actions that are shown."""
    temperature: float = 1.0
    """Its distribution is raised to 1 / temperature: 0 takes the likeliest action always, 1 leaves it."""
    loop_breaker: int = 0
    """An action that was just taken so many times in a row, while nothing else was seen, is not taken again;
    0 is off."""
    retry: int = 0
    """Where an observation was seen before in the episode, an action that was tried so many times there is
    not tried again; 0 is off."""
    notes: tuple[Note, ...] = ()
    """What it was told to remember; the first that applies is shown."""

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if not math.isfinite(self.temperature) or not 0 <= self.temperature <= HOTTEST:
            raise UsageError(f"temperature: expected 0 to {HOTTEST:g}, found {self.temperature!r}.")
        for name in ("loop_breaker", "retry"):
            if not 0 <= getattr(self, name) <= MOST_TRIES:
                raise UsageError(f"{name}: expected off or 1 to {MOST_TRIES}, found {getattr(self, name)!r}.")
        if len(self.notes) > MOST_NOTES:
            raise UsageError(f"notes: at most {MOST_NOTES}, found {len(self.notes)}.")

    def noted(self, situation: Situation) -> str:
        """The note that is shown there; empty for none."""
        return next((note.say for note in self.notes if note.applies(situation)), "")

    def identity(self) -> str:
        """sha256 of everything that decides how it acts."""
        return hashlib.sha256(json.dumps(self.as_document(), sort_keys=True).encode()).hexdigest()

    def as_document(self) -> dict[str, Any]:
        """As plain data, as a policy's document carries it."""
        return {
            "prompt": self.prompt.as_document(),
            "temperature": self.temperature,
            "loop_breaker": self.loop_breaker,
            "retry": self.retry,
            "notes": [note.as_document() for note in self.notes],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ActingHarness:
        """The harness that `as_document` wrote; what is left out has its default.

        Raises:
            UsageError: There is a key that no harness has, or a value cannot be used.
        """
        known = {each.name for each in fields(cls)}
        if unknown := sorted(set(document) - known):
            raise UsageError(f"harness: unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}.")
        given = dict(document)
        try:
            if "prompt" in given:
                given["prompt"] = Prompt.from_document(given["prompt"])
            if "notes" in given:
                given["notes"] = tuple(_note(note) for note in given["notes"])
            return cls(**given)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"harness: its values cannot be used: {error}.") from error


def _note(document: Mapping[str, Any]) -> Note:
    given = {name: tuple(value) for name, value in document.items() if name != "say"}
    return Note(say=document["say"], **given)
