"""Completions made to be slow to read are read in bounded time by every scorer that reads text."""

from __future__ import annotations

import time

import pytest

from honing.contract.scorers import ChoiceScorer, NumericScorer, Row, Scorer, ScoreStatus, TextScorer
from honing.contract.scorers.code_text import programs

PIECES = [
    "9",
    "1,",
    "1 ",
    "-$",
    r"\boxed{",
    r"\frac{1}{2}",
    "answer is ",
    "final ",
    "correct final ",
    "the answer ",
    "<answer>",
    "####\n",
    "(A) ",
    "A\n",
    "*",
    "` ",
    "\n",
    "a\u0301",
]
SECONDS = 10.0
"""Of processor time, where each takes well below one on an idle machine; without bounds some take minutes."""


@pytest.mark.parametrize("piece", PIECES, ids=repr)
def test_a_long_repetition_is_judged_quickly(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    plain = Row(id="1", inputs={}, golds=("7",), anchor="t:1")
    choice = Row(id="1", inputs={"choices": ("one", "two", "three")}, golds=("B",), anchor="t:1")
    judged: list[tuple[Scorer, Row]] = [
        (NumericScorer(), plain),
        (ChoiceScorer(), choice),
        (TextScorer(), plain),
    ]

    started = time.process_time()
    details = [scorer.score(row, text) for scorer, row in judged]
    programs(text, names=["add"], given="def add(a, b):\n")

    assert time.process_time() - started < SECONDS
    assert [(detail.reward, detail.status) for detail in details] == [(0.0, ScoreStatus.SCORED)] * 3
