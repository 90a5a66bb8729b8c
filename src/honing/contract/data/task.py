"""A task derived from a data set: its rows, its prompts, and its golds, as plain data and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from honing.contract.data import prompts
from honing.contract.data.scoring import make_scorer
from honing.contract.data.shapes import SHAPES, Decision, Found, Place, Shape, TaskKind, UnreadableRowError
from honing.contract.data.table_files import verify_manifest
from honing.contract.data.tables import TableLimits, TableRow, load_table, row_ids
from honing.contract.scorers import Row, Scorer
from honing.errors import ContractError
from honing.sandbox import Sandbox

_PLAIN_KEYS = (
    "files",
    "config",
    "split",
    "kind",
    "fields",
    "reading",
    "scorer",
    "template",
    "chance",
    "seed",
)


@dataclass(frozen=True, kw_only=True)
class DatasetTask:
    """A task whose rows lie in data files. The files are read when rows are first asked for, and once."""

    folder: Path
    files: tuple[str, ...]
    """Data files below `folder`, in order."""
    config: str = ""
    split: str | None = None
    kind: TaskKind
    fields: Mapping[str, str | tuple[str, ...]]
    """Column names by role."""
    reading: Mapping[str, Any]
    """How golds are read from the target column."""
    scorer: str
    """Name of the scorer, see `scoring.make_scorer`."""
    parameters: Mapping[str, Any]
    """Its parameters."""
    template: str
    """The prompt, see `prompts`."""
    chance: float
    """What guessing reaches."""
    seed: int = 0
    """Orders choices where the table keeps the right one apart."""
    id_column: str | None = None
    evidence: tuple[Decision, ...] = ()
    """What speaks for each decision."""
    notes: tuple[str, ...] = ()
    """What a reader of the score should know."""
    limits: TableLimits = field(default_factory=TableLimits)

    def rows(self) -> list[Row]:
        """Every row that can be judged, in the data's order.

        Raises:
            TargetError: A file is damaged or contradicts the folder's manifest.
        """
        return list(self._read[0])

    def columns(self) -> dict[str, Mapping[str, Any]]:
        """The rows as their files have them, every column by its own name, by row id."""
        table = self._table()
        ids = row_ids(table, self.id_column)
        return {row_id: row.values for row_id, row in zip(ids, table, strict=True)}

    def invalid(self) -> list[str]:
        """One sentence for every row that cannot be judged."""
        return list(self._read[1])

    def prompt(self, row: Row) -> str:
        """What a model is asked."""
        inputs = row.inputs
        values = {name: inputs[name] for name in prompts.PLACEHOLDERS if name in inputs}
        if "choices" in inputs:
            values["choices"] = prompts.listed_choices(inputs["labels"], inputs["choices"])
            values["labels"] = ", ".join(inputs["labels"])
        return prompts.render(self.template, values)

    def gold_completion(self, row: Row) -> str:
        """What a perfect model would say; empty where the data hold no gold (see `has_gold`).

        It is the gold as the data write it, so that a target's own grader can read it as well as ours.
        """
        if not row.golds:
            return ""
        if self.kind is TaskKind.CODE_TESTS:
            program = row.inputs["input"] + row.gold if row.inputs["form"] == "complete" else row.gold
            return f"```python\n{program.strip()}\n```"
        if self.kind is TaskKind.MULTIPLE_CHOICE:
            return f"Answer: {row.gold}"
        return str(row.inputs.get("reference", row.gold))

    def has_gold(self) -> bool:
        """Whether every row has a gold, so that an oracle can answer."""
        return all(row.golds for row in self._read[0])

    def expected(self, row: Row) -> str:
        """The gold as text, for a sample's `target`."""
        return row.gold

    def texts(self, row: Row) -> tuple[str, ...]:
        """The texts that a prompt about this row must hold, the longest first: a foreign prompt is joined by
        them.
        """
        inputs = row.inputs
        found = [inputs["input"], inputs.get("context", ""), *inputs.get("choices", ())]
        return tuple(sorted({text for text in found if text.strip()}, key=lambda text: (-len(text), text)))

    def make_scorer(self, sandbox: Sandbox | None = None) -> Scorer:
        """The task's scorer.

        Raises:
            ContractError: The scorer is unknown or needs a sandbox.
        """
        return make_scorer(self.scorer, self.parameters, sandbox=sandbox)

    @property
    def confidence(self) -> float:
        """That of the weakest decision."""
        return min((decision.confidence for decision in self.evidence), default=1.0)

    def as_document(self) -> dict[str, Any]:
        """The task as plain data, for contract.yaml; `task_from_document` is the way back."""
        fields = {role: list(c) if isinstance(c, tuple) else c for role, c in self.fields.items()}
        document: dict[str, Any] = {
            "files": list(self.files),
            "kind": self.kind.value,
            "fields": fields,
            "reading": dict(self.reading),
            "scorer": {"name": self.scorer, **self.parameters},
            "template": self.template,
            "chance": self.chance,
            "seed": self.seed,
        }
        optional = {"config": self.config, "split": self.split, "id_column": self.id_column}
        return document | {name: value for name, value in optional.items() if value}

    @cached_property
    def _read(self) -> tuple[list[Row], list[str]]:
        table = self._table()
        ids = row_ids(table, self.id_column)
        rows: list[Row] = []
        invalid: list[str] = []
        found = self._found()
        shape = _shape(self.kind)
        for index, (row_id, row) in enumerate(zip(ids, table, strict=True)):
            try:
                rows.append(_row(shape, found, row_id, row, Place(index, self.seed)))
            except UnreadableRowError as error:
                invalid.append(str(error))
        return rows, invalid

    def _table(self) -> list[TableRow]:
        verify_manifest(self.folder, self.files)
        return [
            row
            for file in self.files
            for row in load_table(self.folder / file, name=file, limits=self.limits)
        ]

    def _found(self) -> Found:
        return Found(
            kind=self.kind,
            fields=self.fields,
            reading=self.reading,
            scorer=self.scorer,
            parameters=self.parameters,
            template=self.template,
            chance=self.chance,
            decisions=self.evidence,
        )


