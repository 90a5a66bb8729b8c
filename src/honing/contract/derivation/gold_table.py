"""Which columns of a data file hold the question and the right answer, for targets that judge themselves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.contract.data.table_files import find_tables
from honing.contract.data.tables import TableRow, load_table
from honing.contract.spec_oracle import OracleTable
from honing.errors import ContractError, MissingToolError, TargetError

_MATCHES = ("prompt", "question", "problem", "instruction", "query", "input", "text")
_ANSWERS = ("canonical_solution", "reference_solution", "gold", "answer", "solution", "target", "completion",
            "output", "reference", "ground_truth", "expected", "label")  # fmt: skip
_IDS = ("task_id", "id", "question_id", "problem_id", "instance_id", "qid", "uid")
_CODE = re.compile(r"^\s*(?:def |class |from |import |@)|\n\s*(?:def |return )", re.MULTILINE)
_LEAST_FILLED = 0.95


def gold_table(path: Path, *, variable: str = "", inside: str = "") -> OracleTable | None:
    """Where right answers stand in a data file; None where no column looks like them.

    Args:
        path: The file, or a folder with one table.
        variable: The variable that names the file, where it lies outside of the target.
        inside: Its path below the target, where it lies there.
    """
    try:
        tables = find_tables(path)
        if len(tables) != 1 or len(tables[0].files) != 1:
            return None
        base = path if path.is_dir() else path.parent
        rows = load_table(base / tables[0].files[0], name=tables[0].files[0])
    except (TargetError, MissingToolError):
        return None
    columns = _text_columns(rows)
    match = next((name for name in _MATCHES if name in columns), "")
    answer = next((name for name in _ANSWERS if name in columns and name != match), "")
    if not match or not answer:
        return None
    code = _share(rows, match, answer) >= 0.5
    body = code and all(row.values[answer][:1] in (" ", "\t", "\n", "") for row in rows[:50])
    return OracleTable(
        variable=variable,
        path=inside or None,
        id=next((name for name in _IDS if name in rows[0].values), ""),
        match=match,
        completion=(match, answer) if body else (answer,),
        language="python" if code else "",
    )


def right_answers(table: OracleTable, folder: Path, data: Mapping[str, Path]) -> dict[str, tuple[str, str]]:
    """Question and right answer of every row that has both, by the row's id.

    Args:
        table: Where they stand.
        folder: The target.
        data: Files of this machine by the variable that names them.

    Raises:
        ContractError: The file is not there or lacks a column.
        TargetError: It is damaged.
    """
    path = data.get(table.variable) if table.variable else folder / str(table.path)
    if path is None:
        raise ContractError(
            f"oracle.table: {table.variable} is not set to a file of this machine. Give it with "
            f"--env {table.variable}=/path/to/the/file."
        )
    tables = find_tables(path) if path.exists() else []
    if len(tables) != 1 or len(tables[0].files) != 1:
        raise ContractError(f"oracle.table: {path} must be one table (jsonl, json, csv, parquet).")
    base = path if path.is_dir() else path.parent
    found: dict[str, tuple[str, str]] = {}
    for row in load_table(base / tables[0].files[0], name=tables[0].files[0]):
        missing = [name for name in (table.match, *table.completion) if name not in row.values]
        if missing:
            raise ContractError(f"oracle.table: {row.anchor} has no column {missing[0]!r}.")
        question = str(row.values[table.match])
        answer = "".join(str(row.values[name]) for name in table.completion)
        if question.strip() and answer.strip():
            fenced = f"```{table.language}\n{answer.strip()}\n```" if table.language else answer
            found[str(row.values.get(table.id) or row.anchor)] = (question, fenced)
    if not found:
        raise ContractError(f"oracle.table: no row of {path} has a question and an answer.")
    return found


def _text_columns(rows: Sequence[TableRow]) -> set[str]:
    """Columns that hold text in nearly every row."""
    if not rows:
        return set()
    return {
        name
        for name in rows[0].values
        if sum(_is_text(row.values, name) for row in rows) >= _LEAST_FILLED * len(rows)
    }


def _is_text(values: Mapping[str, Any], name: str) -> bool:
    value = values.get(name)
    return isinstance(value, str) and bool(value.strip())


def _share(rows: Sequence[TableRow], match: str, answer: str) -> float:
    """Share of rows whose question and answer together read like a program."""
    head = rows[:200]
    code = sum(
        bool(_CODE.search(f"{row.values.get(match, '')}\n{row.values.get(answer, '')}")) for row in head
    )
    return code / len(head)
