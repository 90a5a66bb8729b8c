"""Columns that number rows, and questions that lack a part, are no task that could be judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from made_tables import derived, gap, write_jsonl

from honing.contract.data.dataset import GapReason, derive

NUMBERINGS: Mapping[str, Callable[[int], Any]] = {
    "from zero": lambda n: n,
    "from one": lambda n: n + 1,
    "written": lambda n: str(n),
    "rising": lambda n: 1000 + n * n,
    "falling": lambda n: 500 - 3 * n,
    "uuids": lambda n: str(UUID(int=(n * 7 + 3) << 90)),
    "digests": lambda n: f"{(n * 7919 + 13) ** 9:x}"[:12] + "0a",
    "names with numbers": lambda n: f"made/{(n * 7) % 30}",
}


@pytest.mark.parametrize("name", ["answer", "target", "label", "key", "anything"])
@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_what_numbers_the_rows_is_never_an_answer(tmp_path: Path, numbering: str, name: str) -> None:
    made = NUMBERINGS[numbering]
    write_jsonl(tmp_path / "test.jsonl", [{name: made(n), "prompt": f"Sing of hill {n}."} for n in range(30)])

    found = gap(derive(tmp_path))

    assert (found.reason, found.candidates) == (GapReason.NO_SHAPE, ("test: test.jsonl",))
    assert "no column beside 'prompt' holds an answer" in found.text
    assert repr(name) in found.text.partition(";")[2]


def test_an_answer_is_found_beside_a_column_that_numbers_the_rows(tmp_path: Path) -> None:
    rows = [{"gold": n, "prompt": f"What is {n}?", "answer": n * 37 % 101} for n in range(30)]
    write_jsonl(tmp_path / "test.jsonl", rows)

    assert derived(tmp_path).fields == {"input": "prompt", "target": "answer"}


def test_a_bare_key_is_no_name_of_an_answer(tmp_path: Path) -> None:
    rows = [{"key": f"{'abc'[n % 3]}{n % 7}", "prompt": f"Sing of hill {n}."} for n in range(30)]
    write_jsonl(tmp_path / "test.jsonl", rows)

    assert "no column beside 'prompt' holds an answer" in gap(derive(tmp_path)).text


def _program(n: int) -> str:
    return f"def f(xs):\n    ys = [x * {n} for x in xs]\n    return sorted(ys)[0] + {n}\n"


LONG = "It was long ago that somebody looked at the hill and found that there were {} stones on it."
INCOMPLETE: Mapping[str, tuple[Callable[[int], dict[str, Any]], str]] = {
    "a program whose argument is asked": (
        lambda n: {"code": _program(n), "input": f"[{n}, 2, {n * n}]", "output": n * 37 % 101},
        "code",
    ),
    "a long text of unknown meaning": (
        lambda n: {"question": f"What of {n}?", "zz": LONG.format(n), "answer": f"red {n}"},
        "zz",
    ),
    "the other half of a pair": (
        lambda n: {
            "premise": f"Hill {n} is red and steep.",
            "hypothesis": f"Hill {n} burns.",
            "label": "yes" if n % 2 else "no",
        },
        "hypothesis",
    ),
    "a passage in parts": (
        lambda n: {
            "question": f"What of {n}?",
            "context": {"title": [f"Hill {n}"], "sentences": [[LONG.format(n)]]},
            "answer": f"red {n}",
        },
        "context",
    ),
    "choices about a long text": (
        lambda n: {
            "question": f"What of {n}?",
            "zz": LONG.format(n),
            "choices": ["red", "blue"],
            "answer": "AB"[n * 37 % 101 % 2],
        },
        "zz",
    ),
}


@pytest.mark.parametrize(("made", "name"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_a_question_that_lacks_a_part_is_not_asked(
    tmp_path: Path, made: Callable[[int], dict[str, Any]], name: str
) -> None:
    write_jsonl(tmp_path / "test.jsonl", [made(n) for n in range(40)])

    found = gap(derive(tmp_path))

    assert found.reason is GapReason.NO_SHAPE
    assert repr(name) in found.text
    assert "{context}" in found.closes


ASIDE: Mapping[str, Callable[[int], str]] = {
    "explanation": LONG.format,
    "cot_content": LONG.format,
    "Solution": LONG.format,
    "source_url": lambda n: f"https://made.example/{'long/' * 20}{n}",
    "page": lambda n: f"https://made.example/{'long/' * 20}{n}",
    "hint": LONG.format,
    "full_form": lambda n: f"Answer this, please, and be quick about it: What is there on {n}?",
    "place": lambda n: f"{'made-up-folder/' * 5}{n}",
    "code": lambda n: f"beads = {n} + 3\nprint(beads * 37 % 101)\n" * 3,
    "few": lambda n: f"A long remark that is the same on many rows of the table, as kinds are: {n % 3}",
}


@pytest.mark.parametrize("name", ASIDE)
def test_what_stands_beside_a_question_does_not_stop_it(tmp_path: Path, name: str) -> None:
    rows = [
        {"question": f"What is there on {n}?", name: ASIDE[name](n), "answer": n * 37 % 101}
        for n in range(40)
    ]
    if name == "code":
        rows = [
            {**row, "question": f"Ann has {n} beads and gets three. How many?"} for n, row in enumerate(rows)
        ]
    write_jsonl(tmp_path / "test.jsonl", rows)

    assert derived(tmp_path).fields == {"input": "question", "target": "answer"}


def test_a_program_that_questions_speak_of_is_shown(tmp_path: Path) -> None:
    rows = [
        {
            "code": _program(n),
            "question": f"What does this function return for [{n}]?",
            "answer": n * 37 % 101,
        }
        for n in range(40)
    ]
    write_jsonl(tmp_path / "test.jsonl", rows)

    task = derived(tmp_path)

    assert task.fields == {"input": "question", "target": "answer", "context": "code"}
    assert task.prompt(task.rows()[3]).startswith(f"{_program(3)}\n\nWhat does this function return for [3]?")


def test_all_texts_before_a_question_are_shown(tmp_path: Path) -> None:
    rows = [
        {
            "question": f"How many stones lie on {n}?",
            "schema": f"hill_{n}(name, stones)",
            "table": [f"a | {n}", "b | 2"],
            "answer": n * 37 % 101,
        }
        for n in range(40)
    ]
    write_jsonl(tmp_path / "test.jsonl", rows)

    task = derived(tmp_path)

    assert task.fields["context"] == ("schema", "table")
    shown = "hill_3(name, stones)\n\na | 3\nb | 2"
    assert task.rows()[3].inputs["context"] == shown
    assert task.prompt(task.rows()[3]).startswith(f"{shown}\n\nHow many stones lie on 3?")


def test_a_table_that_lies_twice_in_a_folder_is_one_table(tmp_path: Path) -> None:
    rows = [{"question": f"What is {n}?", "answer": n * 37 % 101} for n in range(30)]
    write_jsonl(tmp_path / "data" / "made_test.jsonl", rows)
    write_jsonl(tmp_path / "package" / "data" / "made_test.jsonl", rows)

    task = derived(tmp_path)

    assert task.files == ("data/made_test.jsonl",)
    assert task.notes[0] == ("package/data/made_test.jsonl is a copy of data/made_test.jsonl: counted once")


def test_tables_that_differ_in_one_row_stay_two(tmp_path: Path) -> None:
    rows = [{"question": f"What is {n}?", "answer": n * 37 % 101} for n in range(30)]
    write_jsonl(tmp_path / "data" / "made_test.jsonl", rows)
    write_jsonl(tmp_path / "package" / "data" / "made_test.jsonl", [*rows[:-1], {**rows[-1], "answer": 62}])

    assert gap(derive(tmp_path)).reason is GapReason.AMBIGUOUS


def _standing(n: int) -> dict[str, Any]:
    return {"": f"model {n}", "win_rate": n * 37 % 101, "standard_error": 1.5}


NO_TASKS: Mapping[str, tuple[str, str, str]] = {
    "standings": (
        "leaders.jsonl",
        "".join(json.dumps(_standing(n)) + "\n" for n in range(9)),
        "leaders.jsonl looks like a leaderboard (it has a column 'win_rate')",
    ),
    "figures of models": (
        "shown.jsonl",
        "".join(
            json.dumps({"model": f"m {n}", "math": n * 7 % 5, "code": n * 3 % 5}) + "\n" for n in range(9)
        ),
        "shown.jsonl looks like a leaderboard (one row for each 'model', with figures such as 'math')",
    ),
    "written by a model": (
        "wrote.jsonl",
        "".join(
            json.dumps({"instruction": f"Sing of {n}.", "output": f"red {n}", "generator": "m"}) + "\n"
            for n in range(9)
        ),
        "wrote.jsonl looks like outputs of models (it has columns 'generator' and 'output')",
    ),
    "settings": ("games.json", '{"speed": {"a": 1}, "names": ["b"]}', "games.json is JSON, but no table"),
}


@pytest.mark.parametrize(("name", "content", "words"), NO_TASKS.values(), ids=NO_TASKS)
def test_data_without_a_task_are_called_what_they_are(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    (tmp_path / name).write_text(content)

    found = gap(derive(tmp_path))

    assert (found.reason, found.candidates) == (GapReason.NO_SHAPE, ())
    assert found.text.startswith(f"the data hold no task: {words}")


def test_data_without_a_task_are_no_headline_beside_a_table(tmp_path: Path) -> None:
    for name, content, _ in NO_TASKS.values():
        (tmp_path / name).write_text(content)
    write_jsonl(tmp_path / "zz.jsonl", [{"question": f"Why {n}?", "answer": "word " * 40} for n in range(9)])

    found = gap(derive(tmp_path))

    assert found.candidates == ("zz: zz.jsonl",)
    assert "neither numbers nor short texts" in found.text


def test_what_models_wrote_is_not_measured_in_place_of_the_task(tmp_path: Path) -> None:
    rows = [{"question": f"What is {n}?", "answer": n * 37 % 101} for n in range(30)]
    for name in ("one", "two"):
        write_jsonl(tmp_path / "outputs" / f"{name}.jsonl", [{**row, "by": name} for row in rows])

    assert "outputs/one.jsonl looks like outputs of models, and 1 more" in gap(derive(tmp_path)).text

    write_jsonl(tmp_path / "zz.jsonl", rows)

    assert derived(tmp_path).files == ("zz.jsonl",)


def test_answers_of_two_kinds_are_counted_with_one_that_cannot_be_judged(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {n}?", "answer": [n, 1] if n % 10 == 3 else n * 37 % 101} for n in range(40)
    ]
    write_jsonl(tmp_path / "test.jsonl", rows)

    found = gap(derive(tmp_path))

    assert found.text == (
        "36 of 40 values of 'answer' are numbers or short texts; 4 are not, but lists such as '[3, 1]', "
        "so exact comparison cannot judge all of them"
    )
    assert found.closes.startswith("a copy of the data without the 4 rows")
