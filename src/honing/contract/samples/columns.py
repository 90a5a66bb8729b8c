"""Samples in the target's own words: which column of a samples file holds what, on the way out and back."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.data.tables import TableRow, read_table
from honing.contract.samples.sample import JUDGED, Sample
from honing.contract.scorers import Row
from honing.contract.scorers.code_text import programs
from honing.errors import ContractError, MetricsError, TargetError
from honing.store import jsonl_bytes

ROW_PREFIX = "row."
_GUESSES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "task_id", "sample_id", "question_id", "problem_id", "instance_id", "uid", "idx", "index"),
    "completion": (
        "completion",
        "completions",
        "generation",
        "generations",
        "response",
        "output",
        "prediction",
        "model_output",
        "generated_text",
        "solution",
        "answer",
    ),
    "prompt": ("prompt", "question", "input", "instruction", "problem", "query"),
}
"""Names under which a role is looked for where nothing is declared, the surest first: a file of answers often
repeats the gold as `solution` or `answer`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a samples file."""

    id: str | None
    """As the file names the task; None where it does not."""
    prompt: str | None
    completion: str
    where: str
    """file:line, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswersRead:
    """A samples file, read."""

    answers: tuple[Answer, ...]
    columns: Mapping[str, str]
    """The file's column by role: `id`, `completion`, `prompt`; a role nobody fills is left out."""
    by: Mapping[str, str]
    """Why that column, by role: `asked` (the user said so), `contract`, or `guess`."""
    data_column: str = ""
    """The data's own column that the ids are values of, where they are no row ids; empty where there is no
    column of ids."""

    def as_document(self, file: str) -> dict[str, Any]:
        """The decision, as plain data."""
        return {"file": file, "rows": len(self.answers), "columns": dict(self.columns), "by": dict(self.by)}


