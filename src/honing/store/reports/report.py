"""The plain data of a run's page: sections of text, tables, figures, samples and evidence.

A system writes a `Report` as `report.json` in its run folder; `view` renders it without knowing the system.
Everything here is frozen, made of numbers and text alone, and says nothing of colours or HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from honing.errors import StoreError
from honing.store.atomic import write_atomic
from honing.store.encoding import json_bytes, parse_json
from honing.store.plain_file import read_plain
from honing.store.reports.cells import Badge, Cell, CellKind, Column, Fact, Interval, Tone, check_finite
from honing.store.reports.figures import Bracket, Figure

REPORT_SCHEMA = 1
"""Version of the shape of report.json. Raised when a field changes its meaning or goes."""
REPORT_FILE = "report.json"
_REPORT_BYTES = 512_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The one number a reader came for, with the facts that qualify it."""

    label: str
    """What the number is ("Accuracy of model-a on 200 tasks")."""
    value: float | None
    """None where no score may be reported; `note` says why."""
    interval: Interval | None = None
    kind: CellKind = CellKind.NUMBER
    digits: int | None = None
    badge: Badge | None = None
    """The verdict."""
    note: str = ""
    facts: tuple[Fact, ...] = ()
    """Coverage, cost, time: at most six read well."""
    bracket: Bracket | None = None
    """Shown beside the number."""

    def __post_init__(self) -> None:
        check_finite(f"Headline {self.label!r}", (self.value,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under typed columns."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """Shape (R, C)."""
    caption: str = ""
    sortable: bool = True
    folded: bool = False
    """Whether only the caption is shown until somebody opens it: for long tables."""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise StoreError(
                    f"Table {self.caption!r}: row {number} has {len(row)} cells, "
                    f"expected {len(self.columns)}."
                )

    @classmethod
    def of(
        cls,
        columns: Iterable[Column],
        rows: Iterable[Mapping[str, Cell]],
        *,
        caption: str = "",
        folded: bool = False,
    ) -> Table:
        """A table from rows by column key; a missing key is an empty cell."""
        columns = tuple(columns)
        cells = tuple(tuple(row.get(column.key) for column in columns) for row in rows)
        return cls(columns=columns, rows=cells, caption=caption, folded=folded)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValues:
    """A list of facts."""

    facts: tuple[Fact, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain text; an empty line starts a new paragraph. With a tone other than NEUTRAL it stands in a box."""

    text: str
    tone: Tone = Tone.NEUTRAL
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """A unified diff."""

    text: str
    title: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRow:
    """One sample as the browser shows it."""

    id: str
    prompt: str
    completion: str = ""
    target: str = ""
    reward: float | None = None
    """None where the sample was not judged."""
    status: str = "completed"
    extra: Mapping[str, Cell] = field(default_factory=dict)
    """Values of `Samples.columns` and `Samples.details`, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The samples of a run, to search, filter and read."""

    rows: tuple[SampleRow, ...]
    columns: tuple[Column, ...] = ()
    """Further columns of the list, such as the model."""
    details: tuple[Column, ...] = ()
    """Further values, shown when a sample is opened."""
    right_from: float = 1.0
    """Reward from which a sample counts as right."""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """One attempt at one stage: what ran and how it ended."""

    stage: str
    command: str
    ending: str
    """exited, timeout, ... as the sandbox named it."""
    ok: bool
    exit_code: int | None = None
    duration_s: float | None = None
    attempt: int = 1
    stdout: str = ""
    stderr: str = ""
    sandbox: str = ""
    capabilities: tuple[str, ...] = ()
    """Protections that held."""
    note: str = ""


Block = Headline | Table | KeyValues | Text | Diff | Figure | Samples | StageEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part of the page."""

    title: str
    text: str = ""
    """One or two sentences that say what the section shows."""
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run's page."""

    title: str
    subtitle: str = ""
    badges: tuple[Badge, ...] = ()
    sections: tuple[Section, ...] = ()
    footer: str = ""
    """How to make the page again: the command, the run's id."""

    def to_json(self) -> bytes:
        """The bytes of report.json: the same for equal reports.

        Raises:
            StoreError: A value is not JSON, such as a NaN in a table cell.
        """
        from honing.store.reports.document import encode

        return json_bytes({"schema": REPORT_SCHEMA, **encode(self)})

    @classmethod
    def from_json(cls, payload: str | bytes, *, where: str = REPORT_FILE) -> Report:
        """Read report.json strictly: every field known, present and of its type.

        Args:
            payload: The document.
            where: Its origin, for messages.

        Raises:
            StoreError: It is no report, or of a schema this version does not know.
        """
        from honing.store.reports.document import decode_report

        return decode_report(parse_json(payload, where=where), where=where)

    def write(self, path: Path) -> None:
        """Write report.json atomically."""
        write_atomic(path, self.to_json())

    @classmethod
    def read(cls, path: Path) -> Report:
        """Read report.json.

        Raises:
            StoreError: It is missing, unreadable or no report.
        """
        try:
            payload = read_plain(path, limit_bytes=_REPORT_BYTES)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot read the report: {error.strerror}. "
                "A run writes it when it finishes; `hone runs show` says how far this one came."
            ) from error
        return cls.from_json(payload, where=str(path))
