"""The expert and the mock as teachers."""

from __future__ import annotations

from collections import Counter

import pytest
from teach_runs import a_snapshot, chain_episodes, chain_world

from honing.environments import KnowsBest
from honing.learn import diagnosis_from_kinds, reason_from_kind
from honing.teach.mining.choosing import moments
from honing.teach.snapshot import Advice, ErrorType, Snapshot
from honing.teach.teachers import ExpertTeacher, MockTeacher
from honing.teach.teachers.expert import guessed_error

WORLD = chain_world()


def snapshots() -> list[Snapshot]:
    failed = [episode for episode in chain_episodes(40) if not episode.success]
    return moments(failed, WORLD.kind, per_episode=1, stratify=True, limit=100, seed=0)


def test_the_expert_advises_its_own_action_at_the_saved_state() -> None:
    teacher = ExpertTeacher(WORLD)
    environment = WORLD.make()
    assert isinstance(environment, KnowsBest)
    for snapshot in snapshots():
        environment.restore(snapshot.env_state or {})
        right = environment.expert_action()

        advice = teacher.advise(snapshot)

        kinds = (WORLD.kind(right), WORLD.kind(snapshot.action))
        assert advice == Advice(
            suggested_action=right,
            rationale=reason_from_kind(kinds[0]),
            diagnosis=diagnosis_from_kinds(*kinds),
            error_type=guessed_error(WORLD, snapshot, right),
            confidence=1.0,
            teacher="expert",
        )


def test_asking_the_expert_leaves_no_trace_on_later_advice() -> None:
    found = snapshots()
    teacher = ExpertTeacher(WORLD)

    forwards = [teacher.advise(one) for one in found]
    backwards = [teacher.advise(one) for one in reversed(found)]

    assert forwards == backwards[::-1]


def test_a_snapshot_without_a_state_gets_no_advice_of_the_expert() -> None:
    snapshot = snapshots()[0].model_copy(update={"env_state": None})

    advice = ExpertTeacher(WORLD).advise(snapshot)

    assert (advice.valid, advice.suggested_action) == (False, "")
    assert "no saved state" in advice.rationale


def test_a_state_that_cannot_be_restored_gives_invalid_advice_not_an_error() -> None:
    snapshot = snapshots()[0].model_copy(update={"env_state": {"place": 1}})

    advice = ExpertTeacher(WORLD).advise(snapshot)

    assert not advice.valid
    assert advice.rationale.startswith("the expert failed:")


def test_an_experts_action_that_the_snapshot_does_not_list_is_invalid() -> None:
    snapshot = snapshots()[0].model_copy(update={"valid_actions": ["wait"]})

    assert not ExpertTeacher(WORLD).advise(snapshot).valid


@pytest.mark.parametrize(
    ("action", "history", "right", "error"),
    [
        ("take the red door", [], "take the blue door", ErrorType.ATTRIBUTE_CONFUSION),
        ("go back", [], "take the blue door", ErrorType.EXPLORATION_FAILURE),
        ("climb", ["climb"], "take the blue door", ErrorType.EXPLORATION_FAILURE),
        ("climb", [], "take the blue door", ErrorType.AFFORDANCE_MISS),
        ("climb", ["take the red door"], "take the blue door", ErrorType.PLANNING_ERROR),
        ("take the blue door", ["take the blue door"], "take the blue door", None),
    ],
    ids=["same kind", "an escape", "a repeat", "a kind not used yet", "a kind used before", "right"],
)
def test_the_error_is_guessed_from_the_kinds_of_the_two_actions(
    action: str, history: list[str], right: str, error: ErrorType | None
) -> None:
    assert WORLD.escapes == ("back",)

    assert guessed_error(WORLD, a_snapshot(action=action, history=history), right) is error


def test_the_mock_gives_a_valid_action_and_says_that_it_is_a_mock() -> None:
    advice = MockTeacher().advise(a_snapshot())

    assert advice.suggested_action in a_snapshot().valid_actions
    assert (advice.teacher, advice.valid, advice.confidence) == ("mock", True, 0.0)
    assert "mock" in advice.diagnosis
    assert "mock" in advice.rationale


def test_the_mocks_advice_depends_on_what_is_shown_and_not_on_the_id() -> None:
    teacher = MockTeacher()
    shown = [a_snapshot(observation=f"room {number}") for number in range(60)]

    counts = Counter(teacher.advise(one).suggested_action for one in shown)

    assert teacher.advise(a_snapshot(id="other")) == teacher.advise(a_snapshot())
    assert set(counts) == set(a_snapshot().valid_actions)


def test_the_mock_has_no_advice_where_nothing_can_be_done() -> None:
    assert not MockTeacher().advise(a_snapshot(valid_actions=[])).valid


def test_a_world_without_an_expert_gives_no_advice() -> None:
    class Mute:
        name = "mute"

        def make(self) -> object:
            return object()

    advice = ExpertTeacher(Mute()).advise(a_snapshot(env_state={}))  # type: ignore[arg-type]

    assert advice.rationale == "the environment 'mute' has no expert"
