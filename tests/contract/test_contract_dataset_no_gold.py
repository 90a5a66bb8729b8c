"""Columns that number rows, and questions that lack a part, are no task that could be judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from made_tables import derived, gap, write_jsonl

from honing.contract.dataset import GapReason, derive

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
