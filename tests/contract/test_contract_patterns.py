"""A pattern of the contract's author against lines of a stage."""

from __future__ import annotations

import pytest

from honing.contract.grading.patterns import Found, matching_lines
from honing.errors import MetricsError


def test_every_matching_line_of_each_text_is_found_with_its_score() -> None:
    texts = ("epoch 1\naccuracy: 0.25 (of 4)\naccuracy: 0.5\n", "no number")

    assert matching_lines(r"accuracy: (?P<score>[\d.]+)", texts) == [
        [
            Found("accuracy: 0.25 (of 4)", "accuracy: 0.25", "0.25"),
            Found("accuracy: 0.5", "accuracy: 0.5", "0.5"),
        ],
        [],
    ]


def test_a_pattern_that_would_take_for_ever_is_ended_at_the_limit() -> None:
    with pytest.raises(MetricsError, match="repetition inside a repetition"):
        matching_lines(r"(?P<score>(a+)+)b", ("a" * 60,), limit_s=1.0)
