"""Which table is measured, and the task as plain data."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from made_tables import (
    Rows,
    completions,
    derived,
    gap,
    programs,
    sums,
    task_of,
    with_letters,
    write_csv,
    write_jsonl,
    write_parquet,
)

from honing.contract.data.dataset import GapReason, derive
from honing.contract.data.task import task_from_document
from honing.errors import ContractError, TargetError


def test_test_comes_before_validation_and_train_and_the_reason_is_on_record(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        write_jsonl(tmp_path / f"{split}.jsonl", sums())

    task = derived(tmp_path)

    assert (task.split, task.files) == ("test", ("test.jsonl",))
    assert "comes first of test" in task.evidence[0].why
    assert "train.jsonl" in task.evidence[0].why
    assert derived(tmp_path, split="train").files == ("train.jsonl",)


def test_a_test_split_without_answers_is_passed_over_and_said_so(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "test.jsonl", [{"question": row["question"], "answer": ""} for row in sums()])
    write_jsonl(tmp_path / "dev.jsonl", sums())

    task = derived(tmp_path)

    assert task.split == "dev"
    assert any(note.startswith("test: test.jsonl: no column beside") for note in task.notes)


def test_a_training_split_is_used_last_with_a_warning(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "train.jsonl", sums())

    assert any("training split" in note for note in derived(tmp_path).notes)


def test_a_file_named_after_its_split_alone_is_meant_before_its_variants(tmp_path: Path) -> None:
    (tmp_path / "sums").mkdir()
    for more, name in enumerate(("test", "test_hard", "train", "train_hard")):
        write_jsonl(tmp_path / "sums" / f"{name}.jsonl", sums(40 + more))

    task = derived(tmp_path)

    assert task.files == ("sums/test.jsonl",)
    assert "its file is named 'test' and nothing else" in task.evidence[0].why


def test_several_configurations_are_a_gap_that_lists_them_until_one_is_named(tmp_path: Path) -> None:
    for count, config in ((40, "easy"), (41, "hard")):
        write_parquet(tmp_path / config / "test-00000-of-00001.parquet", sums(count))

    found = gap(derive(tmp_path))

    assert found.reason is GapReason.AMBIGUOUS
    assert found.candidates == (
        "easy/test: easy/test-00000-of-00001.parquet",
        "hard/test: hard/test-00000-of-00001.parquet",
    )
    assert derived(tmp_path, config="hard").config == "hard"
    assert gap(derive(tmp_path, config="soft")).reason is GapReason.UNKNOWN_SPLIT


def test_the_main_configuration_is_preferred(tmp_path: Path) -> None:
    for config in ("main", "other"):
        write_jsonl(tmp_path / config / "test.jsonl", sums())

    assert derived(tmp_path).config == "main"


def test_shards_are_read_as_one_table(tmp_path: Path) -> None:
    rows = sums()
    write_jsonl(tmp_path / "test-00000-of-00002.jsonl", rows[:25])
    write_jsonl(tmp_path / "test-00001-of-00002.jsonl", rows[25:])

    assert [row.inputs["input"] for row in derived(tmp_path).rows()] == [row["question"] for row in rows]


def test_files_that_hold_no_task_or_are_examples_do_not_confuse(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "problems.jsonl", completions())
    write_jsonl(tmp_path / "example_problem.jsonl", completions(1))
    write_jsonl(tmp_path / "samples.jsonl", [{"task_id": "made/1", "completion": "    return 1"}])
    (tmp_path / "settings.json").write_text('{"a": 1}')
    (tmp_path / "broken.json").write_text("{")

    assert derived(tmp_path).files == ("problems.jsonl",)


def test_a_single_file_is_a_target_too(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "anything.csv", sums())

    assert len(derived(path).rows()) == 40


def test_a_folder_without_data_is_a_gap(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("no data")

    assert gap(derive(tmp_path)).reason is GapReason.NO_DATA
    with pytest.raises(TargetError, match="no such folder"):
        derive(tmp_path / "nothing")


def test_a_few_broken_rows_are_left_out_and_named(tmp_path: Path) -> None:
    rows = [*sums(60), {"question": "Broken?", "answer": "no marker here"}]

    task = task_of(tmp_path, rows)

    assert len(task.rows()) == 60
    assert task.invalid() == ["test.jsonl:61/answer: no gold can be read"]
    assert task.notes[-1].startswith("1 rows cannot be judged")


def test_a_damaged_or_forged_file_is_an_error(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "test.jsonl", sums())
    (tmp_path / "hf_manifest.json").write_text(
        json.dumps({"test.jsonl": hashlib.sha256(path.read_bytes()).hexdigest()})
    )
    assert derived(tmp_path).notes[0].startswith("hf_manifest.json: every file's sha256")

    path.write_text(path.read_text().replace("1037", "1038"))

    with pytest.raises(TargetError, match="promises"):
        derive(tmp_path)


@pytest.mark.parametrize("rows", [sums(), completions(), programs(), with_letters()])
def test_a_task_survives_being_written_down(tmp_path: Path, rows: Rows) -> None:
    task = task_of(tmp_path, rows)

    again = task_from_document(json.loads(json.dumps(task.as_document())), tmp_path)

    assert again.rows() == task.rows()
    assert [again.prompt(row) for row in again.rows()] == [task.prompt(row) for row in task.rows()]
    assert again.as_document() == task.as_document()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": 1}, "unknown key 'kinds'"),
        ({"kind": "riddle"}, "'kind' must be one of code_tests"),
        ({"files": ["../x.jsonl"]}, "'files' must list paths inside"),
        ({"files": "x.jsonl"}, "'files' must list paths inside"),
        ({"chance": 2}, "'chance' must be a number in"),
        ({"template": "{inptu}"}, "{inptu}"),
        ({"template": "no question"}, "lacks {input}"),
        ({"scorer": {"nome": "text"}}, "must have a 'name'"),
        ({"fields": ["a"]}, "'fields' must be a mapping"),
    ],
)
def test_a_written_task_is_checked(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    document = task_of(tmp_path, sums()).as_document() | change

    with pytest.raises(ContractError) as caught:
        task_from_document(document, tmp_path)

    assert words in str(caught.value)


def test_braces_in_the_data_are_never_taken_for_placeholders(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {{answer}} in {{0.__class__}} %s {n}?", "answer": n * 5 % 9} for n in range(9)
    ]

    task = task_of(tmp_path, rows)

    assert "What is {answer} in {0.__class__} %s 3?" in task.prompt(task.rows()[3])
