"""From what an agent sees to the text that a student continues with an action."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from string import Formatter
from typing import Any

from honing.errors import UsageError
from honing.learn.policy import Situation

DEFAULT_TEMPLATE = "{patch}Goal: {goal}\nDone: {history}\nSeen: {observation}\nAction:"
PLACES = ("patch", "goal", "history", "observation", "actions")
"""What a template may name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """How a situation becomes text. It names no environment, so one prompt serves all.

    Raises:
        UsageError: The template names something that is not in `PLACES`, or leaves out the observation; or a
            number is below 0.
    """

    history: int = 4
    """How many of the last actions are shown."""
    template: str = DEFAULT_TEMPLATE
    """Text with {patch}, {goal}, {history}, {observation} and {actions} in it, each as often as one likes;
    braces themselves are doubled. It ends where the action begins."""
    patch: str = "{patch}\n"
    """What {patch} of the template becomes where there is a patch; where there is none it becomes nothing."""
    joiner: str = " ; "
    """Between the actions of {history} and of {actions}."""
    nothing: str = "-"
    """What {history} becomes before the first action."""
    chat: bool = True
    """Whether the text is put as a user's message where the student's tokenizer brings a chat template."""

    def __post_init__(self) -> None:
        """Refuse a template that cannot be filled."""
        _refuse("template", self.template, PLACES)
        _refuse("patch", self.patch, ("patch",))
        if "{observation}" not in self.template:
            raise UsageError(f"prompt.template: {self.template!r} shows no {{observation}}; add it.")
        if self.history < 0:
            raise UsageError(f"prompt.history: expected a count of 0 or more, found {self.history}.")

    def text(self, situation: Situation) -> str:
        """The text that ends where the action begins."""
        shown = situation.history[-self.history :] if self.history else ()
        return self.template.format(
            patch=self.patch.format(patch=situation.patch) if situation.patch else "",
            goal=situation.goal,
            history=self.joiner.join(shown) or self.nothing,
            observation=situation.observation,
            actions=self.joiner.join(situation.actions),
        )

    def identity(self) -> str:
        """sha256 of everything that decides the text."""
        return hashlib.sha256(json.dumps(self.as_document(), sort_keys=True).encode()).hexdigest()

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Prompt:
        """The prompt that `as_document` wrote; what is left out has its default.

        Raises:
            UsageError: There is a key that no prompt has.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(document) - known):
            raise UsageError(f"prompt: unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}.")
        return cls(**document)


def _refuse(name: str, template: str, places: tuple[str, ...]) -> None:
    """Refuse a template that names what it may not: only the plain places, without formats or attributes."""
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"prompt.{name}: {template!r} is no template: {error}.") from error
    for _, place, form, conversion in pieces:
        if place is not None and (place not in places or form or conversion):
            expected = ", ".join(f"{{{known}}}" for known in places)
            raise UsageError(
                f"prompt.{name}: {{{place}}} cannot be filled; expected {expected}. Write {{{{ for a brace."
            )
