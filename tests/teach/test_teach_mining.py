"""Which moments become snapshots."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from teach_runs import a_snapshot, chain_episodes, chain_world

from honing.teach.mining.choosing import moments, sampled, snapshot_at, unique_ids, with_panel
from honing.teach.study_spec import MineSpec

EPISODES = chain_episodes(60)
FAILED = [episode for episode in EPISODES if not episode.success]
KIND = chain_world().kind


def taken(**changes: object) -> list[str]:
    options = {"per_episode": 1, "stratify": True, "limit": 1000, "seed": 0, **changes}
    return [one.id for one in moments(FAILED, KIND, **options)]  # type: ignore[arg-type]


def test_a_failed_episode_gives_one_snapshot_that_shows_what_its_step_showed() -> None:
    found = moments(FAILED, KIND, per_episode=1, stratify=True, limit=1000, seed=0)
    by_task = {episode.task.id: episode for episode in FAILED}

    assert [one.the_task().id for one in found] == list(by_task)
    for snapshot in found:
        episode, number = by_task[snapshot.the_task().id], snapshot.step_index
        move = episode.moves[number]
        assert snapshot == snapshot_at(episode, number, KIND)
        assert (snapshot.observation, snapshot.valid_actions, snapshot.action, snapshot.env_state) == (
            move.observation,
            list(move.actions),
            move.action,
            dict(move.state or {}),
        )
        assert snapshot.history == list(episode.actions[:number])
        assert snapshot.rewards == [earlier.reward for earlier in episode.moves[:number]]
        assert (snapshot.n_steps, snapshot.start_observation) == (
            len(episode.actions),
            episode.moves[0].observation,
        )


def test_kinds_of_action_come_more_evenly_when_stratified() -> None:
    def spread(*, stratify: bool) -> int:
        found = moments(FAILED, KIND, per_episode=1, stratify=stratify, limit=1000, seed=0)
        counts = Counter(one.action_kind for one in found)
        return max(counts.values()) - min(counts[kind] for kind in ("door", "back", "climb", "call"))

    assert spread(stratify=True) < spread(stratify=False) / 2


def test_the_same_seed_takes_the_same_moments_and_another_seed_others() -> None:
    assert taken() == taken()
    assert taken(seed=1) != taken()


def test_the_order_in_which_episodes_were_read_decides_nothing_but_the_order() -> None:
    backwards = moments(FAILED[::-1], KIND, per_episode=1, stratify=False, limit=1000, seed=0)

    assert [one.id for one in backwards] == taken(stratify=False)[::-1]


def test_several_moments_of_an_episode_are_different_steps() -> None:
    found = taken(per_episode=3)

    assert len(found) == len(set(found)) == sum(min(3, len(episode.moves)) for episode in FAILED)


def test_the_limit_holds() -> None:
    assert len(taken(limit=7)) == 7


def test_a_moment_with_a_single_action_is_not_taken() -> None:
    move = FAILED[0].moves[0]
    lonely = replace(FAILED[0], moves=(replace(move, actions=(move.action,)),))

    assert moments([lonely], KIND, per_episode=1, stratify=True, limit=10, seed=0) == []


def test_later_snapshots_of_one_id_get_a_number() -> None:
    one = a_snapshot()

    assert [each.id for each in unique_ids([one, one, a_snapshot(id="x"), one])] == [
        "t1-s00",
        "t1-s00.2",
        "x",
        "t1-s00.3",
    ]


@given(
    st.lists(st.sampled_from("abcdefgh"), max_size=40),
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(0, 5),
)
def test_the_panel_has_its_share_and_no_task_of_the_training_side(
    tasks: list[str], limit: int, panel: int, seed: int
) -> None:
    snapshots = [a_snapshot(id=f"s{number}", task_hash=task) for number, task in enumerate(tasks)]
    spec = MineSpec(max_snapshots=limit, failure_panel=panel)

    found = with_panel(snapshots, spec, seed=seed)

    sides = {side: {one.task_hash for one in found if one.split == side} for side in ("train", "panel")}
    assert sides["train"].isdisjoint(sides["panel"])
    assert [one.id for one in found] == [one.id for one in snapshots]
    wanted = round(len(tasks) * min(0.5, panel / limit))
    largest = max(Counter(tasks).values(), default=0)
    assert wanted - largest < sum(one.split == "panel" for one in found) <= wanted or not tasks


def test_an_expert_gives_about_its_share_of_steps() -> None:
    shown = chain_episodes(60, policy={"kind": "expert"}, split="expert")
    steps = sum(len(episode.moves) for episode in shown)

    found = sampled(shown, KIND, MineSpec(sample_rate=0.25), seed=0)

    assert steps == 240
    assert 40 <= len(found) <= 80
    assert {one.source for one in found} == {"expert"}


def test_a_larger_sample_holds_the_smaller_one() -> None:
    shown = chain_episodes(30, policy={"kind": "expert"}, split="expert")

    few = sampled(shown, KIND, MineSpec(sample_rate=0.2), seed=0)
    more = sampled(shown, KIND, MineSpec(sample_rate=0.6), seed=0)
    every = sampled(shown, KIND, MineSpec(sample_rate=1.0), seed=0)

    assert {one.id for one in few} < {one.id for one in more} < {one.id for one in every}
    assert len(every) == sum(len(episode.moves) for episode in shown)


def test_steps_without_a_saved_state_are_taken_only_where_none_is_required() -> None:
    (shown,) = chain_episodes(1, policy={"kind": "expert"}, split="expert")
    partly = replace(shown, moves=(replace(shown.moves[0], state=None), *shown.moves[1:]))

    counts = [
        len(sampled([partly], KIND, MineSpec(sample_rate=1.0, require_env_state=required), seed=0))
        for required in (True, False)
    ]

    assert counts == [3, 4]


def test_an_experts_sample_is_thinned_to_the_limit() -> None:
    shown = chain_episodes(30, policy={"kind": "expert"}, split="expert")

    assert len(sampled(shown, KIND, MineSpec(sample_rate=1.0, max_snapshots=17), seed=0)) == 17
