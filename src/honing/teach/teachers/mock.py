"""A teacher that knows nothing: for wiring only, and marked so in everything it says."""

from __future__ import annotations

from honing.learn import draw
from honing.teach.snapshot import Advice, ErrorType, Snapshot
from honing.teach.teachers.base import refused

MOCK = "mock"


class MockTeacher:
    """Suggests a valid action drawn from what the snapshot shows."""

    @property
    def name(self) -> str:
        return MOCK

    def advise(self, snapshot: Snapshot) -> Advice:
        """A valid action by draw; the same for the same moment."""
        if not snapshot.valid_actions:
            return refused(MOCK, "there is no valid action")
        shown = (snapshot.goal, snapshot.observation, *snapshot.history)
        kinds = list(ErrorType)
        return Advice(
            suggested_action=snapshot.valid_actions[_pick(len(snapshot.valid_actions), "action", *shown)],
            rationale="a mock teacher drew it",
            diagnosis="a mock teacher saw nothing wrong",
            error_type=kinds[_pick(len(kinds), "error", *shown)],
            confidence=0.0,
            teacher=MOCK,
        )


def _pick(n: int, *key: object) -> int:
    return int(draw("mock teacher", *key) * n)