def _row(shape: Shape, found: Found, row_id: str, row: TableRow, place: Place) -> Row:
    inputs, golds = shape.read(found, row, place)
    return Row(id=row_id, inputs=inputs, golds=golds, anchor=row.anchor)


def _shape(kind: TaskKind) -> Shape:
    return next(shape for shape in SHAPES if shape.kind is kind)


def task_from_document(document: Mapping[str, Any], folder: Path) -> DatasetTask:
    """The task that a contract holds.

    Args:
        document: As `DatasetTask.as_document` writes it.
        folder: Where its files lie.

    Raises:
        ContractError: A key is missing, unknown or of the wrong kind; the text names it.
    """
    known = {*_PLAIN_KEYS, "id_column"}
    needed = ("files", "kind", "fields", "reading", "scorer", "template", "chance")
    if unknown := sorted(set(document) - known):
        raise ContractError(f"task: unknown key {unknown[0]!r}; known keys: {', '.join(sorted(known))}.")
    if missing := [name for name in needed if name not in document]:
        raise ContractError(f"task: the key {missing[0]!r} is missing.")
    scorer = _mapping(document, "scorer")
    name = scorer.pop("name", None)
    kinds = [kind.value for kind in TaskKind]
    if document["kind"] not in kinds or not isinstance(name, str):
        raise ContractError(
            f"task: 'kind' must be one of {', '.join(kinds)}, and 'scorer' must have a 'name'."
        )
    prompts.check_template(str(document["template"]))
    fields = _mapping(document, "fields")
    return DatasetTask(
        folder=folder,
        files=_files(document["files"]),
        config=str(document.get("config", "")),
        split=document.get("split"),
        kind=TaskKind(document["kind"]),
        fields={role: tuple(c) if isinstance(c, list) else str(c) for role, c in fields.items()},
        reading=_mapping(document, "reading"),
        scorer=name,
        parameters=scorer,
        template=str(document["template"]),
        chance=_share(document["chance"]),
        seed=int(document.get("seed", 0)),
        id_column=document.get("id_column"),
    )


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = document[key]
    if not isinstance(value, Mapping):
        raise ContractError(f"task: {key!r} must be a mapping, got {value!r}.")
    return dict(value)


def _files(value: Any) -> tuple[str, ...]:
    fine = isinstance(value, Sequence) and not isinstance(value, str) and bool(value)
    if not fine or any(not isinstance(f, str) or f.startswith("/") or ".." in Path(f).parts for f in value):
        raise ContractError(f"task: 'files' must list paths inside the working copy, got {value!r}.")
    return tuple(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ContractError(f"task: 'chance' must be a number in [0, 1], got {value!r}.")
    return float(value)
