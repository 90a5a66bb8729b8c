"""The shop: goals can be reached, ignorance costs, rewards add up, states go on exactly."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from honing.environments import KnowsBest, Step, Task, record_trace, task_hash, world_named
from honing.environments.shop import ShopWorld
from honing.environments.shop.world import ShopEnvironment
from honing.errors import EnvironmentFaultError, UsageError

SHOP = ShopWorld.from_options({})


def played(environment: ShopEnvironment, task: Task, knows: Collection[str] | None) -> list[Step]:
    steps = [environment.reset(task)]
    while not steps[-1].done:
        steps.append(environment.step(environment.expert_action(knows)))
    return steps


def task_for(**wanted: object) -> Task:
    """The first task that needs exactly these families of facts."""
    for task in SHOP.tasks("test", 3000):
        if {tag.partition(":")[0] for tag in task.tags} == set(wanted):
            return task
    raise AssertionError(wanted)


@pytest.fixture(scope="module")
def known() -> list[list[Step]]:
    environment = SHOP.make()
    return [played(environment, task, None) for task in SHOP.tasks("conformance", 400)]


def test_an_expert_who_knows_all_reaches_400_of_400_goals_in_about_four_steps(
    known: list[list[Step]],
) -> None:
    steps = [len(episode) - 1 for episode in known]

    assert [episode[-1].success for episode in known] == [True] * 400
    assert [episode[-1].reward for episode in known] == [1.0] * 400
    assert 3.8 < statistics.mean(steps) < 4.6
    assert max(steps) <= SHOP.max_steps


def test_what_an_agent_reads_and_chooses_among_is_small(known: list[list[Step]]) -> None:
    moments = [step for episode in known for step in episode[:-1]]
    words = [len(f"{step.goal} {step.observation}".split()) for step in moments]

    assert 14 < statistics.mean(words) < 24
    assert 6 < statistics.mean(len(step.actions) for step in moments) < 7.5
    assert all(len(set(step.actions)) == len(step.actions) for step in moments)


def test_goals_need_facts_in_the_shares_of_the_options() -> None:
    gaps = Counter(len(task.tags) for task in SHOP.tasks("shares", 2000))

    assert {key: round(gaps[key] / 2000, 1) for key in gaps} == {0: 0.4, 1: 0.4, 2: 0.2}
    assert abs(gaps[0] / 2000 - 0.45) < 0.03


def test_every_tag_is_a_fact_and_nearly_every_fact_is_needed_by_some_goal() -> None:
    tags = {tag for task in SHOP.tasks("tags", 2000) for tag in task.tags}

    assert tags <= set(SHOP.facts)
    assert len(tags) >= len(SHOP.facts) - 2


@pytest.mark.parametrize(
    ("family", "reward"),
    [("shoe_size", 3 / 4), ("price_limit", 3 / 4), ("next_page", 1 / 3)],
    ids=["buys without a size", "buys the dear one", "takes a sponsored one"],
)
def test_who_lacks_the_one_fact_that_a_goal_needs_buys_the_wrong_thing(family: str, reward: float) -> None:
    environment = SHOP.make()
    tasks = [task for task in SHOP.tasks("lacking", 800) if [*map(_family, task.tags)] == [family]]
    endings = [played(environment, task, ())[-1] for task in tasks]

    assert len(tasks) > 20
    assert {(ending.success, ending.reward) for ending in endings} <= {(False, reward), (False, 2 / 3)}
    assert sum(ending.reward == reward for ending in endings) > len(endings) / 2


def test_who_lacks_a_word_for_a_colour_finds_it_by_luck_only() -> None:
    environment = SHOP.make()
    tasks = [t for t in SHOP.tasks("lacking", 1500) if [*map(_family, t.tags)] == ["colour_synonym"]]
    endings = [played(environment, task, ())[-1].success for task in tasks]

    assert statistics.mean(endings) < 0.35
    assert len(tasks) > 50


def test_a_demonstrator_needs_the_fact_of_the_goal_and_no_other() -> None:
    environment = SHOP.make()
    tasks = SHOP.tasks("exactly", 300)

    assert [played(environment, task, task.tags)[-1].success for task in tasks] == [True] * 300


def _family(tag: str) -> str:
    return tag.partition(":")[0]


def test_a_purchase_earns_the_share_of_constraints_it_meets_and_ends_the_episode() -> None:
    environment = SHOP.make()
    task = task_for(shoe_size=1, price_limit=1)
    environment.reset(task)
    environment.step(environment.expert_action())
    environment.step(environment.expert_action())
    dear = environment.step("click[buy]")

    assert (dear.reward, dear.done, dear.success, dear.actions) == (3 / 5, True, False, ())
    with pytest.raises(
        EnvironmentFaultError, match=f"{task.id}: 'click.buy.' is no valid action: the episode is"
    ):
        environment.step("click[buy]")


def test_the_step_that_reaches_the_limit_ends_the_episode_without_reward() -> None:
    environment = ShopWorld.from_options({"max_steps": 3}).make()
    environment.reset(SHOP.tasks("limit", 1)[0])
    environment.step(environment.expert_action())
    environment.step("click[back]")
    last = environment.step(environment.expert_action())

    assert (last.reward, last.done, last.success, last.actions) == (0.0, True, False, ())


def test_an_unknown_action_names_the_valid_ones_and_changes_nothing() -> None:
    environment = SHOP.make()
    before = environment.reset(SHOP.tasks("odd", 1)[0])

    with pytest.raises(EnvironmentFaultError, match=r"'dance' is no valid action: there are search\["):
        environment.step("dance")
    assert (environment.now(), environment.steps_taken) == (before, 0)


def test_a_saved_state_is_small_flat_json_that_goes_on_exactly_in_another_shop() -> None:
    sizes, equal = [], []
    for task in SHOP.tasks("saved", 60):
        environment, other = SHOP.make(), world_named("shop").make()
        step = environment.reset(task)
        while not step.done:
            state = json.loads(json.dumps(environment.save()))
            sizes.append(len(json.dumps(state, separators=(",", ":"))))
            action = environment.expert_action(())
            shown = other.restore(state)
            step = environment.step(action)
            equal.append((shown.hash() != step.hash(), other.step(action) == step, other.task == task))
            assert all(not isinstance(value, dict | list) for value in state.values())

    assert set(equal) == {(True, True, True)}
    assert statistics.mean(sizes) < 290


def test_a_fork_goes_its_own_way() -> None:
    environment = SHOP.make()
    task = SHOP.tasks("fork", 1)[0]
    environment.reset(task)
    environment.step(environment.expert_action())
    here = environment.now()
    twin = environment.fork()
    twin.step(twin.valid_actions()[0])

    assert environment.now() == here
    assert twin.now() != here
    assert (twin.task, twin.steps_taken, environment.steps_taken) == (task, 2, 1)


def _changed(key: str, value: Any) -> dict[str, Any]:
    environment = SHOP.make()
    environment.reset(SHOP.tasks("changed", 1)[0])
    environment.step(environment.expert_action())
    return {**environment.save(), key: value}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (_changed("query", "red wool hat"), "shows something else here"),
        (_changed("page", "cellar"), "no saved state of the shop"),
        (_changed("product", 10_000), "no parameters of a task of this shop"),
        (_changed("word", "plaid"), "belongs to a shop with other options"),
        ({}, "no saved state of the shop"),
    ],
    ids=["another search", "no such page", "no such product", "no such colour", "empty"],
)
def test_a_state_that_is_not_one_of_this_shop_is_refused(state: dict[str, Any], said: str) -> None:
    with pytest.raises(EnvironmentFaultError, match=said):
        SHOP.make().restore(state)


def test_a_state_of_a_shop_with_another_catalogue_is_refused() -> None:
    environment = SHOP.make()
    environment.reset(SHOP.tasks("other", 1)[0])
    environment.step(environment.expert_action())

    with pytest.raises(EnvironmentFaultError):
        ShopWorld.from_options({"seed": 1}).make().restore(environment.save())


def test_an_environment_without_an_episode_says_so() -> None:
    environment = SHOP.make()
    fork = SHOP.make().fork

    for ask in (environment.now, environment.save, environment.valid_actions, fork):
        with pytest.raises(EnvironmentFaultError, match="call `reset` or `restore` first"):
            ask()


def test_splits_share_no_task_and_longer_lists_begin_with_shorter_ones() -> None:
    environment = SHOP.make()
    splits = ("warm_start", "replay", "collect", "expert", "validation", "evaluate", "retention")
    tasks = {split: SHOP.tasks(split, 200) for split in splits}
    hashes = [task_hash(environment.reset(task), task) for found in tasks.values() for task in found]

    assert len(set(hashes)) == len(hashes) == 1400
    assert SHOP.tasks("collect", 50) == tasks["collect"][:50]
    assert SHOP.tasks("collect", 50, seed=1) != tasks["collect"][:50]


def test_no_product_of_a_held_out_goal_is_asked_for_elsewhere() -> None:
    asked = {
        split: {task.parameters["product"] for task in SHOP.tasks(split, 1000)}
        for split in ("warm_start", "collect", "evaluate", "retention")
    }

    assert (asked["warm_start"] | asked["collect"]) & (asked["evaluate"] | asked["retention"]) == set()
    assert len(asked["evaluate"]) > 50


def test_a_split_whose_name_cannot_be_in_a_file_name_is_refused() -> None:
    with pytest.raises(EnvironmentFaultError, match=r"'\.\./up' cannot be part"):
        SHOP.tasks("../up", 1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_product": 600}, "no option 'n_product'. It has n_products"),
        ({"n_categories": 3}, "n_categories is 3, expected 4 to 16"),
        ({"n_products": 100}, "n_products is 100, expected 240 to 960"),
        ({"facts": ["magic"]}, "facts names 'magic', expected some of colour_synonym"),
        ({"gaps": {0: 0.5}}, "gaps sum to 0.5, expected 1"),
        ({"gaps": {3: 1.0}}, "expected shares of 0, 1 and 2"),
        ({"facts": ["shoe_size"], "gaps": {2: 1.0}}, "2 facts at once"),
        ({"facts": ["shoe_size", "next_page"], "gaps": {2: 1.0}}, "2 facts at once"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"max_steps": "15"}, "must be whole numbers"),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", r"\.")):
        ShopWorld.from_options(options)


@pytest.mark.parametrize(
    "options",
    [
        {"n_products": 240, "n_categories": 4, "facts": [], "gaps": {"0": 1.0}},
        {"n_products": 960, "n_categories": 16, "gaps": {"2": 1.0}, "seed": 3},
        {"n_products": 960, "n_categories": 12},
    ],
    ids=["small, no facts", "large, two facts each", "every look there is"],
)
def test_other_shops_can_be_solved_too(options: dict[str, Any]) -> None:
    shop = ShopWorld.from_options(options)
    environment = shop.make()
    tasks = shop.tasks("other", 150)

    assert [played(environment, task, None)[-1].success for task in tasks] == [True] * 150
    assert shop.identity() == ShopWorld.from_options(options).identity() != SHOP.identity()


def test_actions_have_kinds_and_back_is_an_escape() -> None:
    actions = [
        "search[red hat]",
        "click[red wool 2]",
        "click[next]",
        "click[back]",
        "click[price]",
        "click[size 9]",
    ]
    actions += ["click[details]", "click[buy]", "jump"]

    assert [SHOP.kind(action) for action in actions] == [
        "search", "open", "next", "back", "price", "size", "details", "buy", "",
    ]  # fmt: skip
    assert set(SHOP.escapes) == {"back"}


def test_from_wherever_a_wanderer_is_the_expert_still_gets_there() -> None:
    environment = SHOP.make()
    endings = []
    for place, task in enumerate(SHOP.tasks("wander", 200)):
        step = environment.reset(task)
        for turn in range(5):
            others = [action for action in step.actions if action != "click[buy]"]
            step = environment.step(others[(7 * place + 3 * turn) % len(others)])
        while not step.done:
            step = environment.step(environment.expert_action())
        endings.append(step.success)

    assert statistics.mean(endings) == 1.0


def test_the_environment_is_one_with_an_expert_who_has_nothing_to_say_at_the_end() -> None:
    environment = SHOP.make()
    played(environment, SHOP.tasks("end", 1)[0], None)

    assert isinstance(environment, KnowsBest)
    with pytest.raises(EnvironmentFaultError, match="the episode is over"):
        environment.expert_action()


_SHOW = """
import hashlib
from honing.environments import record_trace, world_named
shop = world_named("shop", {"seed": 5})
environment, found = shop.make(), []
for task in shop.tasks("process", 40):
    step, actions = environment.reset(task), []
    while not step.done:
        actions.append(environment.expert_action(shop.facts[::2]))
        step = environment.step(actions[-1])
    found += record_trace(environment, task, actions).hashes
print(hashlib.sha256("".join(found).encode()).hexdigest())
"""


def test_another_process_with_another_hash_seed_shows_the_same(tmp_path: Path) -> None:
    script = tmp_path / "show.py"
    script.write_text(_SHOW, encoding="utf-8")
    shown = [
        subprocess.run(
            [sys.executable, str(script)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    shop = ShopWorld.from_options({"seed": 5})
    environment = shop.make()
    found: list[str] = []
    for task in shop.tasks("process", 40):
        step = environment.reset(task)
        actions: list[str] = []
        while not step.done:
            actions.append(environment.expert_action(shop.facts[::2]))
            step = environment.step(actions[-1])
        found += record_trace(environment, task, actions).hashes

    assert shown == [hashlib.sha256("".join(found).encode()).hexdigest() + "\n"] * 2
