"""The controls bracket every derived task: gold and its dresses score, other answers and silence do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import Rows, capitals, completions, programs, sums, write_jsonl

from honing.contract.data.dataset import derive
from honing.contract.data.shapes import TaskKind
from honing.contract.data.task import DatasetTask
from honing.contract.data.variants import NULL, shuffled, variants, without_partner
from honing.contract.scorers import Row, Scorer
from honing.contract.scorers.choice import LETTERS
from honing.sandbox import BubblewrapSandbox


def negative_numbers() -> Rows:
    return [
        {"question": f"What is {n} less than zero?", "answer": -1234.5 * (n * 11 % 30)} for n in range(1, 30)
    ]


def closed_texts() -> Rows:
    return [{"question": f"Is {n} even?", "answer": "no" if n % 2 else "yes"} for n in range(40)]


def open_texts() -> Rows:
    names = ["C++", "the Nile", "3.14", "St. Ives", "co-operate", "A", "x_y", "50%", "O'Brien", "Ünal"]
    return [
        {"question": f"Which is number {n}?", "answer": [f"{name} {n}", f"{name} no. {n}"]}
        for n, name in enumerate(names)
    ]


def choices() -> Rows:
    return [{**row, "answer": "ABCD"[row["right"]]} for row in capitals()]


def awkward_choices() -> Rows:
    pool = [
        "A and B",
        "none of these",
        "12",
        "the answer is C",
        "B",
        "a dog",
        "No, because it rains",
        "New York",
    ]
    return [
        {
            "question": f"Which of them, {n}?",
            "choices": [pool[(n + k) % 8] for k in range(4)],
            "answer": (n * 3) % 4,
        }
        for n in range(24)
    ]


PURE = {
    "numbers": sums(),
    "negative numbers": negative_numbers(),
    "closed texts": closed_texts(),
    "open texts": open_texts(),
    "choices": choices(),
    "awkward choices": awkward_choices(),
}


def task_of(tmp_path: Path, rows: Rows) -> DatasetTask:
    write_jsonl(tmp_path / "test.jsonl", rows)
    found = derive(tmp_path)
    assert isinstance(found, DatasetTask), found
    return found


def rewards(task: DatasetTask, answers: dict[str, str], judge: Scorer) -> list[float | None]:
    return [judge.score(row, answers[row.id]).reward for row in task.rows() if row.id in answers]


@pytest.mark.parametrize("rows", PURE.values(), ids=PURE)
def test_controls_bracket_every_task(tmp_path: Path, rows: Rows) -> None:
    task = task_of(tmp_path, rows)
    judge = task.make_scorer()
    read = task.rows()

    oracle = {row.id: task.gold_completion(row) for row in read}
    other = shuffled(task, read, seed=3)

    assert set(rewards(task, oracle, judge)) == {1.0}
    assert set(rewards(task, dict.fromkeys(oracle, NULL), judge)) == {0.0}
    assert set(rewards(task, other, judge)) == {0.0}
    assert len(other) == len(read)
    assert without_partner(task, read, seed=3) == []


@pytest.mark.parametrize("rows", PURE.values(), ids=PURE)
def test_every_dress_of_the_gold_is_right_and_of_a_wrong_answer_wrong(tmp_path: Path, rows: Rows) -> None:
    task = task_of(tmp_path, rows)
    judge = task.make_scorer()
    read = task.rows()

    dressed = variants(task, read)

    assert len(dressed) >= 8
    assert all(set(answers) == {row.id for row in read} for answers in dressed.values())
    missed = {
        name: [why for row in read if (why := missing(judge, row, answers[row.id]))]
        for name, answers in dressed.items()
    }
    assert missed == {name: [] for name in dressed}
    for name, answers in dressed.items():
        got = {judge.score(row, answers[other.id]).reward for row, other in differing_pairs(judge, read)}
        assert got == {0.0}, name


def missing(judge: Scorer, row: Row, completion: str) -> str:
    """Why a right answer was not taken; empty where it was."""
    detail = judge.score(row, completion)
    return "" if detail.reward == 1.0 else f"{completion!r}: {detail.why}"


def differing_pairs(judge: Scorer, rows: list[Row]) -> list[tuple[Row, Row]]:
    """Neighbouring rows whose answers differ, in label and in text."""

    def said(row: Row) -> set[str]:
        choices = row.inputs.get("choices", ())
        return set(judge.values(row)) | {choices[LETTERS.index(gold)] for gold in row.golds if choices}

    pairs = [
        (row, other)
        for row, other in zip(rows, [*rows[1:], rows[0]], strict=True)
        if not said(row) & said(other)
    ]
    assert pairs
    return pairs


def test_dresses_differ_from_each_other(tmp_path: Path) -> None:
    task = task_of(tmp_path, sums())
    row = task.rows()[1:2]

    answers = [one[row[0].id] for one in variants(task, row).values()]

    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize(("rows", "form"), [(completions(3), "complete"), (programs(5), "write")])
def test_code_in_every_dress_passes_and_other_code_does_not(tmp_path: Path, rows: Rows, form: str) -> None:
    task = task_of(tmp_path, rows)
    judge = task.make_scorer(BubblewrapSandbox())
    read = [task.rows()[2]] if form == "complete" else [task.rows()[3]]

    dressed = variants(task, read)

    assert len(dressed) >= 8
    got = {name: judge.score(read[0], answers[read[0].id]) for name, answers in dressed.items()}
    assert {name: (detail.reward, detail.why) for name, detail in got.items()} == dict.fromkeys(
        dressed, (1.0, "every test passed")
    )


@pytest.mark.parametrize("rows", [completions(3), programs(5)], ids=["complete", "write"])
def test_code_controls_bracket(tmp_path: Path, rows: Rows) -> None:
    task = task_of(tmp_path, rows)
    judge = task.make_scorer(BubblewrapSandbox())
    read = task.rows()

    oracle = {row.id: task.gold_completion(row) for row in read}
    other = shuffled(task, read, seed=1)

    assert set(rewards(task, oracle, judge)) == {1.0}
    assert set(rewards(task, dict.fromkeys(oracle, NULL), judge)) == {0.0}
    assert set(rewards(task, other, judge)) == {0.0}
    assert len(other) == len(read)


def numbered(task: DatasetTask, values: list[int]) -> list[Row]:
    return [
        Row(id=str(at), inputs={"input": "?"}, golds=(str(value),), anchor="t")
        for at, value in enumerate(values)
    ]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 4), max_size=30), st.integers(0, 5))
def test_shuffling_gives_another_value_wherever_there_is_one(values: list[int], seed: int) -> None:
    task = NUMBERS
    rows = numbered(task, values)

    answers = shuffled(task, rows, seed)

    assert all(int(answers[row.id]) != int(row.gold) for row in rows if row.id in answers)
    commonest = max((values.count(value) for value in values), default=0)
    assert len(rows) - len(answers) == max(0, 2 * commonest - len(rows))
    assert without_partner(task, rows, seed) == [row.id for row in rows if row.id not in answers]
    assert answers == shuffled(task, rows, seed)


def test_rows_that_share_one_of_several_golds_are_no_partners(tmp_path: Path) -> None:
    rows = [
        Row(id=str(n), inputs={"input": "?"}, golds=golds, anchor="t")
        for n, golds in enumerate([("a one", "b two"), ("b two", "c three"), ("d four",), ("e five",)])
    ]
    texts = task_of(tmp_path, open_texts())

    for seed in range(5):
        answers = shuffled(texts, rows, seed)

        assert set(answers) == {"0", "1", "2", "3"}
        assert answers["0"] != "b two"
        assert answers["1"] != "a one"


NUMBERS = DatasetTask(
    folder=Path("unused"),
    files=("unused.jsonl",),
    kind=TaskKind.QUESTION_ANSWER,
    fields={},
    reading={},
    scorer="numeric",
    parameters={},
    template="{input}",
    chance=0.0,
)
