"""What a student is trained on: one decision and the action that is right there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.learn.policy import Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One row of supervised fine-tuning. Loss falls on the action alone."""

    situation: Situation
    action: str
    """The target, one of the situation's valid actions."""
    rejected: str = ""
    """For preference pairs: the action that was wrong here; empty elsewhere."""
    source: str = ""
    """Id of the snapshot or episode it comes from, for checks of leakage."""
    tampered: str = ""
    """`Episode.tampered` of where it comes from: no trainer takes an example with a reason here."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        seen = self.situation
        marked = {"tampered": self.tampered} if self.tampered else {}
        return {
            "goal": seen.goal,
            "observation": seen.observation,
            "history": list(seen.history),
            "valid_actions": list(seen.actions),
            "patch": seen.patch,
            "action": self.action,
            "rejected": self.rejected,
            "source": self.source,
            **marked,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Example:
        """The example that `as_document` wrote."""
        situation = Situation(
            goal=document["goal"],
            observation=document["observation"],
            history=tuple(document["history"]),
            actions=tuple(document["valid_actions"]),
            patch=document.get("patch", ""),
        )
        return cls(
            situation=situation,
            action=document["action"],
            rejected=document.get("rejected", ""),
            source=document.get("source", ""),
            tampered=document.get("tampered", ""),
        )
