"""A data task whose columns somebody has declared, rather than one that is derived from names and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from honing.contract.data import prompts
from honing.contract.data.dataset import EVIDENCE_ROWS, MAX_INVALID, task_of
from honing.contract.data.shapes import SHAPES, Columns, Decision, Found, Missing, TaskKind
from honing.contract.data.table_files import Table, find_tables, verify_manifest
from honing.contract.data.tables import TableRow, load_table
from honing.contract.data.task import DatasetTask

_SPLITS: Mapping[str, str] = {"val": "validation", "valid": "validation"}
_MAIN = ("", "default", "main")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Which columns ask and answer."""

    input: str
    target: str
    choices: tuple[str, ...] = ()
    """The column that lists the choices, or one column for each."""
    context: str = ""
    """A further column that a prompt shows before the question."""
    anchors: Mapping[str, str] = field(default_factory=dict)
    """Where each of these is declared, by name."""

    @property
    def columns(self) -> tuple[str, ...]:
        named = (self.input, self.target, *self.choices, self.context)
        return tuple(dict.fromkeys(name for name in named if name))


def choose_table(folder: Path, *, config: str, split: str) -> Table | str:
    """The table of a configuration and split; a sentence where there is not exactly one.

    Args:
        folder: Where the data lie.
        config: As its owner calls it; `default` and `main` also mean the only one.
        split: Likewise; an unnamed split is meant where no table has a name.
    """
    tables = find_tables(folder)
    wanted = _SPLITS.get(split, split)
    named = [table for table in tables if table.split == wanted]
    named = named or [table for table in tables if table.split is None and len(tables) == 1]
    exact = [table for table in named if table.config == config]
    main = [table for table in named if table.config in _MAIN] if config in _MAIN else []
    found = exact or main or (named if len(named) == 1 and config in _MAIN else [])
    if len(found) == 1:
        return found[0]
    have = "; ".join(table.label for table in tables[:8]) or "none"
    return f"{len(found)} tables of configuration {config!r} and split {split!r} lie here (tables: {have})"


def declared_task(folder: Path, table: Table, declared: Declared) -> DatasetTask | str:
    """The task of declared columns; a sentence where it cannot be judged.

    How golds are written (bare, after a marker, as a letter or an index) is read from the values.

    Raises:
        TargetError: A data file is damaged.
        MissingToolError: The table is Parquet and pyarrow is not installed.
    """
    manifest = verify_manifest(folder, table.files)
    rows = [row for file in table.files for row in load_table(folder / file, name=file)]
    if not rows:
        return f"{table.label} holds no rows"
    have = set().union(*(row.values for row in rows[:100]))
    if missing := [name for name in declared.columns if name not in have]:
        where = declared.anchors.get(missing[0], "")
        columns = ", ".join(sorted(have))
        return f"{where}: the data have no column {missing[0]!r} (columns: {columns})".removeprefix(": ")
    found = _shape(rows[:EVIDENCE_ROWS], declared)
    if isinstance(found, str):
        return found
    task = task_of(folder, table, rows, found, manifest)
    unreadable = task.invalid()
    if len(unreadable) > MAX_INVALID * len(rows):
        return f"{len(unreadable)} of {len(rows)} rows cannot be judged; the first: {unreadable[0]}"
    if unreadable:
        left_out = f"{len(unreadable)} rows cannot be judged and are left out; the first: {unreadable[0]}"
        task = replace(task, notes=(*task.notes, left_out))
    return task


def with_template(task: DatasetTask, template: str, ending: str) -> DatasetTask:
    """The task with the declared prompt, and after it how the answer is to be marked.

    Args:
        task: As `declared_task` gives it.
        template: The prompt, see `prompts`.
        ending: What our scorer's own prompt ends with; empty to leave the declared prompt as it is.
    """
    prompts.check_template(template)
    return replace(task, template=f"{template}\n\n{ending}" if ending else template)


def ending_of(task: DatasetTask) -> str:
    """The last paragraph of the task's own prompt: how the answer is to be marked."""
    return task.template.rpartition("\n\n")[2]


def _shape(rows: Sequence[TableRow], declared: Declared) -> Found | str:
    """How the declared columns ask and answer.

    They are looked at under names that leave no doubt, so that what they are called does not matter.
    """
    plain = _plain_names(declared)
    columns = Columns([replace(row, values=_renamed(row, plain)) for row in rows])
    kind = TaskKind.MULTIPLE_CHOICE if declared.choices else TaskKind.QUESTION_ANSWER
    shape = next(shape for shape in SHAPES if shape.kind is kind)
    found = shape.find(columns)
    back = {plain_name: name for name, plain_name in plain.items()}
    if isinstance(found, Missing):
        return _with_names(found.reason, back)
    fields = {
        role: back[named] if isinstance(named, str) else tuple(back[one] for one in named)
        for role, named in found.fields.items()
    }
    decisions = tuple(
        Decision(one.what, _anchor(one, declared, fields), _with_names(one.why, back), 0.95)
        for one in found.decisions
    )
    return replace(found, fields=fields, decisions=decisions)


def _plain_names(declared: Declared) -> dict[str, str]:
    names = {declared.input: "question", declared.target: "answer"}
    if declared.context:
        names[declared.context] = "context"
    if len(declared.choices) == 1:
        names[declared.choices[0]] = "choices"
    for letter, name in zip("abcdefgh", declared.choices if len(declared.choices) > 1 else (), strict=False):
        names[name] = f"option_{letter}"
    return names


def _renamed(row: TableRow, plain: Mapping[str, str]) -> dict[str, object]:
    return {plain[name]: value for name, value in row.values.items() if name in plain}


def _with_names(text: str, back: Mapping[str, str]) -> str:
    for plain_name, name in back.items():
        text = text.replace(repr(plain_name), repr(name))
    return text


def _anchor(decision: Decision, declared: Declared, fields: Mapping[str, str | tuple[str, ...]]) -> str:
    """Where a decision was declared; where it was seen in the data, if it was not."""
    column = fields.get(decision.what)
    name = column if isinstance(column, str) else column[0] if column else ""
    return declared.anchors.get(name, decision.anchor)