def written_samples(
    samples: Iterable[Sample],
    columns: Mapping[str, str],
    file: str,
    *,
    rows: Mapping[str, Row],
    raw: Mapping[str, Mapping[str, Any]],
) -> bytes:
    """A samples file for a target's own grader.

    Samples lost to infrastructure are left out: a grader would take them for wrong answers.

    Args:
        samples: As the rollout left them.
        columns: What each column holds, by its name (`RolloutSpec.samples_columns`); empty for Honing's own.
        file: Its name; the suffix (.jsonl, .json, .csv, .tsv, each also .gz) decides the format.
        rows: Rows by id, for the names that a program must define.
        raw: The data rows' own columns by id, for `row.NAME`.

    Raises:
        ContractError: The suffix is of no known format, or a data row lacks a column.
    """
    answered = [one for one in samples if one.status in JUDGED]
    if columns:
        records = [_record(one, columns, rows.get(one.id), raw.get(one.id, {})) for one in answered]
    else:
        records = [one.as_row() for one in answered]
    suffixes = [suffix.lower() for suffix in Path(file).suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = suffixes[-2] if packed and len(suffixes) > 1 else suffixes[-1] if suffixes else ""
    content = _encoded(records, kind, file, list(columns))
    return gzip.compress(content, mtime=0) if packed else content


def _record(
    sample: Sample, columns: Mapping[str, str], row: Row | None, raw: Mapping[str, Any]
) -> dict[str, Any]:
    return {name: _value(sample, what, row, raw) for name, what in columns.items()}


def _value(sample: Sample, what: str, row: Row | None, raw: Mapping[str, Any]) -> Any:
    if what.startswith(ROW_PREFIX):
        column = what.removeprefix(ROW_PREFIX)
        if column not in raw:
            raise ContractError(
                f"stages.rollout.samples_columns: row {sample.id!r} of the data has no column {column!r}; "
                f"it has {', '.join(map(str, raw)) or 'none that is known'}."
            )
        return raw[column]
    return code_of(sample.completion, row) if what == "code" else getattr(sample, what)


def code_of(completion: str, row: Row | None = None) -> str:
    """The program in a completion, without its Markdown fence; the completion itself where it has none."""
    inputs = row.inputs if row is not None else {}
    names = [str(inputs[key]) for key in ("entry_point",) if inputs.get(key)]
    found = programs(completion, names=names, given=None)
    return found[0].source if found else completion


def _encoded(records: Sequence[Mapping[str, Any]], kind: str, file: str, names: Sequence[str]) -> bytes:
    if kind in (".jsonl", ".ndjson"):
        return jsonl_bytes(records)
    if kind == ".json":
        return (json.dumps(list(records), ensure_ascii=False, indent=1) + "\n").encode()
    if kind not in (".csv", ".tsv"):
        raise ContractError(
            f"stages.rollout.samples: {file!r} must end in .jsonl, .json, .csv or .tsv, which says its "
            "format."
        )
    text = io.StringIO()
    fields = list(names) or (list(records[0]) if records else [])
    writer = csv.DictWriter(text, fields, delimiter="\t" if kind == ".tsv" else ",", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | tuple) else value


def read_answers(
    path: Path, columns: Mapping[str, str], *, asked: Mapping[str, str] | None = None, name: str = ""
) -> AnswersRead:
    """The answers that a samples file holds, whoever wrote it.

    Args:
        path: JSONL, a JSON list, CSV, TSV or Parquet, each also compressed with gzip.
        columns: What its columns hold, by name, as a contract declares it; those are tried before guesses.
        asked: Columns by role that the user names; these are not guessed at. Dots lead into objects.
        name: How messages call the file.

    Raises:
        MetricsError: It cannot be read, or no column of it holds the answers; the text names those it has.
    """
    try:
        table = list(read_table(path, name=name or str(path)))
    except TargetError as error:
        raise MetricsError(str(error)) from None
    if not table:
        raise MetricsError(f"{name or path}: holds no samples.")
    chosen: dict[str, str] = {}
    by: dict[str, str] = {}
    for role in ("id", "completion", "prompt"):
        found = _column(role, table, columns, asked or {})
        if found is not None:
            chosen[role], by[role] = found
    if "completion" not in chosen:
        raise MetricsError(
            f"{table[0].anchor}: no column holds the answers as text. Columns are "
            f"{', '.join(map(str, table[0].values))}; name it with --samples-column completion=NAME."
        )
    answers = tuple(answer for row in table for answer in _answers(row, chosen))
    what = columns.get(chosen.get("id", ""), "")
    data_column = what.removeprefix(ROW_PREFIX) if what.startswith(ROW_PREFIX) else chosen.get("id", "")
    return AnswersRead(answers=answers, columns=chosen, by=by, data_column=data_column)


def _column(
    role: str, table: Sequence[TableRow], columns: Mapping[str, str], asked: Mapping[str, str]
) -> tuple[str, str] | None:
    """The column for a role, and why."""
    if role in asked:
        return asked[role], "asked"
    holding = ("completion", "code") if role == "completion" else (role,)
    declared = [name for name, what in columns.items() if what in holding]
    if role == "id":
        # A task may be named by a column of the data; one whose values differ names it best.
        named = [name for name, what in columns.items() if what.startswith(ROW_PREFIX)]
        declared += sorted(named, key=lambda name: -len({str(_at(row.values, name)) for row in table}))
    for name in declared:
        if all(_fits(role, _at(row.values, name)) for row in table):
            return name, "contract"
    for name in _GUESSES[role]:
        if all(_fits(role, row.values.get(name)) for row in table):
            return name, "guess"
    return None


def _fits(role: str, value: Any) -> bool:
    if role == "id":
        return isinstance(value, str | int) and not isinstance(value, bool)
    if role == "completion" and isinstance(value, list):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _answers(row: TableRow, chosen: Mapping[str, str]) -> Iterable[Answer]:
    given = _at(row.values, chosen["completion"])
    if not _fits("completion", given):
        raise MetricsError(f"{row.anchor}: {chosen['completion']!r} holds no text, got {given!r}.")
    named = _at(row.values, chosen["id"]) if "id" in chosen else None
    prompt = _at(row.values, chosen["prompt"]) if "prompt" in chosen else None
    for completion in given if isinstance(given, list) else [given]:
        yield Answer(
            id=None if named is None else str(named),
            prompt=prompt if isinstance(prompt, str) else None,
            completion=completion,
            where=row.anchor,
        )


def _at(values: Mapping[str, Any], name: str) -> Any:
    """The value under a name; dots lead into objects where no column has the whole name."""
    if name in values:
        return values[name]
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
