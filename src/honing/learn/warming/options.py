"""What decides a warm-started student."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from honing.errors import UsageError


class Architecture(StrEnum):
    """Shapes of model that Hugging Face's `transformers` knows."""

    LLAMA = "llama"
    GPT2 = "gpt2"
    QWEN2 = "qwen2"


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartOptions:
    """How a tiny student is made, and whom it watches."""

    architecture: Architecture = Architecture.LLAMA
    hidden: int = 96
    """Width; a multiple of `heads`, and that an even one."""
    layers: int = 2
    heads: int = 4
    context: int = 512
    """Tokens of prompt and action at most."""
    max_words: int = 600
    """Words that are one token each; others are spelled."""
    steps: int = 1000
    """Of the optimiser."""
    batch_size: int = 32
    learning_rate: float = 3e-3
    """After a short rise, falling to a tenth along a cosine."""
    demonstrations: int = 16000
    """Decisions that are shown; each is met as often as `steps` and `batch_size` make it."""
    history: int = 4
    """Last actions shown in the prompt."""
    knowledge_low: float = 0.02
    """Chance per episode that a demonstrator knows the fact that is known least."""
    knowledge_high: float = 0.35
    """The same for the fact that is known best; the others lie between, evenly on a scale of ratios."""
    error_rate: float = 0.15
    """In worlds without facts: chance per decision that a demonstrator takes a random valid action."""
    wander: float = 0.1
    """Chance per decision that the demonstration goes on with a random valid action, not the one shown: the
    student sees places where its own slips lead."""
    patched: float = 0.6
    """Part of the decisions that carry a placebo, demo, contrast or hint, each as often."""
    stale: float = 0.25
    """Part of those whose patch comes from another state of the world, so that it helps nothing."""
    followed: float = 0.2
    """Part of those whose patch and target are one random valid action: what teaches to use the context, and
    no fact."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            UsageError: An option has a value that cannot be used.
        """
        for least, names in _LEAST.items():
            for name in names:
                if getattr(self, name) < least:
                    raise _refused(name, f"{least} or more", getattr(self, name))
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise _refused(name, "0 to 1", getattr(self, name))
        if self.learning_rate <= 0:
            raise _refused("learning_rate", "above 0", self.learning_rate)
        if not 0 < self.knowledge_low <= self.knowledge_high:
            raise _refused("knowledge_low", "above 0 and at most knowledge_high", self.knowledge_low)
        if self.stale + self.followed > 1:
            raise _refused("stale", "at most 1 together with followed", self.stale)
        if self.hidden % (2 * self.heads):
            raise _refused("hidden", f"a multiple of 2 x heads = {2 * self.heads}", self.hidden)

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> WarmStartOptions:
        """From plain data, as a study file has it; what is left out has its default.

        Raises:
            UsageError: An option is unknown or has a value that cannot be used.
        """
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(options) - set(known)):
            raise UsageError(f"warm_start has no option {unknown[0]!r}. It has {', '.join(known)}.")
        given = dict(options)
        try:
            if "architecture" in given:
                given["architecture"] = Architecture(given["architecture"])
            return cls(**given)
        except (TypeError, ValueError) as error:
            raise UsageError(f"warm_start: its options cannot be used: {error}.") from error

    def as_document(self) -> dict[str, Any]:
        """As plain data, from which `from_options` makes the same."""
        return {**asdict(self), "architecture": self.architecture.value}


_LEAST = {
    0: ("max_words", "history"),
    1: ("hidden", "layers", "heads", "context", "steps", "batch_size", "demonstrations"),
}
_SHARES = ("knowledge_low", "knowledge_high", "error_rate", "wander", "patched", "stale", "followed")


def _refused(name: str, expected: str, found: object) -> UsageError:
    return UsageError(f"warm_start.{name}: expected {expected}, found {found}.")
