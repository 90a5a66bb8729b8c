"""Samples in the target's own columns and format, on the way out and back."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from honing.contract.asking.samples_file import columns_asked
from honing.contract.samples.columns import code_of, read_answers, written_samples
from honing.contract.samples.sample import Sample, SampleStatus
from honing.contract.spec import ContractSpec
from honing.errors import ContractError, MetricsError, UsageError

FENCED = "Here it is:\n```python\ndef f():\n    return 1\n```\nDone."
SAMPLES = (
    Sample(id="t/0", prompt="p0", completion=FENCED, target="g0", status=SampleStatus.COMPLETED),
    Sample(id="t/1", prompt="p1", completion='say "hi",\nü', target="g1", status=SampleStatus.COMPLETED),
    Sample(id="t/2", prompt="p2", status=SampleStatus.MODEL_FAILED),
    Sample(id="t/3", prompt="p3", status=SampleStatus.INFRA_ERROR, error="503"),
)
COLUMNS = {"task_id": "id", "solution": "completion", "level": "row.level"}
RAW = {one.id: {"level": number} for number, one in enumerate(SAMPLES)}
WRITTEN = [
    {"task_id": "t/0", "solution": FENCED, "level": 0},
    {"task_id": "t/1", "solution": 'say "hi",\nü', "level": 1},
    {"task_id": "t/2", "solution": "", "level": 2},
]


def written(file: str, columns: Mapping[str, str] = COLUMNS) -> bytes:
    return written_samples(SAMPLES, columns, file, rows={}, raw=RAW)


def parsed(content: bytes, file: str) -> list[dict[str, Any]]:
    if file.endswith(".gz"):
        content, file = gzip.decompress(content), file.removesuffix(".gz")
    if file.endswith(".jsonl"):
        return [json.loads(line) for line in content.splitlines()]
    if file.endswith(".json"):
        found = json.loads(content)
        assert isinstance(found, list)
        return found
    tab = "\t" if file.endswith(".tsv") else ","
    rows = csv.DictReader(io.StringIO(content.decode()), delimiter=tab)
    return [{**row, "level": int(row["level"])} for row in rows]


@pytest.mark.parametrize("file", ["a.jsonl", "out/a.json", "a.csv", "a.tsv", "a.jsonl.gz"])
def test_a_grader_finds_its_own_columns_and_no_sample_that_was_lost(file: str) -> None:
    assert parsed(written(file), file) == WRITTEN


def test_without_declared_columns_a_grader_gets_honings_own() -> None:
    rows = parsed(written("a.jsonl", {}), "a.jsonl")

    assert [row["id"] for row in rows] == ["t/0", "t/1", "t/2"]
    assert set(rows[0]) >= {"id", "prompt", "completion", "target", "status"}


@pytest.mark.parametrize(
    ("completion", "code"),
    [
        (FENCED, "def f():\n    return 1\n"),
        ("    return 1\n", "    return 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
    ],
    ids=["fenced in prose", "a bare body keeps its indentation", "fenced without a language"],
)
def test_code_is_the_completion_without_its_fence(completion: str, code: str) -> None:
    assert code_of(completion) == code


@pytest.mark.parametrize(
    ("file", "columns", "said"),
    [
        ("a.xml", COLUMNS, "must end in .jsonl, .json, .csv or .tsv"),
        ("a.jsonl", {"x": "row.depth"}, "has no column 'depth'; it has level"),
    ],
)
def test_what_cannot_be_written_is_named(file: str, columns: Mapping[str, str], said: str) -> None:
    with pytest.raises(ContractError, match=r"stages\.rollout\.samples") as raised:
        written(file, columns)

    assert said in str(raised.value)


def test_a_contract_with_a_column_of_nothing_is_refused() -> None:
    rollout = {"samples": "a.jsonl", "samples_columns": {"x": "answer"}}
    stages = {"rollout": {**rollout, "answers": "samples"}, "evaluate": {"commands": ["true"]}}
    with pytest.raises(ValueError, match="'answer' is none of id, prompt, completion, target, code"):
        ContractSpec.model_validate({"schema": 1, "stages": stages})


def read(tmp_path: Path, rows: list[dict[str, Any]], name: str = "a.jsonl", **more: Any) -> Any:
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_answers(path, more.pop("columns", {}), name=name, **more)
    answers = [(one.id, one.prompt, one.completion) for one in found.answers]
    return answers, dict(found.columns), dict(found.by)


@pytest.mark.parametrize("file", ["a.jsonl", "a.json", "a.csv", "a.jsonl.gz"])
def test_what_was_written_is_read_back(tmp_path: Path, file: str) -> None:
    path = tmp_path / file
    path.write_bytes(written(file))
    found = read_answers(path, COLUMNS)

    assert [(one.id, one.completion) for one in found.answers] == [
        (row["task_id"], row["solution"]) for row in WRITTEN
    ]
    assert found.as_document(file)["by"] == {"id": "contract", "completion": "contract"}


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"task_id": "t/0", "completion": "c"}, {"id": "task_id", "completion": "completion"}),
        ({"idx": 7, "response": "c"}, {"id": "idx", "completion": "response"}),
        ({"question": "q?", "answer": "gold", "output": "c"}, {"prompt": "question", "completion": "output"}),
        ({"question_id": 1, "solution": "c"}, {"id": "question_id", "completion": "solution"}),
    ],
    ids=["task_id", "idx and response", "the gold is not taken for the answer", "solution alone"],
)
def test_usual_columns_are_recognised_and_the_decision_is_kept(
    tmp_path: Path, row: dict[str, Any], columns: dict[str, str]
) -> None:
    answers, chosen, by = read(tmp_path, [row])

    assert answers[0][2] == "c"
    assert (chosen, set(by.values())) == (columns, {"guess"})


def test_the_user_names_a_nested_column(tmp_path: Path) -> None:
    rows = [{"question": "q?", "small": {"text": "a"}, "large": {"text": "b"}}]
    answers, chosen, by = read(tmp_path, rows, asked=columns_asked(["completion=large.text"]))

    assert answers == [(None, "q?", "b")]
    assert (chosen["completion"], by["completion"]) == ("large.text", "asked")


def test_a_list_of_completions_is_several_answers(tmp_path: Path) -> None:
    answers, _, _ = read(tmp_path, [{"task_id": "t", "completions": ["a", "b"]}])

    assert answers == [("t", None, "a"), ("t", None, "b")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"task_id": "t", "code": 1}], "no column holds the answers as text. Columns are task_id, code"),
        ([{"task_id": "t", "completion": "a"}, {"task_id": "u"}], "no column holds the answers"),
        ([], "holds no samples"),
    ],
)
def test_a_file_without_answers_is_refused(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(MetricsError) as raised:
        read(tmp_path, rows)

    assert said in str(raised.value)


def test_a_role_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="ROLE one of id, completion, prompt, got 'gold=x'"):
        columns_asked(["gold=x"])
