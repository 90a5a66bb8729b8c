"""The bundled word problems: every worked step is right, and the answer is the last one."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from honing.demo import word_problems
from honing.demo.arithmetic import Problem, Step, evaluate, plain, worked
from honing.demo.make import main, make_rows, write
from honing.demo.templates import TEMPLATES

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
UNITS = {
    Fraction(1),
    Fraction(4),
    Fraction(24),
    Fraction(60),
    Fraction(100),
    Fraction(1000),
    Fraction(3, 2),
    Fraction(2),
}
"""Numbers a step may bring in: units of time, per cent, metres in a kilometre, four rounds, both sides."""


def rows_of(split: str) -> list[dict[str, str]]:
    text = (word_problems() / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


ALL_ROWS = rows_of("train") + rows_of("test")


def numbers_in(text: str) -> set[Fraction]:
    return {Fraction(found.replace(",", "")) for found in NUMBER.findall(text)}


def test_the_bundled_bytes_are_what_the_generator_writes(tmp_path: Path) -> None:
    write(tmp_path)

    for name in ("train.jsonl", "test.jsonl"):
        assert (tmp_path / name).read_bytes() == (word_problems() / name).read_bytes()


def test_there_are_80_train_and_120_test_rows_with_the_three_fields() -> None:
    splits = {split: rows_of(split) for split in ("train", "test")}

    assert {split: len(rows) for split, rows in splits.items()} == {"train": 80, "test": 120}
    assert {tuple(row) for row in ALL_ROWS} == {("id", "question", "answer")}
    assert len({row["id"] for row in ALL_ROWS}) == 200


def test_no_question_of_train_is_in_test_in_whatever_spelling() -> None:
    def normal(row: dict[str, str]) -> str:
        return re.sub(r"\W+", " ", row["question"].lower()).strip()

    train, test = ({normal(row) for row in rows_of(split)} for split in ("train", "test"))

    assert (len(train), len(test), train & test) == (80, 120, set())


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row["id"])
def test_every_worked_step_holds_exactly_and_the_last_one_is_the_answer(row: dict[str, str]) -> None:
    *steps, final = row["answer"].split("\n")
    known = numbers_in(row["question"]) | UNITS
    for step in steps:
        expression, _, stated = step.partition(": ")[2].rpartition(" = ")
        value = evaluate(expression)
        unexplained = numbers_in(expression) - known
        known |= numbers_in(stated)

        assert (value, unexplained) == (Fraction(stated), set()), step

    assert final.startswith("#### ")
    assert Fraction(final.removeprefix("#### ").replace(",", "")) == value


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.__name__.strip("_"))
def test_a_template_agrees_with_its_own_steps_whatever_is_drawn(template) -> None:
    rng = random.Random(7)
    answers = [worked(template(rng)) for _ in range(300)]

    assert all("\n#### " in answer for answer in answers)


def test_at_least_20_templates_are_used_about_equally() -> None:
    used = Counter(re.sub(r"[\d,.$%/:-]+|\b[A-Z]\w+", "", row["question"])[:24] for row in rows_of("test"))

    assert len(TEMPLATES) == 29
    assert max(used.values()) <= 10


@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        ("negative", r"#### -\d"),
        ("decimal", r"#### -?\d+\.\d"),
        ("fraction", r"#### \d+/\d+"),
        ("thousands with a comma", r"#### \d+,\d{3}"),
        ("whole", r"#### \d+$"),
    ],
)
def test_the_test_split_has_answers_of_every_shape(shape: str, pattern: str) -> None:
    found = [row for row in rows_of("test") if re.search(pattern, row["answer"])]

    assert len(found) >= 4, shape


def test_answers_are_varied_enough_that_a_constant_guess_is_nearly_always_wrong() -> None:
    answers = Counter(row["answer"].rpartition("#### ")[2] for row in rows_of("test"))

    assert answers.most_common(1)[0][1] <= 4


def test_the_readme_states_the_licence_and_the_sizes() -> None:
    text = (word_problems() / "README.md").read_text()

    assert "CC0 1.0" in text
    assert "80 rows in `train.jsonl`, 120 rows in `test.jsonl`" in text


def test_the_same_seed_gives_the_same_rows_and_another_seed_gives_others() -> None:
    assert make_rows(3) == make_rows(3)
    assert make_rows(3) != make_rows(4)


def test_no_seed_gives_a_question_twice() -> None:
    counts = [
        len({row["question"] for rows in make_rows(seed).values() for row in rows}) for seed in range(40)
    ]

    assert set(counts) == {200}


def test_steps_that_miss_the_answer_are_refused() -> None:
    wrong = Problem(question="What is 2 + 2?", steps=(Step("Sum", "2 + 2"),), answer=5)

    with pytest.raises(ValueError, match="the steps give 4, the formula 5"):
        worked(wrong)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("0.1 + 0.2", Fraction(3, 10)),
        ("2 * (3 + 4) - 1", Fraction(13)),
        ("ceil(7 / 2)", Fraction(4)),
        ("-7 % 4", Fraction(1)),
        ("1 - 7/12", Fraction(5, 12)),
    ],
)
def test_an_expression_is_evaluated_exactly(expression: str, value: Fraction) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize("expression", ["__import__('os')", "2 ** 9", "x + 1", "'a'", "ceil(1, 2)"])
def test_an_expression_beyond_arithmetic_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="only numbers"):
        evaluate(expression)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (Fraction(-607, 100), "-6.07"), (Fraction(1, 20), "0.05"), (Fraction(5, 12), "5/12")],
)
def test_a_number_is_written_without_loss(value: Fraction, text: str) -> None:
    assert (plain(value), Fraction(text)) == (text, value)


def test_the_generator_says_how_it_is_used_when_the_folder_is_missing(tmp_path: Path) -> None:
    assert main([str(tmp_path / "missing")]) == 2
