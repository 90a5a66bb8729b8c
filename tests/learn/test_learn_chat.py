from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from honing.environments.scripted import ChainOptions, ScriptedWorld
from honing.errors import ModelRequestError, ModelServerError
from honing.executors import ThreadsExecutor, run_map
from honing.learn import ChatOptions, ChatPolicy, Situation, Start, Turn, roll_out
from honing.learn.policies import ChatCounts
from honing.learn.policies.chat_choice import labels_for, read_choice, read_logprobs
from honing.llm import (
    Client,
    Endpoint,
    ModelReply,
    ModelRequest,
    ScriptedModel,
    ScriptedServer,
    Usage,
    last_user_text,
)
from honing.store import Run

ACTIONS = ("open", "go left", "wait")
PRICE = {"gpt-4o-mini": Decimal("0.000003")}
WORDS = ChatOptions(alternatives=0, structured=False)


def turn(*actions: str, observation: str = "a door") -> Turn:
    return Turn(situation=Situation(goal="leave", observation=observation, actions=actions or ACTIONS))


@contextmanager
def chatting(
    function: Callable[[ModelRequest], str | ModelReply],
    options: ChatOptions = WORDS,
    **given: Any,
) -> Iterator[tuple[ChatPolicy, list[ModelRequest]]]:
    """A chat policy on a real client of a loopback server that answers by a function."""
    asked: list[ModelRequest] = []

    def answer(request: ModelRequest) -> str | ModelReply:
        asked.append(request)
        return function(request)

    with (
        ScriptedServer(ScriptedModel(answer)) as server,
        Client(Endpoint(base_url=server.base_url, wire="openai_chat", key="sk-test")) as client,
    ):
        yield ChatPolicy(client, "gpt-4o-mini", options=options, **given), asked


def token(text: str, top: Mapping[str, float]) -> dict[str, Any]:
    return {"token": text, "logprob": top[text], "top": dict(top)}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("open", 0),
        ("  go left\n", 1),
        ("B", 1),
        ("B.", 1),
        ("(C)", 2),
        ("B) go left", 1),
        ("A. open", 0),
        ('{"action": "wait"}', 2),
        ('{"action": "C"}', 2),
        ("Open", None),
        ("open the door", None),
        ("I would go left", None),
        ("A or B", None),
        ("A. wait", None),
        ("D", None),
        ("b", None),
        ("", None),
        ('{"action": "fly"}', None),
        ('{"action": "open", "and": "wait"}', None),
        ('{"action": 1}', None),
        ('{"action": "open"', None),
    ],
    ids=repr,
)
def test_a_reply_names_an_action_only_where_it_is_nothing_else(said: str, expected: int | None) -> None:
    assert read_choice(said, ACTIONS) == expected


@pytest.mark.parametrize(
    "actions",
    [tuple(str(number) for number in range(27)), ("B", "open")],
    ids=["more actions than letters", "an action that is a letter"],
)
def test_without_letters_an_action_must_be_written_out(actions: tuple[str, ...]) -> None:
    assert labels_for(actions) == ()
    assert [read_choice(actions[1], actions), read_choice("A", actions)] == [1, None]


def test_alternatives_become_a_distribution_over_the_letters() -> None:
    top = {"A": math.log(0.5), " B": math.log(0.2), "B": math.log(0.1), "no": math.log(0.1)}
    found = read_logprobs([token("A", top)], ACTIONS)

    # The third letter is not among the alternatives: it gets what is left, the tenth.
    whole = 0.5 + 0.3 + 0.1
    assert found is not None
    assert [math.exp(value) for value in found] == pytest.approx([0.5 / whole, 0.3 / whole, 0.1 / whole])


def test_a_letter_that_is_not_among_the_alternatives_is_no_likelier_than_the_least_of_them() -> None:
    top = {"A": math.log(0.6), "B": math.log(0.01)}
    found = read_logprobs([token("A", top)], ACTIONS)

    assert found is not None
    assert [math.exp(value) for value in found] == pytest.approx([0.6 / 0.62, 0.01 / 0.62, 0.01 / 0.62])


@pytest.mark.parametrize(
    "given",
    [[], [token(" ", {" ": 0.0})], [token("I", {"I": -0.1, "a": -3.0})]],
    ids=["no token", "only blanks", "no letter"],
)
def test_alternatives_without_a_letter_say_nothing(given: list[dict[str, Any]]) -> None:
    assert read_logprobs(given, ACTIONS) is None


