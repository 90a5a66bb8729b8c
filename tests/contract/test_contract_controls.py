"""A control finds its row by the text of the prompt, whoever wrote the rest of it."""

from __future__ import annotations

import pytest

from honing.contract.controls.control import AnswerBook, Known, Silent
from honing.errors import ModelRequestError
from honing.llm import Message, ModelRequest, Role

ROWS = [
    Known("short", ("How many eggs?",), "3"),
    Known("long", ("A hen lays daily.\nHow many eggs?",), "7"),
    Known("two texts", ("Which is red?", "apple; sky"), "A"),
]


def request(*turns: tuple[Role, str]) -> ModelRequest:
    return ModelRequest(model="m", messages=[Message(role, text) for role, text in turns])


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("Q: How many eggs? A:", "3"),
        ("Think. A hen lays daily. How   many\neggs? Answer:", "7"),
        ("Which is red?\n(apple; sky)", "A"),
    ],
    ids=["inside a template", "the longer text wins", "all texts must occur"],
)
def test_a_prompt_is_joined_to_its_row(prompt: str, answer: str) -> None:
    assert AnswerBook(ROWS).answer(request((Role.USER, prompt))).text == answer


def test_few_shot_examples_before_the_question_do_not_confuse_it() -> None:
    turns = [
        (Role.USER, "A hen lays daily. How many eggs?"),
        (Role.ASSISTANT, "7"),
        (Role.USER, "How many eggs?"),
    ]

    assert AnswerBook(ROWS).answer(request(*turns)).text == "3"


def test_the_question_may_stand_in_the_system_turn() -> None:
    assert AnswerBook(ROWS).answer(request((Role.SYSTEM, "How many eggs?"), (Role.USER, "Go."))).text == "3"


def test_a_prompt_that_joins_no_row_is_refused_and_counted() -> None:
    book = AnswerBook(ROWS)

    with pytest.raises(ModelRequestError, match="found no row for the prompt 'Hello'"):
        book.answer(request((Role.USER, "Hello")))
    assert book.unmatched == 1


def test_an_exact_prompt_is_answered_first() -> None:
    book = AnswerBook(ROWS, exact={"How many eggs?": "exactly"})

    assert book.answer(request((Role.USER, "How many eggs?"))).text == "exactly"


def test_the_null_control_says_nothing() -> None:
    assert Silent().answer(request((Role.USER, "How many eggs?"))).text == ""
