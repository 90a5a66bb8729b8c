"""The environment's own expert as a teacher: its action at the restored state, in words from templates."""

from __future__ import annotations

from honing.environments import KnowsBest, World
from honing.errors import EnvironmentFaultError
from honing.learn import diagnosis_from_kinds, reason_from_kind
from honing.teach.snapshot import Advice, ErrorType, Snapshot
from honing.teach.teachers.base import refused

EXPERT = "expert"


class ExpertTeacher:
    """Asks the expert inside an environment. Not safe to use from several threads.

    Args:
        world: Of the snapshots.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._environment = world.make()

    @property
    def name(self) -> str:
        return EXPERT

    def advise(self, snapshot: Snapshot) -> Advice:
        """The expert's action there. Invalid where the state cannot be restored or the expert fails."""
        if not isinstance(self._environment, KnowsBest):
            return refused(EXPERT, f"the environment {self._world.name!r} has no expert")
        if snapshot.env_state is None:
            return refused(EXPERT, "the snapshot has no saved state to ask the expert at")
        try:
            step = self._environment.restore(snapshot.env_state)
            action = self._environment.expert_action()
        except EnvironmentFaultError as error:
            return refused(EXPERT, f"the expert failed: {error}")
        if action not in step.actions or action not in snapshot.valid_actions:
            return refused(EXPERT, f"the expert wants {action!r}, which is not valid there")
        right, wrong = self._world.kind(action), self._world.kind(snapshot.action)
        return Advice(
            suggested_action=action,
            rationale=reason_from_kind(right),
            diagnosis=diagnosis_from_kinds(right, wrong),
            error_type=guessed_error(self._world, snapshot, action),
            confidence=1.0,
            teacher=EXPERT,
        )

    def close(self) -> None:
        """Let go of the environment. Safe to repeat."""
        self._environment.close()


def guessed_error(world: World, snapshot: Snapshot, right: str) -> ErrorType | None:
    """What sort of error a student made, guessed from the kinds of its action and of the right one.

    Args:
        world: Knows the kinds.
        snapshot: What the student did.
        right: The expert's action.

    Returns:
        None where the student did the right thing: the error lies elsewhere on its way.
    """
    if snapshot.action == right:
        return None
    kind, right_kind = world.kind(snapshot.action), world.kind(right)
    if kind in world.escapes or snapshot.action in snapshot.history:
        return ErrorType.EXPLORATION_FAILURE
    if kind == right_kind:
        return ErrorType.ATTRIBUTE_CONFUSION
    if right_kind not in {world.kind(action) for action in snapshot.history}:
        return ErrorType.AFFORDANCE_MISS
    return ErrorType.PLANNING_ERROR
