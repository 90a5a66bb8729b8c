"""From a labelled snapshot to training examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from honing.environments import Task
from honing.learn import Episode, Example, Lesson, Move, Situation, patch_text
from honing.teach.snapshot import Advice, Leverage, Profile, Rate, Route, Snapshot
from honing.teach.supervision import examples_of, lesson_of, recoverable, trajectory_examples

ADVICE = Advice(
    suggested_action="go red", rationale="red leads on.", diagnosis="The sign was not read.", teacher="expert"
)
RATE = Rate(p=0.5, n=2, low=0.1, high=0.9)


def snapshot(name: str = "t-1", **changes: object) -> Snapshot:
    row = Snapshot(
        id=name,
        task={"id": "t", "seed": 1, "parameters": {}, "tags": []},
        task_hash="h",
        goal="get out",
        observation="A hall. Two doors.",
        valid_actions=["go red", "go blue"],
        history=["look"],
        action="go blue",
        action_kind="go",
        step_index=1,
        n_steps=3,
        env_state={},
        advice=ADVICE,
    )
    return row.model_copy(update=changes)


def leverage(upper: float) -> Leverage:
    return Leverage(
        p_policy=RATE, p_force=RATE, p_expert=RATE, L_local=0.0, L_local_low=-1, L_local_high=1,
        L_upper=upper, L_upper_low=-1, L_upper_high=1, profile=Profile.MIXED, forced_action="go red",
    )  # fmt: skip


def example(patch: str) -> Example:
    seen = Situation(
        goal="get out",
        observation="A hall. Two doors.",
        history=("look",),
        actions=("go red", "go blue"),
        patch=patch,
    )
    return Example(situation=seen, action="go red", rejected="go blue", source="t-1")


LESSON = Lesson(
    observation="A hall. Two doors.",
    action="go red",
    reason="red leads on.",
    wrong="go blue",
    diagnosis="The sign was not read.",
)


def test_a_demo_is_the_observation_and_the_teachers_action_without_any_patch() -> None:
    assert examples_of(snapshot(), Route.DEMO) == [example("")]


@pytest.mark.parametrize("route", [Route.CONTRAST, Route.HINT])
def test_contrast_and_hint_put_their_patch_in_context_before_the_same_target(route: Route) -> None:
    assert examples_of(snapshot(), route) == [example(patch_text(route.value, LESSON))]


def test_a_contrast_names_both_actions_and_a_hint_neither() -> None:
    (contrast,), (hint,) = (examples_of(snapshot(), route) for route in (Route.CONTRAST, Route.HINT))

    named = [
        [action in found.situation.patch for action in ("go red", "go blue")] for found in (contrast, hint)
    ]
    assert named == [[True, True], [False, False]]


@pytest.mark.parametrize(
    "advice",
    [
        None,
        ADVICE.model_copy(update={"valid": False, "suggested_action": ""}),
        ADVICE.model_copy(update={"suggested_action": "go green"}),
    ],
    ids=["there is none", "it is marked as invalid", "its action is not a valid one"],
)
def test_without_valid_advice_nothing_is_taught(advice: Advice | None) -> None:
    taught = snapshot(advice=advice)

    assert (lesson_of(taught), [examples_of(taught, route) for route in Route]) == (None, [[], [], []])


def test_where_the_teacher_agrees_with_the_student_there_is_no_rejected_action() -> None:
    (found,) = examples_of(snapshot(action="go red"), Route.DEMO)

    assert (found.action, found.rejected) == ("go red", "")


def test_the_recovery_arm_takes_the_most_to_gain_first_and_no_dead_end() -> None:
    rows = [
        snapshot("b", leverage=leverage(0.5)),
        snapshot("dead-end", leverage=leverage(0.29)),
        snapshot("most", leverage=leverage(1.0)),
        snapshot("a", leverage=leverage(0.5)),
        snapshot("no-state", leverage=leverage(1.0), env_state=None),
        snapshot("no-leverage"),
    ]

    assert [row.id for row in recoverable(rows)] == ["most", "a", "b"]


EPISODE = Episode(
    task=Task(id="t", seed=1),
    task_hash="",
    goal="get out",
    actions=("go red", "open"),
    reward=1.0,
    success=True,
    moves=(
        Move(observation="hall", actions=("go red", "go blue"), action="go red"),
        Move(observation="gate", actions=("open", "wait"), action="open"),
    ),
)


def test_every_action_of_a_recovery_is_an_example_with_the_history_up_to_it() -> None:
    found = trajectory_examples(EPISODE, ["look"], "t-1")

    assert found == [
        Example(
            situation=Situation(
                goal="get out", observation="hall", history=("look",), actions=("go red", "go blue")
            ),
            action="go red",
            source="t-1",
        ),
        Example(
            situation=Situation(
                goal="get out", observation="gate", history=("look", "go red"), actions=("open", "wait")
            ),
            action="open",
            source="t-1",
        ),
    ]


@pytest.mark.parametrize(
    "changes",
    [{"success": False}, {"tampered": "a reward without a step"}],
    ids=["it failed", "it was tampered with"],
)
def test_nothing_is_learned_from_an_episode_that(changes: dict[str, object]) -> None:
    assert trajectory_examples(replace(EPISODE, **changes), ["look"], "t-1") == []  # type: ignore[arg-type]