def test_blanks_before_the_letter_are_passed_over() -> None:
    found = read_logprobs([token("\n", {"\n": 0.0}), token("B", {"B": 0.0})], ACTIONS)

    assert found is not None
    assert max(range(3), key=found.__getitem__) == 1


def test_the_chosen_action_is_certain_where_the_model_is_asked_once() -> None:
    with chatting(lambda request: "B. go left") as (policy, asked):
        found = policy.logprobs([turn()])

    assert found == [(-math.inf, 0.0, -math.inf)]
    assert last_user_text(asked[0]) == (
        "Goal: leave\nActions so far: -\nYou see: a door\n\n"
        "Answer with the letter of one of these actions, alone:\nA. open\nB. go left\nC. wait"
    )
    assert asked[0].sampling.as_dict() == {"temperature": 0.0, "max_tokens": 64}


def test_shares_of_several_replies_are_the_distribution() -> None:
    replies = iter(["open", "wait", "open", "open"])
    options = ChatOptions(alternatives=0, structured=False, samples=4, temperature=1.0, parallel=1)
    with chatting(lambda request: next(replies), options) as (policy, _):
        found = policy.logprobs([turn()])

    assert found == [(math.log(3 / 4), -math.inf, math.log(1 / 4))]


def test_log_probabilities_are_taken_where_the_server_gives_them() -> None:
    top = {"A": math.log(0.25), "B": math.log(0.5), "C": math.log(0.25)}
    with chatting(lambda request: ModelReply(text="B", logprobs=[token("B", top)]), ChatOptions()) as (
        policy,
        asked,
    ):
        found = policy.logprobs([turn()])

    assert [math.exp(value) for value in found[0]] == pytest.approx([0.25, 0.5, 0.25])
    assert (len(asked), asked[0].sampling.logprobs, asked[0].sampling.temperature) == (1, 20, 1.0)


def test_a_server_without_log_probabilities_is_asked_for_them_once() -> None:
    with chatting(lambda request: "open", ChatOptions(structured=False, parallel=1)) as (policy, asked):
        found = policy.logprobs([turn(observation=str(number)) for number in range(3)])

    assert found == [(0.0, -math.inf, -math.inf)] * 3
    assert [request.sampling.logprobs for request in asked] == [20, None, None, None]


def test_a_schema_allows_nothing_but_the_actions() -> None:
    with chatting(lambda request: '{"action": "wait"}', ChatOptions(alternatives=0)) as (policy, asked):
        found = policy.logprobs([turn()])

    schema = asked[0].response_format["schema"]  # type: ignore[index]
    assert found == [(-math.inf, -math.inf, 0.0)]
    assert schema["properties"] == {"action": {"type": "string", "enum": list(ACTIONS)}}


def test_a_server_that_refuses_schemas_is_asked_in_words_from_then_on() -> None:
    def answer(request: ModelRequest) -> str:
        if request.response_format is not None:
            raise ModelRequestError("response_format is not supported")
        return "open"

    with chatting(answer, ChatOptions(alternatives=0, parallel=1)) as (policy, asked):
        found = policy.logprobs([turn(), turn(observation="a wall")])

    assert found == [(0.0, -math.inf, -math.inf)] * 2
    assert [request.response_format is None for request in asked] == [False, True, True]


def test_an_invalid_reply_is_followed_by_another_question_that_shows_it() -> None:
    replies = iter(["I would open it", "open"])
    with chatting(lambda request: next(replies)) as (policy, asked):
        found = policy.logprobs([turn()])

    assert found == [(0.0, -math.inf, -math.inf)]
    assert [message.text for message in asked[1].messages[2:]] == [
        "I would open it",
        "That is none of the actions. Answer with one of them, exactly as it is written, alone.",
    ]
    assert (policy.counts.invalid_replies, policy.counts.undecided) == (1, 0)


def test_a_model_that_never_names_a_valid_action_ends_its_episode() -> None:
    world = ScriptedWorld(ChainOptions(length=2))
    with chatting(lambda request: "whatever") as (policy, asked):
        episode = roll_out(policy, world, [Start(task=world.tasks("a", 1)[0])], temperature=0.0, seed=0)[0]

    assert (episode.actions, episode.invalid_turns, episode.success, len(asked)) == ((), 1, False, 3)
    assert (policy.counts.invalid_replies, policy.counts.undecided) == (3, 1)


