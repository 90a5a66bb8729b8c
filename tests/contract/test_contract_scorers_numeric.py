"""Numbers are read exactly: right in any dress, wrong by one digit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.contract.scorers import NumericScorer, Row, ScoreDetail, ScoreStatus
from honing.contract.scorers.numbers import clean, numbers_in, show
from honing.contract.scorers.numeric import read_gold

SCORER = NumericScorer()


def judged(gold: str, completion: str, scorer: NumericScorer = SCORER) -> ScoreDetail:
    return scorer.score(Row(id="1", inputs={}, golds=(gold,), anchor="t:1"), completion)


@pytest.mark.parametrize(
    ("gold", "completion"),
    [
        ("1234", "The answer is $1,234.00."),
        ("1234", "#### 1234"),
        ("1234", "####1,234"),
        ("1234", r"\boxed{1234}"),
        ("1234", "1234.0 dollars"),
        ("1234", "1 234"),
        ("1234", "1\u202f234"),
        ("1234", "1.234e3"),
        ("1,234", "**Answer:** 1234"),
        ("1234", r"The answer is \(\$1{,}234\)."),
        ("1234", r"$\boxed{\text{1,234 eggs}}$"),
        ("1234", r"\boxed{1234}\text{ eggs}"),
        ("1234", "So:\n\nFinal answer\n\n1234"),
        ("1234", "<answer>1234</answer>"),
        ("1234567", "1,234,567"),
        ("1234567", "12,34,567"),
        ("1234567.5", "1.234.567,5"),
        ("-5", "\u22125"),
        ("-5", "The answer is: - 5"),
        ("-5", "-$5"),
        ("-5", "$-5"),
        ("5", "It costs 10-$5, so $5"),
        ("1/2", r"\boxed{\frac{1}{2}}"),
        ("1/2", "0.5"),
        ("0.5", "1/2"),
        ("-1/2", r"-\frac{1}{2}"),
        ("1 1/2", r"$1\frac{1}{2}$"),
        ("1.5", "1½"),
        ("0.5", "50%"),
        ("50", "50%"),
        ("0.5", "0.5%"),
        ("50%", "0.5"),
        ("50%", "The answer is 50 percent."),
        ("1200000", "1.2 million"),
        ("1.2", "1.2 million"),
        ("12", "The final answer is 3 * 4 = 12 apples."),
        ("12", "The answer is **12**, not 13."),
        ("45", "The answer is that in 3 days she earns $45."),
        ("45", "The answer is 45 dollars for 3 days."),
        ("100000", "1×10^5"),  # noqa: RUF001
        ("100000", r"\boxed{1\times 10^{5}}"),
        ("100000", "10⁵"),
        ("5", "The area is 5 m^2"),
        ("5", "The area is 5 m²."),
        ("6", "#### 3. Compute the total\nso 6"),
        ("18", "First I guess: the answer is 17. No: the answer is 18."),
        ("18", "16 - 3 - 4 = 9, 9 * 2 = 18"),
        ("18", "A: 18"),
        ("18", "The answer is 18. Check: 2 * 18 = 36."),
        ("18", "The answer is 18, since 2 * 18 = 36."),
        ("18", "The answer is 18 because 2 * 18 = 36"),
        ("18", "The answer is not 17 but 18."),
        ("18", "The answer is clear.\n9 + 9 = 18"),
        ("18", "The result is 9. Twice that is 18."),
        ("18", "a = 5\nb = 13\nso a + b = 18"),
        ("18", "The answer is 2 * 9 = 18 eggs, for one week."),
        ("18", "x=18"),
        ("7", r"\boxed{5}\n wait \n" + "\n" + r"\boxed{7}"),
        ("٣", "3"),
    ],
)
def test_a_right_number_scores_in_any_dress(gold: str, completion: str) -> None:
    detail = judged(gold, completion)

    assert (detail.reward, detail.status) == (1.0, ScoreStatus.SCORED), detail.why


@pytest.mark.parametrize(
    ("gold", "completion", "extracted"),
    [
        ("1234", "12345", "12345"),
        ("1234", "1,2345", None),
        ("1234", "123.4", "123.4"),
        ("1234", "1.234", "1.234"),
        ("12345", "1,2345", None),
        ("1234", "12,34", "12,34"),
        ("1234", "-1234", "-1234"),
        ("1234", "The answer is 1235", "1235"),
        ("18", "The answer is 17. Earlier I had 18.", "17"),
        ("18", "18 or 19 eggs, so the answer is 19", "19"),
        ("5", "The answer is 5 or 6", None),
        ("6", "The answer is 5 or 6", None),
        ("5", r"\boxed{5} or \boxed{6}", None),
        ("6", r"\boxed{5} or \boxed{6}", None),
        ("2", r"\boxed{\pi/2}", None),
        ("2", r"\boxed{2\pi}", None),
        ("2", r"\boxed{\sqrt{2}}", None),
        ("3", r"\boxed{1 + 2}", None),
        ("1", r"\boxed{1 + \sqrt{2}}", None),
        ("105", "10⁵", "1e5"),
        ("34", "The answer is 3*4", None),
        ("5", "The answer is not 5.", None),
        ("50%", "0.5%", "0.5%"),
        ("5", "", None),
        ("5", "   \n", None),
        ("5", "five", None),
        ("5", "I do not know.", None),
        ("5", r"\boxed{}", None),
        ("2", "1/0", None),
    ],
)
def test_a_wrong_or_unreadable_number_is_wrong(gold: str, completion: str, extracted: str | None) -> None:
    detail = judged(gold, completion)

    assert (detail.reward, detail.status, detail.extracted) == (0.0, ScoreStatus.SCORED, extracted)
    assert detail.why


@pytest.mark.parametrize("gold", ["", "[invalid]", "many", "3 and 4", "1,2345", "x = y"])
@pytest.mark.parametrize("completion", ["", "[invalid]", "many", "3", "[invalid] == [invalid]"])
def test_an_unreadable_gold_never_scores(gold: str, completion: str) -> None:
    detail = judged(gold, completion)

    assert (detail.reward, detail.status) == (None, ScoreStatus.INVALID)


def test_any_of_several_golds_scores() -> None:
    row = Row(id="1", inputs={}, golds=("7", "8"), anchor="t:1")

    assert [SCORER.score(row, answer).reward for answer in ("7", "8", "9")] == [1.0, 1.0, 0.0]


def test_a_tolerance_applies_only_where_it_is_declared() -> None:
    loose = NumericScorer(absolute_tolerance=0.01)
    relative = NumericScorer(relative_tolerance=0.01)

    assert judged("3.14", "3.141").reward == 0.0
    assert judged("3.14", "3.141", loose).reward == 1.0
    assert judged("3.14", "3.16", loose).reward == 0.0
    assert judged("1000", "1009", relative).reward == 1.0
    assert judged("1000", "1011", relative).reward == 0.0


@settings(deadline=None, max_examples=200)
@given(st.integers(-(10**12), 10**12))
def test_every_integer_is_read_back_and_its_neighbours_are_wrong(value: int) -> None:
    gold = str(value)
    dresses = [
        gold,
        f"{value:,}",
        f"{value}.00",
        f"The answer is {value:,}.",
        f"#### {value}",
        rf"\boxed{{{value}}}",
    ]

    assert [judged(gold, dress).reward for dress in dresses] == [1.0] * len(dresses)
    others = (value + 1, value - 1, value * 10 + 1, -value - 1)
    assert [judged(gold, f"The answer is {other:,}.").reward for other in others] == [0.0] * len(others)


@settings(deadline=None, max_examples=200)
@given(st.integers(-(10**6), 10**6), st.integers(1, 10**4))
def test_every_fraction_is_read_back_exactly(above: int, below: int) -> None:
    value = Fraction(above, below)

    found = read_gold(show(value))

    assert found is not None
    assert found.readings == {value}


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_no_text_makes_the_scorer_raise(text: str) -> None:
    assert judged("5", text).status is ScoreStatus.SCORED
    assert judged(text, text).reward in (None, 1.0, 0.0)
    assert all(number.end <= len(clean(text)) for number in numbers_in(clean(text)))
