"""The commands of a target that were not used: one plain reason for each, and whether it is a grader that
nothing may silently stand in for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from honing.contract.hints import Hint, Role
from honing.contract.spec import HoleSpec

STRONG_CONFIDENCE = 0.7
"""From which a documented command is believed to be the target's own grader."""
_SHOWN = 64
"""Characters of a command that stand before the reason, which must not be cut off behind them."""
_PAGES = ("readme", "docs")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A command that was passed over."""

    hint: Hint
    why: str

    @property
    def sentence(self) -> str:
        command = self.hint.command
        shown = command if len(command) <= _SHOWN else f"{command[: _SHOWN - 4]} ..."
        return f"{self.hint.anchor}: `{shown}`: {self.why}"


@dataclass(slots=True)
class PassedOver:
    """Reasons in the order of the commands; the first that is given for a command stays."""

    _found: dict[tuple[str, str], Rejected] = field(default_factory=dict)

    def add(self, hint: Hint, why: str) -> None:
        """Say why a command is not used."""
        self._found.setdefault((hint.anchor, hint.command), Rejected(hint, why))

    def add_all(self, hints: Sequence[Hint], why: str) -> None:
        """Say the same of several commands."""
        for hint in hints:
            self.add(hint, why)

    def take(self, other: PassedOver) -> None:
        """Take over what was said elsewhere."""
        for one in other._found.values():
            self.add(one.hint, one.why)

    def sentences(self) -> tuple[str, ...]:
        """Every reason, with where its command stands."""
        return tuple(one.sentence for one in self._found.values())

    def graders(self) -> tuple[str, ...]:
        """Those of documented commands that surely judge answers: scoring by the data is something else."""
        return tuple(one.sentence for one in self._found.values() if is_strong_grader(one.hint))


def is_strong_grader(hint: Hint) -> bool:
    """Whether a command is surely the way in which the target wants answers judged."""
    judges = hint.role is Role.EVALUATE and hint.confidence >= STRONG_CONFIDENCE
    return judges and hint.source in _PAGES


def wants_values(holes: Sequence[HoleSpec]) -> str:
    """Why a command with holes cannot be used as it stands."""
    texts = ", ".join(f"`{hole.text}`" for hole in holes)
    how = " ".join(f"--set {hole.name}={'|'.join(hole.choices) or 'VALUE'}" for hole in holes)
    return f"nothing says what stands for {texts} ({how})"
