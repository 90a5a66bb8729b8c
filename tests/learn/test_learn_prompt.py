from __future__ import annotations

import pytest

from honing.errors import UsageError
from honing.learn import Prompt, Situation

SEEN = Situation(
    goal="buy a {red} scarf",
    observation="two doors",
    history=("go", "look", "take key"),
    actions=("open", "leave"),
)


def test_a_prompt_shows_goal_history_and_observation_and_ends_where_the_action_begins() -> None:
    text = Prompt(history=2).text(SEEN)

    assert text == "Goal: buy a {red} scarf\nDone: look ; take key\nSeen: two doors\nAction:"


@pytest.mark.parametrize(
    ("history", "shown"),
    [(0, "-"), (1, "take key"), (9, "go ; look ; take key")],
    ids=["none is shown", "the last one", "more than there are"],
)
def test_history_counts_the_last_actions(history: int, shown: str) -> None:
    assert Prompt(history=history, template="{history}|{observation}").text(SEEN) == f"{shown}|two doors"


def test_a_patch_stands_where_the_template_puts_it_and_leaves_nothing_where_there_is_none() -> None:
    prompt = Prompt(template="{patch}{observation} of {actions} {{}}", patch="<{patch}> ")
    patched = Situation(goal="g", observation="o", actions=("a", "b"), patch="like {this}")
    bare = Situation(goal="g", observation="o", actions=("a", "b"))

    assert [prompt.text(patched), prompt.text(bare)] == ["<like {this}> o of a ; b {}", "o of a ; b {}"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"template": "{observation} {reward}"}, "{reward} cannot be filled"),
        ({"template": "{observation.__class__}"}, "{observation.__class__} cannot be filled"),
        ({"template": "{observation!r}"}, "{observation} cannot be filled"),
        ({"template": "{observation:>9}"}, "{observation} cannot be filled"),
        ({"template": "{observation} {"}, "is no template"),
        ({"template": "{goal}"}, "shows no {observation}"),
        ({"patch": "{goal}"}, "prompt.patch: {goal} cannot be filled"),
        ({"history": -1}, "expected a count of 0 or more, found -1"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_template_that_cannot_be_filled_is_refused(given: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        Prompt.from_document(given)

    assert told in str(refused.value)


def test_a_document_with_a_key_that_no_prompt_has_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown key 'lenght'"):
        Prompt.from_document({"lenght": 3})


def test_prompts_come_back_from_their_documents_and_differ_in_identity_with_any_field() -> None:
    prompts = [
        Prompt(),
        Prompt(history=3),
        Prompt(template="{observation}"),
        Prompt(joiner=","),
        Prompt(nothing="none"),
        Prompt(patch="{patch}"),
        Prompt(chat=False),
    ]

    assert [Prompt.from_document(prompt.as_document()) for prompt in prompts] == prompts
    assert len({prompt.identity() for prompt in prompts}) == len(prompts)
