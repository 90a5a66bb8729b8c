"""What holds for every policy."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tiny_students import tiny_model

from honing.environments.scripted import ScriptedWorld
from honing.errors import UsageError
from honing.learn import (
    ChatOptions,
    ChatPolicy,
    Expert,
    Keep,
    MockPolicy,
    Policy,
    RandomPolicy,
    Situation,
    Start,
    Turn,
    policy_from,
    roll_out,
)
from honing.llm import Client, Endpoint, ScriptedModel, ScriptedServer, last_user_text

WORLD = ScriptedWorld()
TEACH = [pytest.mark.teach]


def chat(_: Path) -> Iterator[Policy]:
    """A model that takes the last action of the list."""
    model = ScriptedModel(lambda request: last_user_text(request).rsplit(". ", 1)[-1])
    with (
        ScriptedServer(model) as server,
        Client(Endpoint(base_url=server.base_url, wire="openai_chat")) as client,
    ):
        yield ChatPolicy(client, "scripted", options=ChatOptions(alternatives=0))


def student(folder: Path) -> Iterator[Policy]:
    checkpoint = tiny_model(folder / "student", "llama")
    yield policy_from({"kind": "student", "checkpoint": str(checkpoint)})


MAKERS: dict[str, Callable[[Path], Iterator[Policy]]] = {
    "expert": lambda _: iter([Expert()]),
    "partial expert": lambda _: iter([Expert(knows=["sign_leaf"])]),
    "random": lambda _: iter([RandomPolicy()]),
    "mock": lambda _: iter([MockPolicy(seed=3)]),
    "chat": chat,
    "student": student,
}


@pytest.fixture(
    scope="module", params=[pytest.param(n, marks=TEACH if n == "student" else []) for n in MAKERS]
)
def policy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Policy]:
    yield from MAKERS[request.param](tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="module")
def turns() -> list[Turn]:
    """Situations on the way of a random walk, each with an environment that stands there."""
    starts = [Start(task=task) for task in WORLD.tasks("collect", 3)]
    found = []
    for episode in roll_out(RandomPolicy(), WORLD, starts, temperature=1.0, seed=0, keep=Keep.STATES):
        for number, move in enumerate(episode.moves[:6]):
            environment = WORLD.make()
            environment.restore(move.state or {})
            situation = Situation(
                goal=episode.goal,
                observation=move.observation,
                history=episode.actions[:number],
                actions=move.actions,
            )
            found.append(Turn(situation=situation, environment=environment))
    return found


def close(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(a == b or abs(a - b) < 1e-5 for one, other in pairs for a, b in zip(one, other, strict=True))


def test_every_turn_gets_a_distribution_over_its_actions(policy: Policy, turns: list[Turn]) -> None:
    found = policy.logprobs(turns)

    assert [len(scores) for scores in found] == [len(turn.situation.actions) for turn in turns]
    assert [math.fsum(map(math.exp, scores)) for scores in found] == pytest.approx([1.0] * len(turns))


def test_a_turn_has_the_same_distribution_alone_in_any_order_and_again(
    policy: Policy, turns: list[Turn]
) -> None:
    expected = policy.logprobs(turns)

    assert close(policy.logprobs(turns), expected)
    assert close(policy.logprobs(turns[::-1])[::-1], expected)
    assert close([policy.logprobs([turn])[0] for turn in turns], expected)


def test_asking_changes_no_environment(policy: Policy, turns: list[Turn]) -> None:
    before = [turn.environment.save() for turn in turns if turn.environment]
    policy.logprobs(turns)

    assert [turn.environment.save() for turn in turns if turn.environment] == before


def test_no_turns_are_no_distributions(policy: Policy) -> None:
    assert policy.logprobs([]) == []


def test_a_policy_has_a_name_and_an_identity_that_stays(policy: Policy) -> None:
    assert policy.name
    assert policy.identity() == policy.identity() != ""


def test_an_episode_is_played_to_its_end(policy: Policy) -> None:
    start = Start(task=WORLD.tasks("collect", 1)[0])
    episode = roll_out(policy, WORLD, [start], temperature=1.0, seed=0)[0]

    assert (episode.policy, episode.tampered, episode.invalid_turns) == (policy.name, "", 0)
    assert episode.success or len(episode.actions) == WORLD.max_steps


def test_random_is_indifferent_and_the_expert_certain(turns: list[Turn]) -> None:
    seen, environment = turns[0].situation, turns[0].environment
    right = environment.expert_action()  # type: ignore[union-attr]

    assert RandomPolicy().logprobs(turns[:1]) == [(-math.log(len(seen.actions)),) * len(seen.actions)]
    assert Expert().logprobs(turns[:1]) == [
        tuple(0.0 if action == right else -math.inf for action in seen.actions)
    ]


def test_an_expert_who_lacks_facts_acts_as_one_ignorant_of_them() -> None:
    starts = [Start(task=task) for task in WORLD.tasks("collect", 30) if "sign_tree" in task.tags]
    shares = [
        sum(e.success for e in roll_out(Expert(knows=knows), WORLD, starts, temperature=0.0, seed=0))
        for knows in (None, WORLD.facts, ["sign_leaf", "sign_bell", "sign_fish"])
    ]

    assert shares[0] == shares[1] == len(starts) > shares[2]


def test_the_mock_has_opinions_of_actions_and_not_of_their_order() -> None:
    def asked(*actions: str, **changed: Any) -> dict[str, float]:
        seen = Situation(**{"goal": "g", "observation": "o", "actions": actions, **changed})
        found = MockPolicy(seed=changed.pop("seed", 0)).logprobs([Turn(situation=seen)])[0]
        return {action: round(value, 12) for action, value in zip(actions, found, strict=True)}

    assert asked("a", "b", "c") == asked("c", "a", "b")
    assert asked("a", "b") == asked("a", "b", history=("x",))
    assert asked("a", "b") != asked("a", "b", observation="p")
    assert asked("a", "b") != asked("a", "b", patch="p")
    assert MockPolicy(sharpness=0).logprobs(
        [Turn(situation=Situation(goal="g", observation="o", actions=("a", "b")))]
    ) == [(-math.log(2), -math.log(2))]


@pytest.mark.parametrize(
    ("document", "kind", "identity"),
    [
        ({"kind": "expert"}, Expert, "expert"),
        ({"kind": "expert", "knows": ["b", "a"]}, Expert, "expert:a,b"),
        ({"kind": "random", "seed": 4}, RandomPolicy, "random"),
        ({"kind": "mock", "seed": 4, "sharpness": 2}, MockPolicy, "mock:4:2"),
    ],
    ids=["the expert", "an expert who knows something", "random", "mock"],
)
def test_a_document_names_a_policy(document: dict[str, Any], kind: type, identity: str) -> None:
    found = policy_from(document)

    assert (type(found), found.identity()) == (kind, identity)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"kind": "wise"}, "no kind of policy 'wise'; expected one of student, expert, random, mock"),
        ({}, "no kind of policy None"),
        ({"kind": "mock", "sharp": 1}, "unexpected keyword argument 'sharp'"),
        ({"kind": "student"}, "checkpoint"),
    ],
    ids=["an unknown kind", "no kind", "an unknown option", "no checkpoint"],
)
def test_a_document_that_names_none_is_refused(document: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        policy_from(document)

    assert told in str(refused.value)


@pytest.mark.teach
def test_a_process_loads_a_student_once_and_hands_it_out_without_remembered_scores(tmp_path: Path) -> None:
    first, second, third = (
        {"kind": "student", "checkpoint": str(tiny_model(tmp_path / name, "gpt2", seed=seed)), "history": 2}
        for seed, name in enumerate(("one", "two", "three"))
    )
    asked = [Turn(situation=Situation(goal="g", observation="o", actions=("look", "take")))]
    student: Any = policy_from(first)
    before = student.logprobs(asked)
    rows: list[int] = []
    student.model.register_forward_pre_hook(lambda module, inputs: rows.append(1))

    assert policy_from(first) is student
    assert policy_from(second) is not student
    assert (policy_from(first), student.logprobs(asked), rows) == (student, before, [1])
    policy_from(second)
    policy_from(third)
    assert policy_from(first) is not student
    assert student.prompt.history == 2
