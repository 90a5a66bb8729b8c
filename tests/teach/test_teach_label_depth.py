"""Depth: how many steps back a trajectory could still have been saved."""

from __future__ import annotations

from pathlib import Path

import pytest
from chain_scene import EXPERT, STUDENT, WORLD, chain_desk, snapshot_at

from honing.environments.scripted import Place, Wrong, chain_task
from honing.learn import Episode, Move
from honing.teach.labels.arms import Acting
from honing.teach.labels.depth import Depth, DepthOptions, depths_by_episodes, depths_from_labels
from honing.teach.phases.leverage import leverage_of, leverages
from honing.teach.snapshot import Snapshot

INSIDE = Acting(policy={"kind": "expert"}, temperature=0.0)
OWL = Place(sign="owl", wrong=Wrong.BACK, doors=("red", "blue"))
LEAF_PIT = Place(sign="leaf", wrong=Wrong.PIT, doors=("red", "black"))
ALREADY = DepthOptions(max_depth=3, n_force=9, n_expert=2)


def fallen() -> list[Snapshot]:
    """Every moment of a walk past three owls and into the pit, where two steps are spent."""
    actions = ["take the red door"] * 4 + ["climb", "call"]
    environment = WORLD.make()
    step = environment.reset(chain_task("made", [OWL, OWL, OWL, LEAF_PIT]))
    moves = []
    for action in actions:
        moves.append(
            Move(observation=step.observation, actions=step.actions, action=action, state=environment.save())
        )
        step = environment.step(action)
    episode = Episode(
        task=environment.task,
        task_hash="",
        goal=step.goal,
        actions=tuple(actions),
        reward=0.0,
        success=False,
        moves=tuple(moves),
    )
    return [snapshot_at(episode, number) for number in range(len(actions))]


def with_rates(snapshot: Snapshot, force: int, expert: int) -> Snapshot:
    outcomes = {"policy": [0, 0], "force": [force, force], "expert": [expert, expert]}
    return snapshot.model_copy(update={"leverage": leverage_of(outcomes, "go")})


def test_depth_is_counted_back_to_the_nearest_state_that_could_be_saved() -> None:
    rows = fallen()
    labelled = [
        with_rates(rows[1], 1, 1),
        with_rates(rows[2], 0, 1),
        with_rates(rows[4], 0, 0),
        with_rates(rows[5], 0, 0),
    ]
    found = depths_from_labels(labelled)

    assert [found[row.id] for row in labelled] == [
        Depth(force=0, expert=0),
        Depth(force=1, expert=0),
        Depth(force=3, expert=2),
        Depth(force=4, expert=3),
    ]


def test_a_trajectory_that_never_could_be_saved_has_no_depth() -> None:
    rows = [with_rates(row, 0, 0) for row in fallen()[4:]]

    assert set(depths_from_labels(rows).values()) == {Depth()}


def test_labels_of_another_trajectory_do_not_count() -> None:
    rows = fallen()
    other = rows[2].model_copy(update={"history": ["take the blue door", "take the red door"]})
    stranger = rows[2].model_copy(update={"task": {**rows[2].task, "id": "stranger"}, "id": "stranger-2"})
    expert = rows[3].model_copy(update={"source": "expert", "id": "expert-3"})
    labelled = [with_rates(row, 1, 1) for row in (other, stranger, expert)]
    last = with_rates(rows[4], 0, 0)

    assert depths_from_labels([*labelled, last])[last.id] == Depth()


@pytest.mark.parametrize(
    ("moment", "depth"),
    [(3, Depth(force=0, expert=0)), (4, Depth(force=1, expert=1)), (5, Depth(force=2, expert=2))],
    ids=["before the pit", "in the pit", "in the pit for a step"],
)
def test_episodes_from_earlier_states_find_where_the_trajectory_was_lost(
    tmp_path: Path, moment: int, depth: Depth
) -> None:
    desk = chain_desk(tmp_path / "run")
    row = leverages(desk, STUDENT, INSIDE, [fallen()[moment]])[0]

    assert depths_by_episodes(desk, STUDENT, INSIDE, row, ALREADY) == {row[0].id: depth}


def test_no_depth_is_found_beyond_the_largest_that_is_looked_at(tmp_path: Path) -> None:
    desk = chain_desk(tmp_path / "run", leverage={"max_depth": 1})
    found = leverages(desk, STUDENT, INSIDE, [fallen()[5]])[0][0].leverage

    assert found is not None
    assert (found.d_force, found.d_expert) == (None, None)


def test_the_study_says_how_far_back_depth_is_measured(tmp_path: Path) -> None:
    desk = chain_desk(tmp_path / "run", leverage={"max_depth": 2})
    found = leverages(desk, STUDENT, INSIDE, [fallen()[5]])[0][0].leverage

    assert found is not None
    assert (found.d_force, found.d_expert) == (2, 2)


def test_a_history_that_does_not_lead_to_the_snapshot_has_no_depth(tmp_path: Path) -> None:
    rows = fallen()
    astray = rows[5].model_copy(update={"history": ["take the blue door", *rows[5].history[1:]]})
    desk = chain_desk(tmp_path / "run", leverage={"max_depth": 3})
    found = leverages(desk, STUDENT, EXPERT, [astray])[0][0].leverage

    assert found is not None
    assert (found.d_force, found.d_expert) == (None, None)
