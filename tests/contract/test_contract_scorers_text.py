"""Short texts are compared after normalisation that keeps what tells answers apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.contract.scorers import Row, ScoreStatus, TextScorer
from honing.contract.scorers.text import normalise, token_f1

TOWER = Row(id="1", inputs={}, golds=("The Eiffel Tower", "Tour Eiffel"), anchor="t:1")


@pytest.mark.parametrize(
    "completion",
    [
        "The Eiffel Tower",
        "eiffel tower",
        "THE EIFFEL TOWER.",
        "  Eiffel \t Tower\r\n",
        '"Tour Eiffel"',
        "“Eiffel Tower”",
        "**Eiffel Tower**",
        "`Eiffel Tower`",
        "Answer: Eiffel Tower",
        "The answer is the Eiffel Tower.",
        r"\boxed{\text{Eiffel Tower}}",
        "<answer>Eiffel Tower</answer>",
        "It stands in Paris.\n\nFinal answer: Eiffel tower",
        "It stands in Paris.\n\nEiffel-Tower",
        "Ｅｉｆｆｅｌ Ｔｏｗｅｒ",  # noqa: RUF001
    ],
)
def test_an_acceptable_answer_scores_in_any_dress(completion: str) -> None:
    detail = TextScorer().score(TOWER, completion)

    assert (detail.reward, dict(detail.scores)) == (1.0, {"token_f1": 1.0}), detail.why


@pytest.mark.parametrize(
    "completion",
    ["", "Eiffel", "Eiffel Tower or Louvre", "Louvre", "Eiffel Tower. Answer: Louvre", "The", "tower eiffel"],
)
def test_another_answer_is_wrong(completion: str) -> None:
    detail = TextScorer().score(TOWER, completion)

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED)


@pytest.mark.parametrize(
    ("gold", "other"),
    [
        ("1.5", "15"),
        ("-3", "3"),
        ("C++", "C"),
        ("50%", "50"),
        (") ]", "] )"),
        (".5", "5"),
        ("x^2", "x2"),
        ("1,5", "15"),
        ("*", "**"),
    ],
)
def test_marks_that_carry_meaning_keep_answers_apart(gold: str, other: str) -> None:
    row = Row(id="1", inputs={}, golds=(gold,), anchor="t:1")

    assert TextScorer().score(row, gold).reward == 1.0
    assert TextScorer().score(row, other).reward == 0.0


@pytest.mark.parametrize(
    ("completion", "reward"),
    [
        ("Yes", 1.0),
        ("Yes, because it is.", 1.0),
        ("Answer: yes", 1.0),
        ("It is so.\n\nYes.", 1.0),
        ("No", 0.0),
        ("No, yes would be wrong.", 0.0),
        ("yes or no", 0.0),
        ("not sure", 0.0),
        ("yesterday", 0.0),
    ],
)
def test_one_label_of_a_closed_set_is_read_at_the_start_of_an_answer(completion: str, reward: float) -> None:
    row = Row(id="1", inputs={}, golds=("yes",), anchor="t:1")

    assert TextScorer(labels=("yes", "no")).score(row, completion).reward == reward


@pytest.mark.parametrize("golds", [(), ("",), (" ", "\n")])
def test_a_row_without_gold_is_invalid_even_for_an_empty_answer(golds: tuple[str, ...]) -> None:
    detail = TextScorer().score(Row(id="1", inputs={}, golds=golds, anchor="t:1"), "")

    assert (detail.reward, detail.status) == (None, ScoreStatus.INVALID)


def test_overlap_is_reported_beside_the_reward() -> None:
    detail = TextScorer().score(TOWER, "the Eiffel Tower in Paris")

    assert detail.reward == 0.0
    assert detail.scores["token_f1"] == pytest.approx(2 * 2 / (4 + 2))
    assert token_f1("", "x") == 0.0


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@settings(deadline=None, max_examples=300)
@given(st.text(), st.text())
def test_no_text_makes_the_scorer_raise(text: str, gold: str) -> None:
    row = Row(id="1", inputs={}, golds=(gold,), anchor="t:1")

    detail = TextScorer(labels=("yes", "no")).score(row, text)

    assert detail.status is (ScoreStatus.SCORED if normalise(gold) else ScoreStatus.INVALID)
    assert normalise(gold) == "" or TextScorer().score(row, gold).reward == 1.0
