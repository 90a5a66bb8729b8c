"""A task is derived from names and values alone, with evidence; otherwise a gap says what would close it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from made_tables import (
    Rows,
    capitals,
    completions,
    derived,
    gap,
    programs,
    sums,
    task_of,
    write_csv,
    write_json,
    write_jsonl,
    write_parquet,
)

from honing.contract.data.dataset import GapReason, derive
from honing.contract.data.shapes import TaskKind

WRITERS: Mapping[str, Callable[[Path, Rows], Path]] = {
    "jsonl": write_jsonl,
    "json": write_json,
    "csv": write_csv,
    "parquet": write_parquet,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_numbers_after_a_marker_derive_in_every_format(tmp_path: Path, suffix: str) -> None:
    WRITERS[suffix](tmp_path / f"test.{suffix}", sums())

    task = derived(tmp_path)

    rows = task.rows()
    assert (task.kind, task.scorer, task.chance) == (TaskKind.QUESTION_ANSWER, "numeric", 0.0)
    assert task.reading == {"form": "after_marker", "marker": "####"}
    assert task.fields == {"input": "question", "target": "answer"}
    assert [row.gold for row in rows[:2]] == ["1,000", "1037"]
    assert len(rows) == 40
    assert "Ann has 1 more" not in task.prompt(rows[1])
    assert sums()[1]["question"] in task.prompt(rows[1])
    assert task.texts(rows[1]) == (sums()[1]["question"],)
    assert task.confidence >= 0.9


@pytest.mark.parametrize("suffix", WRITERS)
def test_functions_to_complete_derive_in_every_format(tmp_path: Path, suffix: str) -> None:
    WRITERS[suffix](tmp_path / f"made.{suffix}", completions())

    task = derived(tmp_path)

    row = task.rows()[2]
    assert (task.kind, task.scorer, task.reading["form"]) == (TaskKind.CODE_TESTS, "code", "complete")
    assert (row.id, row.inputs["under_test"]) == ("made/2", ("shift_2",))
    assert row.golds == (completions()[2]["canonical_solution"],)
    assert completions()[2]["prompt"] in task.prompt(row)
    assert "candidate" not in task.prompt(row)


@pytest.mark.parametrize("suffix", WRITERS)
def test_programs_with_lists_of_asserts_derive_in_every_format(tmp_path: Path, suffix: str) -> None:
    WRITERS[suffix](tmp_path / f"made.{suffix}", programs())

    task = derived(tmp_path)

    rows = task.rows()
    assert (task.kind, task.reading["form"]) == (TaskKind.CODE_TESTS, "write")
    assert [row.inputs["under_test"] for row in rows[2:4]] == [("times_2",), ("sum",)]
    assert "`times_2`" in task.prompt(rows[2])
    assert "assert times_2(2, 3) == 8" in task.prompt(rows[2])
    assert rows[0].id == "2"


def test_tests_written_as_one_script_derive(tmp_path: Path) -> None:
    rows = [
        {"prompt": row["text"], "reference": row["code"], "test": "\n".join(row["test_list"])}
        for row in programs()
    ]

    task = task_of(tmp_path, rows)

    assert task.fields == {"input": "prompt", "tests": "test", "solution": "reference"}
    assert task.reading == {"form": "write"}


LETTERS = "ABCD"
CHOICE_LAYOUTS: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "list and index": lambda r: {"question": r["question"], "choices": r["choices"], "answer": r["right"]},
    "list and index from 1": lambda r: {
        "question": r["question"],
        "choices": r["choices"],
        "label": r["right"] + 1,
    },
    "list and written index": lambda r: {
        "q": r["question"],
        "options": r["choices"],
        "gold": str(r["right"]),
    },
    "list and letter": lambda r: {
        "question": r["question"],
        "choices": r["choices"],
        "answer": LETTERS[r["right"]],
    },
    "list and bracketed letter": lambda r: {
        "question": r["question"],
        "choices": r["choices"],
        "target": f"({LETTERS[r['right']]})",
    },
    "list and text": lambda r: {
        "question": r["question"],
        "options": r["choices"],
        "answer": r["choices"][r["right"]],
    },
    "text and label lists": lambda r: {
        "question": r["question"],
        "choices": {"text": r["choices"], "label": list(LETTERS)},
        "answerKey": LETTERS[r["right"]],
    },
    "text and number labels": lambda r: {
        "question": r["question"],
        "choices": {"text": r["choices"], "label": ["1", "2", "3", "4"]},
        "answerKey": str(r["right"] + 1),
    },
    "records of label and text": lambda r: {
        "question": r["question"],
        "options": [{"label": a, "text": b} for a, b in zip(LETTERS, r["choices"], strict=True)],
        "answer": LETTERS[r["right"]],
    },
    "mapping": lambda r: {
        "question": r["question"],
        "options": dict(zip(LETTERS, r["choices"], strict=True)),
        "answer": LETTERS[r["right"]],
    },
    "columns A to D": lambda r: {
        "Question": r["question"],
        **dict(zip(LETTERS, r["choices"], strict=True)),
        "Answer": LETTERS[r["right"]],
    },
    "columns option_a": lambda r: {
        "question": r["question"],
        **{f"option_{letter.lower()}": text for letter, text in zip(LETTERS, r["choices"], strict=True)},
        "correct_option": r["right"],
    },
    "columns choice1": lambda r: {
        "premise": r["question"],
        **{f"choice{n + 1}": text for n, text in enumerate(r["choices"])},
        "label": r["right"],
    },
    "columns without telling names": lambda r: {
        "zz": r["question"],
        **{f"ending{n}": text for n, text in enumerate(r["choices"])},
        "yy": r["right"],
    },
}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("layout", CHOICE_LAYOUTS)
def test_every_layout_of_choices_gives_the_same_task(tmp_path: Path, layout: str, suffix: str) -> None:
    source = capitals()
    WRITERS[suffix](tmp_path / f"test.{suffix}", [CHOICE_LAYOUTS[layout](row) for row in source])

    task = derived(tmp_path)

    assert (task.kind, task.scorer, task.chance) == (TaskKind.MULTIPLE_CHOICE, "choice", 0.25)
    assert [row.gold for row in task.rows()] == [LETTERS[row["right"]] for row in source]
    assert [list(row.inputs["choices"]) for row in task.rows()] == [row["choices"] for row in source]
    assert f"B. {source[0]['choices'][1]}" in task.prompt(task.rows()[0])
    assert len(task.evidence) >= 4
    assert all("/" in decision.anchor for decision in task.evidence[1:])


SPLIT_CHOICES: Mapping[str, Callable[[list[str], str], dict[str, Any]]] = {
    "a list of wrong ones": lambda wrong, right: {"correct_answer": right, "incorrect_answers": wrong},
    "columns of wrong ones": lambda wrong, right: {
        **{f"distractor{n + 1}": text for n, text in enumerate(wrong)},
        "correct_answer": right,
    },
    "marks on all": lambda wrong, right: {
        "choices": {"text": [right, *wrong], "labels": [1] + [0] * len(wrong)}
    },
}


@pytest.mark.parametrize("layout", SPLIT_CHOICES)
def test_choices_kept_apart_are_mixed_with_every_position_right_equally_often(
    tmp_path: Path, layout: str
) -> None:
    rows = []
    for row in capitals(40):
        wrong = [text for n, text in enumerate(row["choices"]) if n != row["right"]]
        rows.append(
            {"question": row["question"], **SPLIT_CHOICES[layout](wrong, row["choices"][row["right"]])}
        )

    task = task_of(tmp_path, rows)

    read = task.rows()
    right = [row.inputs["choices"][LETTERS.index(row.gold)] for row in read]
    assert right == [row["choices"][row["right"]] for row in capitals(40)]
    assert Counter(row.gold for row in read) == {"A": 10, "B": 10, "C": 10, "D": 10}
    assert [row.inputs["choices"] for row in derived(tmp_path).rows()] == [
        row.inputs["choices"] for row in read
    ]


@pytest.mark.parametrize(
    ("rows", "scorer", "golds", "chance"),
    [
        (
            [{"problem": f"What is {n} and {n}?", "answer": n * 37 % 101} for n in range(30)],
            "numeric",
            ("0",),
            0.0,
        ),
        (
            [{"input": f"Half of {n}?", "target": f"${n / 2:,.2f}"} for n in range(30)],
            "numeric",
            ("$0.00",),
            0.0,
        ),
        (
            [{"problem": f"Solve {n}.", "solution": f"Long way. So \\boxed{{{n}}}."} for n in range(30)],
            "numeric",
            ("0",),
            0.0,
        ),
        (
            [{"question": f"Who built {n}?", "answer": f"Ann Number {n} Smith"} for n in range(30)],
            "text",
            None,
            0.0,
        ),
        (
            [{"question": f"Who built {n}?", "answer": ["Ann", f"A. Smith {n}"]} for n in range(30)],
            "text",
            ("Ann", "A. Smith 0"),
            0.0,
        ),
        (
            [
                {
                    "context": f"Ann built {n}.",
                    "question": f"Who built {n}?",
                    "answers": {"text": ["Ann"], "start": [0]},
                }
                for n in range(30)
            ],
            "text",
            ("Ann",),
            0.0,
        ),
        (
            [{"question": f"Is {n} even?", "answer": n % 2 == 0} for n in range(60)],
            "text",
            ("true",),
            0.5,
        ),
        (
            [{"question": f"Is {n} even?", "answer": "no" if n % 2 else "yes"} for n in range(60)],
            "text",
            ("yes",),
            0.5,
        ),
        ([{"aa": f"A riddle about {n}?", "bb": n * 37 % 101} for n in range(30)], "numeric", ("0",), 0.0),
    ],
    ids=[
        "number",
        "money",
        "boxed",
        "text",
        "several",
        "context",
        "true or false",
        "closed",
        "no telling names",
    ],
)
def test_questions_with_other_golds_derive(
    tmp_path: Path, rows: Rows, scorer: str, golds: tuple[str, ...] | None, chance: float
) -> None:
    task = task_of(tmp_path, rows)

    assert (task.kind, task.scorer, task.chance) == (TaskKind.QUESTION_ANSWER, scorer, chance)
    assert len(task.rows()) == len(rows)
    if golds is not None:
        assert task.rows()[0].golds == golds
    judge = task.make_scorer()
    assert {judge.score(row, task.gold_completion(row)).reward for row in task.rows()} == {1.0}
    assert {judge.score(row, "").reward for row in task.rows()} == {0.0}


def test_weaker_evidence_gives_less_confidence(tmp_path: Path) -> None:
    named = task_of(
        tmp_path / "named", [{"question": f"What of {n}?", "answer": n * 37 % 101} for n in range(30)]
    )
    unnamed = task_of(tmp_path / "unnamed", [{"aa": f"What of {n}?", "bb": n * 37 % 101} for n in range(30)])

    assert (named.confidence, unnamed.confidence) == (0.95, 0.6)


def test_a_passage_is_shown_before_its_question_and_joins_the_row(tmp_path: Path) -> None:
    rows = [
        {"passage": f"Hill {n} is red.", "question": f"What about hill {n}?", "answer": f"red {n}"}
        for n in range(9)
    ]

    task = task_of(tmp_path, rows)

    row = task.rows()[3]
    assert task.prompt(row).startswith("Hill 3 is red.\n\nWhat about hill 3?")
    assert task.texts(row) == ("What about hill 3?", "Hill 3 is red.")


UNJUDGEABLE: Mapping[str, tuple[Rows, str]] = {
    "long answers": (
        [{"question": f"Why {n}?", "answer": "word " * 40 + str(n)} for n in range(30)],
        "neither numbers nor short texts",
    ),
    "class numbers": (
        [{"text": f"A review, number {n}.", "label": n % 3} for n in range(60)],
        "class numbers whose meaning no column gives",
    ),
    "choices without a target": (
        [{"question": row["question"], "choices": row["choices"]} for row in capitals()],
        "no column names the right one",
    ),
    "choices with a foreign number": (
        [{**CHOICE_LAYOUTS["list and index"](row), "answer": 99 + n % 9} for n, row in enumerate(capitals())],
        "neither letters, indices nor texts of the choices",
    ),
    "no answer": ([{"text": f"Only text {n}."} for n in range(30)], "no column beside 'text'"),
    "index base": (
        [{**CHOICE_LAYOUTS["list and index"](row), "answer": 1 + n % 3} for n, row in enumerate(capitals())],
        "whether the first choice is 0 or 1",
    ),
    "test classes": (
        [
            {"prompt": f"Write {n}.", "test": f"class T(TestCase):\n  def test_{n}(self):\n    assert f({n})"}
            for n in range(9)
        ],
        "test classes or test functions",
    ),
    "numbers only": ([{"n": n, "m": n} for n in range(30)], "no column holds a question"),
}


@pytest.mark.parametrize(("rows", "words"), UNJUDGEABLE.values(), ids=UNJUDGEABLE)
def test_what_cannot_be_judged_is_a_gap_with_its_reason(tmp_path: Path, rows: Rows, words: str) -> None:
    write_jsonl(tmp_path / "test.jsonl", rows)

    found = gap(derive(tmp_path))

    assert (found.reason, found.candidates) == (GapReason.NO_SHAPE, ("test: test.jsonl",))
    assert words in found.text
    assert found.closes
