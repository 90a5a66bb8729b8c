"""What a teacher is."""

from __future__ import annotations

from typing import Protocol

from honing.teach.snapshot import Advice, Snapshot


class Teacher(Protocol):
    """Advises on snapshots. Its advice depends on what the snapshot shows, not on its id or its labels."""

    @property
    def name(self) -> str:
        """What `Advice.teacher` says."""
        ...

    def advise(self, snapshot: Snapshot) -> Advice:
        """What should have been done, and what went wrong. Bad advice is marked invalid, never an exception.

        Raises:
            ModelError: A model behind it cannot be reached; says nothing about the snapshot.
        """
        ...


def refused(teacher: str, why: str) -> Advice:
    """Advice that is none.

    Args:
        teacher: Who gave none.
        why: One sentence, for whoever reads the artifact.
    """
    return Advice(suggested_action="", rationale=why, teacher=teacher, valid=False)
