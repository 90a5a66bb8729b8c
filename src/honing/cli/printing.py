"""Printing results: one list of rows as a table, as JSON, or as TSV."""

from __future__ import annotations

import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from honing.errors import UsageError
from honing.settings import Colour, Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
"""One result by column key; every value can be written as JSON."""

_ACTING = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters beyond ASCII that act on a terminal, or that nobody sees."""
_PIPE_WIDTH = 1000
"""Columns of a table that is not shown on a terminal: nothing is folded for a program to read."""


class Format(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    TSV = "tsv"

    @classmethod
    def chosen(cls, *, json: bool, tsv: bool = False) -> Format:
        """The format that `--json` and `--tsv` ask for.

        Raises:
            UsageError: Both are given.
        """
        if json and tsv:
            raise UsageError("--json and --tsv exclude each other: give one of them.")
        return cls.JSON if json else cls.TSV if tsv else cls.TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    key: str
    heading: str
    show: Callable[[Any], str] = str
    """How a value reads in the table; JSON and TSV have the value itself."""
    right: bool = False
    """Whether it is aligned to the right, as numbers are."""
    lines: bool = False
    """Whether a line break in a value is one in the table."""
    from_width: int = 0
    """Narrower terminals than this leave the column out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Colour and width of what is printed."""

    colour: Colour = Colour.AUTO
    columns: str = ""
    """The variable COLUMNS; empty asks the terminal."""

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> Look:
        """The look where settings may be unreadable: the usual variables alone."""
        usual = {name: environ[name] for name in ("NO_COLOR", "FORCE_COLOR", "TERM") if name in environ}
        return cls(colour=load_settings(environ=usual).output.colour, columns=environ.get("COLUMNS", ""))

    def console(self, stream: TextIO) -> Console:
        """A rich console on `stream` that asks no environment but this look."""
        from rich.console import Console

        terminal = stream.isatty()
        coloured = self.colour is Colour.ALWAYS or (self.colour is Colour.AUTO and terminal)
        return Console(
            file=stream,
            width=self._width(terminal=terminal),
            color_system="standard" if coloured else None,
            force_terminal=coloured,
            highlight=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )

    def _width(self, *, terminal: bool) -> int:
        if self.columns.isdecimal() and int(self.columns) > 0:
            return int(self.columns)
        return shutil.get_terminal_size().columns if terminal else _PIPE_WIDTH


def print_rows(
    columns: Sequence[Column], rows: Sequence[Row], *, format: Format, look: Look, empty: str = "nothing"
) -> None:
    """Print rows on stdout.

    Args:
        columns: What a table and TSV show, in order. JSON shows the rows as they are, as one list.
        rows: The results.
        format: Table, JSON or TSV.
        look: Colour and width of a table.
        empty: What a table without rows says (on stderr, so that stdout stays empty).
    """
    if format is Format.JSON:
        print_json(list(rows))
    elif format is Format.TSV:
        from honing.store import tsv_bytes

        sys.stdout.write(tsv_bytes([column.key for column in columns], rows).decode())
    elif not rows:
        sys.stderr.write(empty + "\n")
    else:
        _print_table(columns, rows, look.console(sys.stdout))


def print_json(document: Any) -> None:
    """Print one JSON document on stdout."""
    from honing.store import json_bytes

    # In JSON these stand inside strings alone, where an escape means the same character.
    text = json_bytes(document).decode()
    sys.stdout.write(_ACTING.sub(lambda found: _json_escape(found.group()), text))


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _print_table(columns: Sequence[Column], rows: Sequence[Row], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    shown = [column for column in columns if console.width >= column.from_width]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        table.add_column(column.heading, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        table.add_row(
            *(Text(visible(_cell(column, row), keep="\n" if column.lines else "")) for column in shown)
        )
    with console.capture() as captured:
        console.print(table)
    write_trimmed(captured.get())


def write_trimmed(text: str) -> None:
    """Write lines on stdout without the spaces with which rich fills them up."""
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def _cell(column: Column, row: Row) -> str:
    value = row.get(column.key)
    return "-" if value is None else column.show(value)


def visible(text: str, *, keep: str = "") -> str:
    """Text in which control, format and direction characters are written out: none acts on the terminal."""
    return "".join(
        char
        if char in keep or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else _escaped(char)
        for char in text
    )


def tell(settings: Settings, line: str) -> None:
    """Say what happens, on stderr, unless only results are wanted."""
    if not settings.output.quiet:
        sys.stderr.write(f"{visible(line)}\n")
        sys.stderr.flush()


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}"


def show_size(count: int | None) -> str:
    """Bytes for people: `12.3 MB` (powers of 1000)."""
    if count is None:
        return "-"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def show_time(seconds: float | None) -> str:
    """A Unix time for people, in UTC: `2026-11-21 09:31`."""
    if seconds is None:
        return "-"
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M")