def test_a_model_that_reads_the_sign_solves_the_chain() -> None:
    doors = {"owl": "red", "key": "blue", "sun": "green", "moon": "white"}

    def answer(request: ModelRequest) -> str:
        sign = re.search(r"the sign shows (\w+)", last_user_text(request))
        return f"take the {doors[sign[1]]} door" if sign else ""

    world = ScriptedWorld(ChainOptions(length=3, hard_share=0.0))
    starts = [Start(task=task) for task in world.tasks("a", 4)]
    with chatting(answer) as (policy, _):
        episodes = roll_out(policy, world, starts, temperature=0.0, seed=0)

    assert [(len(episode.actions), episode.success) for episode in episodes] == [(3, True)] * 4


def test_a_situation_is_asked_once_and_keeps_its_distribution() -> None:
    replies = iter(["open", "wait"])
    with chatting(lambda request: next(replies)) as (policy, asked):
        found = policy.logprobs([turn(), turn()]) + policy.logprobs([turn()])

    assert (found, len(asked)) == ([(0.0, -math.inf, -math.inf)] * 3, 1)


def test_the_only_action_is_not_asked_about() -> None:
    with chatting(lambda request: "") as (policy, asked):
        assert policy.logprobs([turn("wait")]) == [(0.0,)]

    assert asked == []


def test_calls_tokens_and_cost_are_counted() -> None:
    def answer(request: ModelRequest) -> ModelReply:
        return ModelReply(text="open", usage=Usage(input_tokens=100, output_tokens=2))

    def price(model: str, usage: Usage) -> Decimal:
        return PRICE[model] * ((usage.input_tokens or 0) + (usage.output_tokens or 0))

    with chatting(answer, price=price) as (policy, _):
        policy.logprobs([turn(), turn(observation="a wall")])

    assert policy.counts == ChatCounts(
        decisions=2, calls=2, input_tokens=200, output_tokens=4, cost_usd=Decimal("0.000612")
    )


def test_a_cost_is_unknown_as_soon_as_one_price_is() -> None:
    with chatting(lambda request: "open", price=lambda model, usage: None) as (policy, _):
        policy.logprobs([turn()])

    assert policy.counts.cost_usd is None


def test_a_failing_server_is_a_model_error() -> None:
    def answer(request: ModelRequest) -> str:
        raise ModelRequestError("no such model")

    with chatting(answer) as (policy, _), pytest.raises(ModelRequestError, match="no such model"):
        policy.logprobs([turn()])


def test_replies_go_to_their_own_situations_when_many_are_asked_at_once() -> None:
    def answer(request: ModelRequest) -> str:
        seen = re.search(r"You see: (\d+)", last_user_text(request))
        return ACTIONS[int(seen[1]) % 3] if seen else ""

    with chatting(answer) as (policy, _):
        found = policy.logprobs([turn(observation=str(number)) for number in range(12)])

    assert [scores.index(0.0) for scores in found] == [number % 3 for number in range(12)]


def test_units_on_threads_share_one_policy(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind="test", config={}, command=[], seed=0)
    with chatting(lambda request: "open") as (policy, _):
        results = run_map(
            run,
            "ask",
            lambda number: list(policy.logprobs([turn(observation=str(number % 2))])[0])[:1],
            list(range(8)),
            executor=ThreadsExecutor(4),
        )

    assert [result.result for result in results] == [[0.0]] * 8
    assert policy.counts.decisions in range(2, 9)


def test_identity_follows_the_model_and_how_it_is_asked_but_not_how_many_at_once() -> None:
    def identity(**options: Any) -> str:
        return ChatPolicy(NoOne(), "m", options=ChatOptions(**options)).identity()

    assert identity(parallel=1) == identity(parallel=9)
    assert len({identity(), identity(samples=3), identity(temperature=1.0), identity(alternatives=0)}) == 4
    assert ChatPolicy(NoOne(), "other").identity() != identity()


class NoOne:
    def complete(self, request: ModelRequest, *, tags: Mapping[str, str] | None = None) -> ModelReply:
        raise ModelServerError(f"nobody answers {json.dumps(request.model)}")
