"""What did not happen as it is written down gives nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from teach_runs import chain_episodes, chain_world, small_desk

from honing.errors import LeakageError, StudyError
from honing.learn import Episode
from honing.teach.apart import check_apart, hashes_by_group
from honing.teach.mining.honest import read_episodes, restorable, verdicts_on, why_not
from honing.teach.phases.mine import FAILURES, ROLLOUTS, SUCCEEDING, mine

EPISODES = chain_episodes(40)
FAILED = next(episode for episode in EPISODES if not episode.success and len(episode.actions) == 10)
SOLVED = next(episode for episode in EPISODES if episode.success)


def forged_reward(episode: Episode) -> Episode:
    first = replace(episode.moves[0], reward=1.0)
    return replace(episode, moves=(first, *episode.moves[1:]))


def edited_observation(episode: Episode) -> Episode:
    first = replace(episode.moves[0], observation="You stand at the goal.")
    return replace(episode, moves=(first, *episode.moves[1:]))


def other_actions_shown(episode: Episode) -> Episode:
    first = replace(episode.moves[0], actions=(*episode.moves[0].actions, "win"))
    return replace(episode, moves=(first, *episode.moves[1:]))


def invalid_action(episode: Episode) -> Episode:
    first = replace(episode.moves[0], action="win")
    return replace(episode, moves=(first, *episode.moves[1:]), actions=("win", *episode.actions[1:]))


FORGERIES: dict[str, tuple[Callable[[Episode], Episode], str]] = {
    "marked": (lambda one: replace(one, tampered="the reward rose"), "marked as tampered with"),
    "reward of a step": (forged_reward, "a reward that no action earned"),
    "observation": (edited_observation, "an observation that the world does not show"),
    "valid actions": (other_actions_shown, "an observation that the world does not show"),
    "invalid action": (invalid_action, "an action that was not valid"),
    "success": (lambda one: replace(one, success=not one.success), "an ending that no action earned"),
    "reward": (lambda one: replace(one, reward=0.77), "an ending that no action earned"),
    "task": (lambda one: replace(one, task_hash="0" * 16), "another task than its hash says"),
    "actions": (lambda one: replace(one, actions=one.actions[:-1]), "its steps and its actions differ"),
    "foreign task": (
        lambda one: replace(one, task=replace(one.task, parameters={})),
        "the world does not play it",
    ),
}


def test_an_episode_as_it_was_played_is_believed() -> None:
    environment = chain_world().make()

    assert {why_not(environment, episode) for episode in EPISODES} == {""}


@pytest.mark.parametrize("forgery", list(FORGERIES), ids=list(FORGERIES))
@pytest.mark.parametrize("episode", [FAILED, SOLVED], ids=["failed", "solved"])
def test_a_forged_episode_is_not_believed(episode: Episode, forgery: str) -> None:
    forge, why = FORGERIES[forgery]

    assert why_not(chain_world().make(), forge(episode)) == why


def test_hacked_rollouts_give_no_snapshot_of_any_kind(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    hacks = [forge for forge, _ in FORGERIES.values()]
    hacked = [hacks[number % len(hacks)](episode) for number, episode in enumerate(EPISODES)]
    desk.run.write_json(ROLLOUTS, [episode.as_document() for episode in hacked])

    outcome = mine(desk)

    assert [desk.run.read_json(FAILURES), desk.run.read_json(SUCCEEDING)] == [[], []]
    assert outcome.summary["refused"] == {
        "a reward that no action earned": 4,
        "an action that was not valid": 4,
        "an ending that no action earned": 8,
        "an observation that the world does not show": 8,
        "another task than its hash says": 4,
        "its steps and its actions differ": 4,
        "marked as tampered with": 4,
        "the world does not play it": 4,
    }


def test_hacked_rollouts_among_honest_ones_are_told_from_them(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    mixed = [forged_reward(one) if number % 2 else one for number, one in enumerate(EPISODES)]

    assert verdicts_on(desk, "check", mixed) == ["", "a reward that no action earned"] * 20


def test_a_saved_state_that_shows_something_else_is_not_used(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    rows = [
        {
            "env_state": dict(move.state or {}),
            "goal": FAILED.goal,
            "observation": move.observation,
            "valid_actions": list(move.actions),
        }
        for move in FAILED.moves[:2]
    ]
    elsewhere = {**rows[0], "env_state": {**rows[0]["env_state"], "place": 3}}
    damaged = {**rows[0], "env_state": {"place": "x"}}

    assert restorable(desk, "states", [*rows, elsewhere, damaged]) == [True, True, False, False]


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_rollouts_are_read_from_json_and_from_json_lines(tmp_path: Path, suffix: str) -> None:
    rows = [episode.as_document() for episode in EPISODES[:3]]
    path = tmp_path / f"rollouts{suffix}"
    path.write_text(json.dumps(rows) if suffix == ".json" else "\n".join(map(json.dumps, rows)))

    assert read_episodes(path) == EPISODES[:3]


def test_a_row_that_is_no_episode_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rollouts.jsonl"
    path.write_text(json.dumps(FAILED.as_document()) + '\n{"task": 3}\n')

    with pytest.raises(StudyError, match=r"rollouts\.jsonl: row 2 is no episode"):
        read_episodes(path)


def test_sides_that_share_a_task_are_refused_by_name() -> None:
    training = {"replay": {"a": "replay-1", "b": "replay-2"}}

    check_apart(training, {"evaluate": {"c": "evaluate-1"}})

    with pytest.raises(LeakageError, match=r"'replay'.*'evaluate'.*1 task.*replay-2 = evaluate-9"):
        check_apart(training, {"evaluate": {"c": "evaluate-1", "b": "evaluate-9"}})


def test_a_task_is_known_by_what_it_shows_not_by_its_name(tmp_path: Path) -> None:
    desk = small_desk(tmp_path)
    task, other = chain_world().tasks("collect", 2)
    renamed = replace(task, id="another-name", seed=99)

    found = hashes_by_group(desk, {"both": [task, other], "renamed": [renamed]})

    assert set(found["renamed"]) < set(found["both"])
    assert [list(hashes.values()) for hashes in found.values()] == [[task.id, other.id], ["another-name"]]
