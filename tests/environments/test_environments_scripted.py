"""The scripted chain: its rules, its expert, and the exact values of its scripted student."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest

from honing.environments import record_trace, task_hash, world_named
from honing.environments.scripted import (
    GO_BACK,
    ChainEnvironment,
    ChainOptions,
    Place,
    ScriptedWorld,
    Wrong,
    chain_task,
)
from honing.environments.scripted_truth import (
    CONDITIONS,
    SKILLS,
    ChainPolicy,
    Skill,
    TruthOptions,
    chain_truth,
    condition_by_content,
)
from honing.errors import EnvironmentFaultError, UsageError

LEAF = Place(sign="leaf", wrong=Wrong.STAY, doors=("red", "black", "gold"))
OWL_BACK = Place(sign="owl", wrong=Wrong.BACK, doors=("red", "blue"))
BELL_PIT = Place(sign="bell", wrong=Wrong.PIT, doors=("blue", "red", "gold"))


@dataclass(frozen=True)
class Seen:
    observation: str
    actions: tuple[str, ...]
    patch: str = ""


@dataclass(frozen=True)
class Asked:
    situation: Seen


def at_start(*places: Place, max_steps: int = 15) -> ChainEnvironment:
    environment = ChainEnvironment(max_steps)
    environment.reset(chain_task("made", places))
    return environment


def by_walking(
    environment: ChainEnvironment, policy: ChainPolicy, patch: str = "", patch_steps: int = 99
) -> float:
    """Chance of success by walking every path through the environment itself."""
    step = environment.now()
    if step.done:
        return float(step.success)
    shown = patch if patch_steps > 0 else ""
    logprobs = policy.logprobs([Asked(Seen(step.observation, step.actions, shown))])[0]
    total = 0.0
    for action, logprob in zip(step.actions, logprobs, strict=True):
        if logprob > -math.inf:
            branch = environment.fork()
            branch.step(action)
            total += math.exp(logprob) * by_walking(branch, policy, patch, patch_steps - 1)
    return total


def test_a_right_door_leads_on_and_wrong_ones_lead_back_nowhere_or_into_a_pit() -> None:
    environment = at_start(LEAF, OWL_BACK, BELL_PIT)
    shown = [environment.now().observation]
    for action in (
        "take the red door",
        "take the black door",
        "take the blue door",
        "take the black door",
        "take the red door",
        "take the blue door",
        "call",
    ):
        shown.append(environment.step(action).observation)

    assert [text.split(".")[0] for text in shown] == [
        "Place 1 of 3, the sign shows leaf",
        "Place 1 of 3, the sign shows leaf",
        "Place 2 of 3, the sign shows owl",
        "Place 1 of 3, the sign shows leaf",
        "Place 2 of 3, the sign shows owl",
        "Place 3 of 3, the sign shows bell",
        "A pit at place 3 of 3",
        "A pit at place 3 of 3",
    ]


def test_the_last_door_solves_the_chain_and_no_action_is_left() -> None:
    environment = at_start(LEAF)
    last = environment.step("take the black door")

    assert (last.done, last.success, last.reward, last.actions) == (True, True, 1.0, ())
    with pytest.raises(EnvironmentFaultError, match="the episode is over"):
        environment.step("take the black door")


def test_the_last_step_of_the_world_ends_the_episode_without_success() -> None:
    environment = at_start(LEAF, LEAF, max_steps=1)
    last = environment.step("take the black door")

    assert (last.done, last.success, last.reward) == (True, False, 0.5)


def test_going_back_is_possible_from_the_second_place_on() -> None:
    environment = at_start(LEAF, LEAF)
    first = environment.valid_actions()
    second = environment.step("take the black door").actions

    assert (GO_BACK in first, GO_BACK in second) == (False, True)
    assert environment.step(GO_BACK).observation.startswith("Place 1 of 2,")


def test_an_invalid_action_is_refused_by_name() -> None:
    with pytest.raises(EnvironmentFaultError, match="'take the grey door' cannot be done"):
        at_start(LEAF).step("take the grey door")


def test_one_hard_place_has_the_chance_of_trying_again_and_again() -> None:
    skill = Skill(base=0.25, placebo=0.5, demo=1.0, contrast=0.75, hint=0.0, expert=0.5)
    state = at_start(LEAF, max_steps=2).save()
    truth = chain_truth(state, {"leaf": skill}, TruthOptions(max_steps=2))

    assert truth.p_policy == pytest.approx(0.25 + 0.75 * 0.25)
    assert truth.p_force == 1.0
    assert truth.p_expert == pytest.approx(0.75)
    assert truth.p == pytest.approx(
        {"base": 0.4375, "placebo": 0.625, "demo": 1.0, "contrast": 0.8125, "hint": 0.25}
    )
    assert truth.delta_net() == pytest.approx({"demo": 0.375, "contrast": 0.1875, "hint": -0.375})
    assert (truth.L_local, truth.L_upper) == pytest.approx((0.5625, 0.3125))
    assert pytest.approx(0.375) == truth.ELP_net
    assert truth.entropy == pytest.approx(-(0.25 * math.log(0.25) + 0.75 * math.log(0.75)))


def test_in_a_pit_nothing_is_worth_anything() -> None:
    environment = at_start(BELL_PIT, OWL_BACK)
    environment.step("take the red door")
    truth = chain_truth(environment.save())

    assert (truth.p_policy, truth.p_force, truth.p_expert) == (0.0, 0.0, 0.0)
    assert set(truth.p.values()) == {0.0}


@pytest.mark.parametrize("patch_steps", [1, 2, None])
def test_exact_values_are_those_of_every_path_through_the_environment(patch_steps: int | None) -> None:
    environment = at_start(OWL_BACK, LEAF, BELL_PIT, LEAF, max_steps=7)
    environment.step("take the red door")
    patches = {
        "base": "",
        "placebo": "Some words.",
        "demo": "There: take the black door.",
        "contrast": "Not take the gold door, but take the black door.",
        "hint": "It is about the leaf.",
    }
    options = TruthOptions(max_steps=7, patch_steps=patch_steps, wrong="take the gold door")
    truth = chain_truth(environment.save(), SKILLS, options)
    forced = environment.fork()
    forced.step("take the black door")
    steps = 99 if patch_steps is None else patch_steps

    assert truth.p == pytest.approx(
        {name: by_walking(environment, ChainPolicy(), text, steps) for name, text in patches.items()}
    )
    assert truth.p_policy == pytest.approx(by_walking(environment, ChainPolicy()))
    assert truth.p_force == pytest.approx(by_walking(forced, ChainPolicy()))
    assert truth.p_expert == pytest.approx(by_walking(environment, ChainPolicy(expert=True)))


def test_a_forced_wrong_action_is_worth_what_follows_it() -> None:
    state = at_start(BELL_PIT).save()
    truth = chain_truth(state, SKILLS, TruthOptions(forced="take the red door"))

    assert (truth.p_force, round(truth.L_local, 12)) == (0.0, -0.25)


@pytest.mark.parametrize(
    ("patch", "condition"),
    [
        ("", "base"),
        ("Nothing of note.", "placebo"),
        ("Elsewhere: take the red door.", "placebo"),
        ("There: take the black door.", "demo"),
        ("Not take the red door; take the black door.", "contrast"),
        ("Not go back; take the black door.", "contrast"),
        ("Mind the leaf.", "hint"),
    ],
    ids=["none", "no-content", "other-door", "right-door", "two-doors", "back-and-door", "sign-alone"],
)
def test_a_patch_is_known_by_what_it_names(patch: str, condition: str) -> None:
    step = at_start(LEAF).now()

    assert condition_by_content(Seen(step.observation, step.actions, patch)) == condition


def test_the_student_says_its_stated_chances_from_the_text_alone() -> None:
    step = at_start(LEAF).now()
    asked = [Asked(Seen(step.observation, step.actions, patch)) for patch in ("", "take the black door")]
    skill = Skill(base=0.2, placebo=0.2, demo=0.6, contrast=0.2, hint=0.2, lure=0.75)
    found = ChainPolicy({"leaf": skill}).logprobs(asked)

    assert [[math.exp(value) for value in row] for row in found] == [
        pytest.approx([0.6, 0.2, 0.2]),
        pytest.approx([0.3, 0.6, 0.1]),
    ]


def test_the_expert_solves_every_chain_without_a_detour() -> None:
    world = ScriptedWorld()
    environment = world.make()
    lengths = []
    for task in world.tasks("expert", 50):
        step = environment.reset(task)
        while not step.done:
            step = environment.step(environment.expert_action())
        lengths.append((step.success, environment.steps_taken))

    assert lengths == [(True, 6)] * 50


def test_who_lacks_a_fact_takes_the_first_wrong_door_under_its_sign() -> None:
    environment = at_start(LEAF)

    assert environment.expert_action() == "take the black door"
    assert environment.expert_action(["sign_leaf"]) == "take the black door"
    assert environment.expert_action([]) == "take the red door"


def test_tags_name_the_hard_signs_of_a_chain() -> None:
    assert chain_task("made", [LEAF, OWL_BACK, BELL_PIT]).tags == ("sign_bell", "sign_leaf")
    assert set(ScriptedWorld.facts) == {"sign_leaf", "sign_bell", "sign_fish", "sign_tree"}


def test_splits_share_no_chain_and_longer_lists_begin_with_shorter_ones() -> None:
    world = ScriptedWorld()
    environment = world.make()
    chains = {
        (split, seed): [
            task_hash(environment.reset(task), task) for task in world.tasks(split, 40, seed=seed)
        ]
        for split in ("collect", "evaluate")
        for seed in (0, 1)
    }

    assert len({chain for found in chains.values() for chain in found}) == 160
    assert world.tasks("collect", 5) == world.tasks("collect", 40)[:5]


def test_a_saved_state_is_small_and_goes_on_alike_in_a_fresh_environment() -> None:
    world = ScriptedWorld()
    environment = world.make()
    task = world.tasks("collect", 1)[0]
    environment.reset(task)
    environment.step(environment.expert_action())
    state = json.loads(json.dumps(environment.save()))
    fresh = world.make()
    fresh.restore(state)
    ahead = [environment.expert_action(), GO_BACK]

    assert len(json.dumps(state)) < 1024
    assert [fresh.step(action).hash() for action in ahead] == [
        environment.step(action).hash() for action in ahead
    ]
    assert fresh.save() == environment.save()


def test_a_fork_does_not_move_what_it_came_from() -> None:
    environment = at_start(LEAF, OWL_BACK)
    before = environment.now().hash()
    environment.fork().step("take the black door")

    assert environment.now().hash() == before


def test_a_trace_replays_with_the_same_hashes() -> None:
    world = ScriptedWorld()
    task = world.tasks("collect", 1)[0]
    environment = world.make()
    environment.reset(task)
    actions = [environment.valid_actions()[0]]

    assert record_trace(world.make(), task, actions) == record_trace(environment, task, actions)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"task": {"id": "x", "seed": 0}, "place": 0, "pit": False, "steps": 0},
        {**at_start(LEAF).save(), "place": 2},
        {**at_start(LEAF).save(), "steps": 16},
    ],
    ids=["empty", "no-chain", "behind-the-end", "too-late"],
)
def test_a_state_that_cannot_be_is_refused(state: dict[str, object]) -> None:
    with pytest.raises(EnvironmentFaultError):
        ChainEnvironment(15).restore(state)


def test_nothing_can_be_asked_before_a_reset() -> None:
    with pytest.raises(EnvironmentFaultError, match="call reset"):
        ChainEnvironment(15).now()


def test_the_registry_makes_the_world_and_refuses_unknown_options() -> None:
    world = world_named("scripted", {"length": 3, "max_steps": 8})

    assert world.identity() == {
        "name": "scripted",
        "version": 1,
        "length": 3,
        "doors": 4,
        "max_steps": 8,
        "hard_share": 0.35,
        "pit_share": 0.2,
        "stay_share": 0.2,
    }
    with pytest.raises(UsageError, match="no option 'size'"):
        world_named("scripted", {"size": 3})


def test_doors_beyond_the_colours_are_refused() -> None:
    with pytest.raises(UsageError, match="doors from 2 to 8"):
        ScriptedWorld(ChainOptions(doors=9))


def test_every_condition_of_the_table_is_a_chance() -> None:
    assert all(0 <= getattr(skill, name) <= 1 for skill in SKILLS.values() for name in CONDITIONS)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("take the red door", "door"), ("go back", "back"), ("climb", "climb")],
    ids=["a door", "the way back", "in a pit"],
)
def test_actions_have_kinds(action: str, kind: str) -> None:
    assert ScriptedWorld().kind(action) == kind
