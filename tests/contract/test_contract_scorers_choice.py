"""One named choice scores; an article, a list of all, or a contradiction does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.contract.scorers import ChoiceScorer, Row, ScoreStatus

CHOICES = ("Paris", "London", "a dog", "New York City")


def row(gold: str, choices: tuple[str, ...] = CHOICES) -> Row:
    return Row(id="1", inputs={"choices": choices}, golds=(gold,), anchor="t:1")


@pytest.mark.parametrize(
    "completion",
    [
        "B",
        "b",
        "(B)",
        "(b)",
        "B.",
        '"B"',
        "[B]",
        "option B",
        "Answer: B",
        "Answer: b",
        "Answer:\nB",
        "**B**",
        "**Answer: B**",
        r"\boxed{B}",
        r"\boxed{\text{B}}",
        r"The answer is \(B\)",
        "The answer is $B$",
        "<answer>B</answer>",
        "#### B",
        "London",
        "london.",
        "B) London",
        "(B) London",
        "B: London",
        "The best choice is B.",
        "The answer is London.",
        "The answer is: London, the capital.",
        "The answer is **B. London**",
        "Answer: (B) London",
        "The correct answer is (B) because (A) is too small.",
        "The answer is (B) London because A) Paris is small",
        "The correct option is B, not C.",
        "Answer: B. Option C is wrong because...",
        "B is the correct answer",
        "A thought first.\n\nB",
        "Let me think: A is wrong.\nB. London",
        "(A) is wrong.\n\nTherefore, the answer is B.",
        "Answer: A\n\nNo, wait.\n\nAnswer: B",
    ],
)
def test_the_usual_forms_name_the_choice(completion: str) -> None:
    detail = ChoiceScorer().score(row("B"), completion)

    assert (detail.reward, detail.extracted) == (1.0, "B"), detail.why


@pytest.mark.parametrize(
    "completion",
    [
        "",
        "A cat sat on the mat",
        "A lot of people think so.",
        "The answer is a dog",
        "The answer is a lot of things",
        "I am not sure",
        "Answer: A or C",
        "Answer: A and C",
        "Answer: A/B/C/D",
        "Answer: ABCD",
        "The answer is A, B",
        "The answer is Paris or London",
        r"\boxed{A} \boxed{B}",
        "A. Paris\nB. London\nC. a dog\nD. New York City",
        "A. Paris B. London C. a dog D. New York City",
        "Answer: A. Paris B. London C. a dog D. New York City",
        "A: Paris\nB: London\nC: a dog\nD: New York City",
        "A: London",
        "(A) (B) (C) (D)",
        "A, B, C, D",
        "A B C D",
        "A/B",
        "A\nB\nC\nD",
        "Paris London a dog New York City",
        "A) London",
        "Answer: A) London",
        "It could be London or Paris",
    ],
)
def test_an_article_a_list_or_a_contradiction_does_not_score_for_a(completion: str) -> None:
    detail = ChoiceScorer().score(row("A"), completion)

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED), detail.why


def test_a_choice_that_speaks_of_other_choices_is_named_with_its_text() -> None:
    choices = ("red", "blue", "green", "A and B only")

    assert ChoiceScorer().score(row("D", choices), "D. A and B only").reward == 1.0
    assert ChoiceScorer().score(row("A", choices), "D. A and B only").reward == 0.0


def test_a_choice_whose_text_holds_another_is_told_apart() -> None:
    choices = ("New York", "New York City", "York")

    given_answers = ["The answer is New York City.", "The answer is York.", "New York"]

    assert [ChoiceScorer().score(row("B", choices), text).reward for text in given_answers] == [1.0, 0.0, 0.0]


def test_numbers_as_choices_are_read_as_texts() -> None:
    choices = ("4", "5", "6", "7")

    assert ChoiceScorer().score(row("B", choices), "The answer is 5.").reward == 1.0
    assert ChoiceScorer().score(row("B", choices), "The answer is 6.").reward == 0.0


def test_labels_of_the_row_are_the_ones_that_count() -> None:
    labelled = Row(id="1", inputs={"choices": ("x", "y"), "labels": ("1", "2")}, golds=("2",), anchor="t:1")

    assert [ChoiceScorer().score(labelled, text).reward for text in ("2", "(2)", "Answer: 2", "1", "B")] == [
        1.0,
        1.0,
        1.0,
        0.0,
        0.0,
    ]


def test_two_choices_with_the_same_text_are_the_same_answer() -> None:
    twice = row("C", ("x one", "y two", "x one"))

    assert [ChoiceScorer().score(twice, text).reward for text in ("x one", "A", "C", "B")] == [
        1.0,
        1.0,
        1.0,
        0.0,
    ]


@pytest.mark.parametrize(
    "broken",
    [
        row("E"),
        row(""),
        row("A", ()),
        row("A", ("only one",)),
        row("A", tuple("x" * n for n in range(1, 40))),
    ],
    ids=["gold beyond the choices", "no gold", "no choices", "one choice", "too many choices"],
)
def test_a_row_without_a_readable_gold_is_invalid(broken: Row) -> None:
    detail = ChoiceScorer().score(broken, "A")

    assert (detail.reward, detail.status) == (None, ScoreStatus.INVALID)


@settings(deadline=None, max_examples=300)
@given(st.text(), st.sampled_from("ABCD"))
def test_no_text_makes_the_scorer_raise(text: str, gold: str) -> None:
    assert ChoiceScorer().score(row(gold), text).status is ScoreStatus.SCORED


@settings(deadline=None, max_examples=100)
@given(st.permutations("ABCD"))
def test_naming_every_letter_after_a_marker_is_wrong_in_any_order(letters: list[str]) -> None:
    for joint in (", ", "/", " and ", " or "):
        assert ChoiceScorer().score(row(letters[0]), f"Answer: {joint.join(letters)}").reward == 0.0
