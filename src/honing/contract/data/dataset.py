"""A task from a data set: which columns ask and answer, how golds are read, how answers are judged.

`derive` looks at names and values alone; no data set is known to it. It returns a task with the evidence for
every decision, or a gap that says what was found and what would close it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from honing.contract.data.shapes import SHAPES, Columns, Decision, Found, Missing, TaskKind
from honing.contract.data.shapes.no_task import lies_with, looks_like
from honing.contract.data.shapes.question_parts import left_out
from honing.contract.data.table_copies import without_copies
from honing.contract.data.table_files import SPLIT_ORDER, Table, find_tables, verify_manifest
from honing.contract.data.tables import NotATableError, TableLimits, TableRow, load_table
from honing.contract.data.task import DatasetTask
from honing.contract.scorers import Row
from honing.errors import TargetError

__all__ = ["DatasetTask", "Derivation", "Gap", "GapReason", "Row", "derive"]

MAX_INVALID = 0.05
"""Share of rows that may be unreadable before a task is not believed."""
EVIDENCE_ROWS = 20_000
"""Rows that a derivation looks at; all of them are read when the task is used."""
_NOT_ROWS = "JSON, but no table (a list of objects, or an object with such a list under 'data')"
_MAIN_CONFIGS = ("", "default", "main")
_EXAMPLES = ("example", "sample", "demo", "toy", "tiny")


class GapReason(StrEnum):
    """Why no task could be derived. Exactly one holds."""

    NO_DATA = "no_data"
    """No file of the folder is a table."""
    UNKNOWN_SPLIT = "unknown_split"
    """The declared split or configuration does not exist."""
    AMBIGUOUS = "ambiguous"
    """Several tables could be meant, and nothing decides."""
    NO_SHAPE = "no_shape"
    """No table holds a task whose answers can be judged."""
    UNREADABLE = "unreadable"
    """A task was found, but too many of its rows cannot be read."""
    OWN_GRADER = "own_grader"
    """A task was found, but the target judges answers by a command of its own, which cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A derivation that stopped."""

    reason: GapReason
    text: str
    """What was found, in one sentence."""
    closes: str
    """What would close it."""
    candidates: tuple[str, ...] = ()
    """Tables that were considered."""
    notes: tuple[str, ...] = field(default=())
    """Why each was passed over."""


Derivation = DatasetTask | Gap


@dataclass(frozen=True, slots=True)
class _Tried:
    """A table that was looked at."""

    table: Table
    task: DatasetTask | None
    missing: Missing | None
    note: str
    no_task: str = ""
    """What it is instead of a task; empty where it might hold one."""


def derive(
    folder: Path, *, split: str | None = None, config: str | None = None, limits: TableLimits | None = None
) -> Derivation:
    """Derive the task that a folder of data files (or one data file) holds.

    Args:
        folder: The data, as found; it is only read.
        split: The split to measure; without it test, validation, dev, train, the first that can be judged.
        config: The configuration (table) to measure; needed only where several could be meant.
        limits: Caps on each file.

    Raises:
        TargetError: The folder does not exist, a chosen file is damaged, or it contradicts the folder's
            manifest.
        MissingToolError: The chosen table is Parquet and pyarrow is not installed.
    """
    tables = find_tables(folder)
    if not tables:
        return Gap(
            reason=GapReason.NO_DATA,
            text=f"{folder} holds no jsonl, json, csv, tsv or parquet file",
            closes="a data file, or a contract that names the target's own commands",
        )
    wanted = [table for table in tables if config is None or table.config == config]
    if split is not None:
        wanted = [table for table in wanted if table.split == split]
    if not wanted:
        return Gap(
            reason=GapReason.UNKNOWN_SPLIT,
            text=f"no table has {_asked_for(split, config)}",
            closes="one of the candidates' configurations and splits",
            candidates=tuple(table.label for table in tables),
        )
    tables, copies = without_copies(folder, wanted)
    found = _choose(folder, tables, limits or TableLimits())
    return replace(found, notes=(*copies, *found.notes)) if copies else found


def _asked_for(split: str | None, config: str | None) -> str:
    words = [
        f"split {split!r}" if split is not None else "",
        f"configuration {config!r}" if config is not None else "",
    ]
    return " and ".join(word for word in words if word)


def _choose(folder: Path, tables: Sequence[Table], limits: TableLimits) -> Derivation:
    """The first group of tables, best first, in which exactly one holds a task."""
    tried: list[_Tried] = []
    for group, why in _groups(tables):
        seen = [_try(folder, table, limits, alone=len(tables) == 1) for table in group]
        tried += seen
        tasks = [one.task for one in seen if one.task is not None]
        if len(tasks) > 1:
            return Gap(
                reason=GapReason.AMBIGUOUS,
                text=f"{len(tasks)} tables hold a task, and nothing says which is meant",
                closes="`--config NAME` or `--split NAME` of one of the candidates",
                candidates=tuple(one.table.label for one in seen if one.task is not None),
            )
        if tasks:
            return _with_evidence(tasks[0], tables, tried, why)
    return _no_shape(tried)


def _groups(tables: Sequence[Table]) -> Iterator[tuple[list[Table], str]]:
    """Tables that are equally likely to be meant, the likeliest first, with the reason in words."""
    results = [table for table in tables if len(tables) > 1 and lies_with(table.files)]
    tables = [table for table in tables if table not in results]
    for split in SPLIT_ORDER:
        named = [table for table in tables if table.split == split]
        for config in _MAIN_CONFIGS:
            if main := [table for table in named if table.config == config]:
                yield main, f"split {split!r} comes first of {', '.join(SPLIT_ORDER)}"
        rest = [table for table in named if table.config not in _MAIN_CONFIGS]
        plain = [table for table in rest if _is_named_after(table, split)]
        if len(plain) == 1 and len(rest) > 1:
            yield plain, f"its file is named {split!r} and nothing else"
        if rest:
            yield rest, f"split {split!r} comes first of {', '.join(SPLIT_ORDER)}"
    unsplit = [table for table in tables if table.split is None]
    examples = [table for table in unsplit if _is_example(table)]
    if others := [table for table in unsplit if table not in examples]:
        yield others, "it is the only table with a task"
    if examples:
        yield examples, "only files called examples hold a task"
    if results:
        yield results, "only results hold a task"


def _is_named_after(table: Table, split: str) -> bool:
    """Whether the table is one file called like its split: beside it, `test_hard.jsonl` is a variant."""
    return len(table.files) == 1 and Path(table.files[0]).name.split(".")[0].lower() == split


def _is_example(table: Table) -> bool:
    name = Path(table.files[0]).name.lower()
    return any(word in name for word in _EXAMPLES)


def _try(folder: Path, table: Table, limits: TableLimits, *, alone: bool) -> _Tried:
    """Look at one table. Damage is an error where the table is the only one, a note otherwise."""
    base = folder if folder.is_dir() else folder.parent
    try:
        manifest = verify_manifest(base, table.files)
        rows = [row for file in table.files for row in load_table(base / file, name=file, limits=limits)]
    except NotATableError as error:
        return _Tried(table, None, None, str(error), _NOT_ROWS)
    except TargetError as error:
        if alone or table.split is not None:
            raise
        return _Tried(table, None, None, str(error))
    if not rows:
        return _Tried(table, None, None, f"{table.label}: no rows")
    columns = Columns(rows[:EVIDENCE_ROWS])
    kind = looks_like(columns) or ("" if alone else lies_with(table.files))
    if kind:
        return _Tried(table, None, None, f"{table.label}: {kind}", kind)
    found = _shape_of(columns)
    if isinstance(found, Found) and found.kind is not TaskKind.CODE_TESTS:
        found = _incomplete(columns, found) or found
    if isinstance(found, Missing):
        return _Tried(table, None, found, f"{table.label}: {found.reason}")
    task = task_of(base, table, rows, found, manifest)
    valid = len(task.rows())
    if valid < (1 - MAX_INVALID) * len(rows):
        return _Tried(
            table,
            None,
            None,
            f"{table.label}: only {valid} of {len(rows)} rows can be read ({task.invalid()[0]})",
        )
    return _Tried(table, task, None, "")


def _shape_of(columns: Columns) -> Found | Missing:
    missed: list[Missing] = []
    for shape in SHAPES:
        found = shape.find(columns)
        if isinstance(found, Found):
            return found
        if found.final:
            # The index of a choice would pass for the number that answers a question.
            return found
        missed.append(found)
    return max(reversed(missed), key=lambda one: one.nearness)


def _incomplete(columns: Columns, found: Found) -> Missing | None:
    """Why the question of a task is probably not all that should be asked; None where nothing says so."""
    reason = left_out(columns, found.fields)
    if not reason:
        return None
    closes = (
        "a contract whose `template` shows {context} before {input}, with that column as `fields: context`"
    )
    return Missing(found.kind, reason, 3, closes)


def task_of(
    base: Path, table: Table, rows: Sequence[TableRow], found: Found, manifest: str | None
) -> DatasetTask:
    """The task of a table whose shape is known.

    Args:
        base: Folder that the table's files lie in.
        table: Its files.
        rows: Theirs.
        found: What asks and what answers.
        manifest: Name of the file whose sums were checked; None where there is none.
    """
    columns = Columns(rows[:EVIDENCE_ROWS])
    notes = (f"{manifest}: every file's sha256 was checked",) if manifest else ()
    return DatasetTask(
        folder=base,
        files=table.files,
        config=table.config,
        split=table.split,
        kind=found.kind,
        fields=found.fields,
        reading=found.reading,
        scorer=found.scorer,
        parameters=found.parameters,
        template=found.template,
        chance=found.chance,
        id_column=columns.id_column(),
        evidence=found.decisions,
        notes=notes,
    )


def _with_evidence(
    task: DatasetTask, tables: Sequence[Table], tried: Sequence[_Tried], why: str
) -> DatasetTask:
    """The task with the choice of its table on record."""
    others = [table.label for table in tables if table.files != task.files]
    reason = f"{why}; not used: {'; '.join(others[:10])}" if others else "it is the only table"
    decision = Decision("table", task.files[0], reason, 0.95 if task.split or not others else 0.75)
    notes = [*task.notes, *(one.note for one in tried if one.note)]
    if task.split == "train":
        notes.append(
            "the training split is measured: no other split can be judged, and models may have seen it"
        )
    if invalid := task.invalid():
        notes.append(f"{len(invalid)} rows cannot be judged and are left out; the first: {invalid[0]}")
    return replace(task, evidence=(decision, *task.evidence), notes=tuple(notes))


def _no_shape(tried: Sequence[_Tried]) -> Gap:
    notes = tuple(one.note for one in tried if one.note)
    real = [one for one in tried if not one.no_task]
    if not real:
        return Gap(
            reason=GapReason.NO_SHAPE,
            text=f"the data hold no task: {_what_they_are(tried)}",
            closes="a data file with questions and their answers, or a contract that names the target's own "
            "commands",
            notes=notes,
        )
    missed = [one.missing for one in real if one.missing is not None]
    nearest = max(missed, key=lambda one: one.nearness, default=None)
    unreadable = nearest is None
    return Gap(
        reason=GapReason.UNREADABLE if unreadable else GapReason.NO_SHAPE,
        text=real[0].note if nearest is None else nearest.reason,
        closes="rows that can be read" if nearest is None else nearest.closes,
        candidates=tuple(one.table.label for one in real),
        notes=notes,
    )


def _what_they_are(tried: Sequence[_Tried]) -> str:
    """What tables without a task look like, the first of them by name."""
    first = tried[0]
    others = f", and {len(tried) - 1} more files are of such kinds" if len(tried) > 1 else ""
    verb = "is" if first.no_task.startswith("JSON") else "looks like"
    return f"{first.table.files[0]} {verb} {first.no_task}{others}"
