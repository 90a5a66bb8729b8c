"""Faults of golds and data: what is taken for right is not, or cannot tell anything apart."""

from __future__ import annotations

import json

from case import Case, oracle
from pieces import GRADE, QUESTIONS, ROWS, VERDICT, WORDS, Row, contract, jsonl, swap, uncalibrated

SUMS: tuple[Row, ...] = tuple(
    {
        "id": str(i),
        "question": f"A shelf holds {3 * i + 2} books and gets {i + 5} more. How many are there?",
        "answer": f"Add them: {3 * i + 2} + {i + 5}.\n#### {4 * i + 7}",
        "says": f"#### {4 * i + 7}",
    }
    for i in range(24)
)
"""A data set of 24 sums whose golds differ."""


def choices(shift: int = 0) -> list[Row]:
    """Questions with four choices; the index of the right one is moved by `shift`."""
    rows = []
    for i in range(24):
        right = (7 * i + i // 4) % 4
        options = [str(50 + 2 * i + step) for step in (0, 1, 3, 4)]
        rows.append(
            {
                "question": f"Start at {50 + 2 * i} and add {(0, 1, 3, 4)[right]}. Where are you?",
                "choices": options,
                "answer": (right + shift) % 4,
                "says": "ABCD"[right],
                "slips": "ABCD"[(right + 1) % 4],
            }
        )
    return rows


def shown(rows: list[Row] | tuple[Row, ...]) -> str:
    """The rows as a data file: without what only the pupil knows."""
    return jsonl(
        {name: value for name, value in row.items() if name not in ("says", "slips")} for row in rows
    )


def given(name: str, what: str, said: str, text: str) -> Case:
    """The usual target with another oracle file."""
    return Case(name=name, what=what, said=said, files={"oracle.jsonl": text})


def moved(rows: tuple[Row, ...] | list[Row], by: int = 1) -> list[Row]:
    """The rows with each gold moved to a later question."""
    return [{**row, "answer": rows[(i + by) % len(rows)]["answer"]} for i, row in enumerate(rows)]


def data(name: str, what: str, said: str, text: str, **other: object) -> Case:
    """A data set without any command."""
    return Case(name=name, what=what, said=said, contract=None, files={"test.jsonl": text}, **other)


HALF_RIGHT = [{**row, "answer": row["answer"] if i % 4 else "0"} for i, row in enumerate(ROWS)]

FAULTS = [
    given(
        "oracle_of_another_set",
        "the oracle answers other questions",
        "joined no row of the data",
        oracle(WORDS),
    ),
    given(
        "oracle_partly_wrong",
        "a quarter of the oracle's answers are wrong",
        uncalibrated(r"oracle: scored 0\.75"),
        oracle(HALF_RIGHT),
    ),
    given("oracle_is_empty", "the oracle file holds no rows", "holds no rows", "\n"),
    given(
        "oracle_is_torn",
        "the oracle file ends in the middle of a row",
        r"oracle\.jsonl:\d+",
        oracle(ROWS)[:-30],
    ),
    given(
        "oracle_says_one_thing",
        "the oracle gives one answer to every question",
        uncalibrated(r"oracle: scored"),
        oracle([{**row, "answer": "100"} for row in ROWS]),
    ),
    Case(
        name="no_gold_at_all",
        what="nothing says what a right answer is",
        said="oracle: unavailable",
        contract={key: value for key, value in contract().items() if key != "oracle"},
    ),
    Case(
        name="gold_column_shuffled",
        what="the grader's golds stand beside other questions",
        said=uncalibrated(r"oracle: scored 0\b"),
        files={QUESTIONS: jsonl(moved(ROWS)), "oracle.jsonl": oracle(ROWS)},
    ),
    Case(
        name="golds_of_some_rows_swapped",
        what="a sixth of the grader's golds are swapped",
        said=uncalibrated(r"oracle: scored 0\.83"),
        files={
            QUESTIONS: jsonl(
                [
                    {**ROWS[0], "answer": ROWS[1]["answer"]},
                    {**ROWS[1], "answer": ROWS[0]["answer"]},
                    *ROWS[2:],
                ]
            ),
            "oracle.jsonl": oracle(ROWS),
        },
    ),
    Case(
        name="letters_off_by_one",
        what="the grader counts the choices from one, the data from nought",
        said=uncalibrated(r"oracle: scored 0\b"),
        rows=[
            {"id": str(i), "question": f"{row['question']} {row['choices']}", "answer": row["says"]}
            for i, row in enumerate(choices())
        ],
        contract=contract(metric={"chance": 0.25}),
        files={
            "grade.py": swap(
                GRADE, (VERDICT, '"ABCD".find(answers[row["id"]].strip()) == "ABCD".find(row["answer"]) + 1')
            )
        },
    ),
    data(
        "data_golds_all_alike",
        "every question has the same gold",
        "shuffled: cannot be made: the golds of these rows do not differ",
        jsonl({"question": row["question"], "answer": "#### 1"} for row in SUMS),
        rows=SUMS,
    ),
    data(
        "data_golds_withheld",
        "the golds of this split are withheld",
        r"no contract|no gold",
        jsonl({"question": row["question"], "answer": ""} for row in SUMS),
        rows=SUMS,
    ),
    data(
        "data_golds_are_placeholders",
        "the golds of this split are all -1",
        r"no contract|golds of these rows do not differ",
        jsonl({"question": row["question"], "answer": -1} for row in SUMS),
        rows=SUMS,
    ),
    data(
        "data_question_twice",
        "a question stands twice with different golds",
        uncalibrated(r"oracle: scored 0\.|twice|same (question|prompt)"),
        shown([*SUMS, {**SUMS[0], "answer": "#### 999"}, {**SUMS[1], "answer": "#### 998"}]),
        rows=SUMS,
    ),
    data(
        "data_rows_repeated",
        "twelve questions, each of them four times",
        r"repeat|same (question|prompt)|twice|duplicate",
        shown([*SUMS[:12]] * 4),
        rows=SUMS,
    ),
    data(
        "data_shows_the_gold",
        "the question column holds the whole solution",
        r"(echo|prompt|talk).*(scored|gold|right answer)",
        jsonl({"question": f"{row['question']}\n{row['answer']}", "answer": row["answer"]} for row in SUMS),
        rows=SUMS,
    ),
    data(
        "data_is_a_pointer",
        "the data file is a pointer of a large-file store",
        r"pointer|no contract",
        "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 749738\n",
        rows=SUMS,
    ),
    data(
        "data_is_torn",
        "the data file ends in the middle of a row",
        r"test\.jsonl:\d+",
        shown(SUMS)[:-25],
        rows=SUMS,
    ),
    data(
        "data_golds_moved",
        "each gold stands beside the question before",
        uncalibrated(""),
        shown(moved(SUMS)),
        rows=SUMS,
    ),
    data(
        "data_letters_moved",
        "the index of the right choice is off by one",
        uncalibrated(""),
        shown(choices(shift=1)),
        rows=choices(),
    ),
    Case(
        name="data_manifest_differs",
        what="a data file is not the one that the folder's manifest names",
        said=r"MANIFEST|manifest|checksum|sha256",
        contract=None,
        rows=SUMS,
        files={
            "test.jsonl": shown(SUMS),
            "manifest.json": json.dumps({"files": {"test.jsonl": {"sha256": "0" * 64}}}),
        },
    ),
    Case(
        name="samples_are_empty",
        what="the file of samples to judge is empty",
        said=r"(no sample|holds no|empty|not judged)",
        contract=None,
        rows=SUMS,
        files={"test.jsonl": shown(SUMS)},
        samples="",
    ),
    Case(
        name="samples_cover_half",
        what="the file of samples answers half of the questions",
        said=r"12 of 24 samples were not judged",
        contract=None,
        rows=SUMS,
        files={"test.jsonl": shown(SUMS)},
        samples=jsonl({"prompt": row["question"], "completion": row["says"]} for row in SUMS[:12]),
    ),
    Case(
        name="samples_twice",
        what="the file of samples answers a question twice",
        said=r"a further answer to row",
        contract=None,
        rows=SUMS,
        files={"test.jsonl": shown(SUMS)},
        samples=jsonl({"prompt": row["question"], "completion": row["says"]} for row in [*SUMS, SUMS[0]]),
    ),
    Case(
        name="samples_of_another_set",
        what="the file of samples answers other questions",
        said=r"names no row",
        contract=None,
        rows=SUMS,
        files={"test.jsonl": shown(SUMS)},
        samples=jsonl({"prompt": row["question"], "completion": row["answer"]} for row in WORDS),
    ),
]
