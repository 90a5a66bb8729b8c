"""Rows of one data file: JSON lines, JSON, CSV, TSV, Parquet, each also compressed with gzip.

Data come from strangers: everything is capped, JSON is strict, and every error names the file and the row.
"""

from __future__ import annotations

import ast
import csv
import gzip
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from honing.documents import parse_json
from honing.errors import MetricsError, MissingToolError, TargetError


class Format(StrEnum):
    """How a data file is written."""

    JSONL = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"
    PARQUET = "parquet"


_FORMATS = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
    ".parquet": Format.PARQUET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLimits:
    """What one data file may cost to read."""

    rows: int = 1_000_000
    """Most rows of one file."""
    total_bytes: int = 1024**3
    """Most bytes of one file after decompression; a small archive that unfolds to more is refused."""
    cell_chars: int = 8 * 1024**2
    """Most characters (as JSON) of one cell."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row as it stands in its file; nested values are kept."""

    values: Mapping[str, Any]
    file: str
    """Name of the file, for messages."""
    number: int
    """Line of the file, or row for formats without lines, from 1."""
    by_line: bool = True

    @property
    def anchor(self) -> str:
        """file:line, or file#row for formats without lines."""
        return f"{self.file}:{self.number}" if self.by_line else f"{self.file}#{self.number}"


class NotATableError(TargetError):
    """A file that is well-formed and holds something other than rows, such as settings."""


def table_format(path: Path) -> Format | None:
    """The format a file's name announces; None where it is no data file."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return _FORMATS.get(suffixes[-1]) if suffixes else None


def read_table(path: Path, *, name: str = "", limits: TableLimits | None = None) -> Iterator[TableRow]:
    """Every row of a data file, in order.

    Args:
        path: The file.
        name: How messages and anchors call it; its own name when empty.
        limits: Caps; a file beyond one is an error, never a shorter table.

    Raises:
        TargetError: The file cannot be read as its name announces; the text names file and row.
        MissingToolError: A Parquet file, and pyarrow is not installed.
    """
    limits, name, kind = limits or TableLimits(), name or path.name, table_format(path)
    if kind is None:
        raise TargetError(
            f"{name}: not a data file; expected one of {', '.join(sorted(_FORMATS))}, also .gz."
        )
    try:
        with _opened(path, name, limits) as stream:
            for count, row in enumerate(_READERS[kind](stream, name, limits), start=1):
                if count > limits.rows:
                    raise TargetError(f"{name}: more than {limits.rows} rows. Split the file.")
                yield _checked(row, limits)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise TargetError(f"{name}: cannot be read ({error}).") from None


def _check_is_content(path: Path, name: str) -> None:
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith((b"version https://git-lfs", b"/annex/objects/", b"../.git/annex/")):
        raise TargetError(
            f"{name}: a pointer to a large file that is stored elsewhere, not the file itself. Fetch it "
            "(`git lfs pull`, `git annex get`), or take the data from where it is published."
        )


def load_table(path: Path, *, name: str = "", limits: TableLimits | None = None) -> list[TableRow]:
    """All rows of a data file. A column of CSV or TSV in which every cell is a written list or object is
    nested.

    Raises:
        TargetError: See `read_table`.
        MissingToolError: See `read_table`.
    """
    rows = list(read_table(path, name=name, limits=limits))
    return _nested(rows) if table_format(path) in {Format.CSV, Format.TSV} else rows


def row_ids(rows: Sequence[TableRow], column: str | None) -> list[str]:
    """A stable id for every row.

    Args:
        rows: The whole table.
        column: The declared id column, used where its values are present and unique; otherwise an id is a
            hash of the row's content, with its occurrence where the content repeats.
    """
    if column is not None:
        declared = [row.values.get(column) for row in rows]
        named = [str(value).strip() for value in declared if isinstance(value, str | int)]
        if len(set(named)) == len(rows) and all(named):
            return named
    hashes = [_content_hash(row.values) for row in rows]
    seen: Counter[str] = Counter()
    ids = []
    for digest in hashes:
        seen[digest] += 1
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids


def _content_hash(values: Mapping[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Capped(io.RawIOBase):
    """Passes bytes through and refuses to pass more than a limit."""

    def __init__(self, inner: IO[bytes], name: str, limit: int) -> None:
        self._inner, self._name, self._limit, self._seen = inner, name, limit, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._inner.read(len(buffer))
        self._seen += len(content)
        if self._seen > self._limit:
            raise TargetError(
                f"{self._name}: more than {self._limit} bytes after decompression. Split the file."
            )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._inner.close()
        super().close()


def _opened(path: Path, name: str, limits: TableLimits) -> IO[bytes]:
    if not path.is_file():
        raise TargetError(f"{name}: not a plain file.")
    _check_is_content(path, name)
    plain = path.open("rb")
    # Closing the reader closes the chain below it.
    inner: Any = _Gunzip(plain) if path.suffix.lower() == ".gz" else plain
    return io.BufferedReader(_Capped(inner, name, limits.total_bytes))


class _Gunzip(gzip.GzipFile):
    """Unfolds a file and closes it with itself."""

    def __init__(self, inner: IO[bytes]) -> None:
        super().__init__(fileobj=inner)
        self._file = inner

    def close(self) -> None:
        super().close()
        self._file.close()


def _checked(row: TableRow, limits: TableLimits) -> TableRow:
    for column, value in row.values.items():
        size = len(value) if isinstance(value, str | bytes) else _size(value)
        if size > limits.cell_chars:
            raise TargetError(
                f"{row.anchor}/{column}: a cell of {size} characters; at most {limits.cell_chars}."
            )
    return row


def _size(value: Any) -> int:
    return len(json.dumps(value, default=repr)) if isinstance(value, list | dict) else 0


def _json_value(content: bytes, where: str) -> Any:
    try:
        return parse_json(content, source=where)
    except MetricsError as error:
        raise TargetError(str(error)) from None


def _jsonl_rows(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[TableRow]:
    for number, line in enumerate(_lines(stream, name, limits), start=1):
        if not line.strip():
            continue
        value = _json_value(line, f"{name}:{number}")
        if not isinstance(value, dict):
            raise TargetError(f"{name}:{number}: a row must be a JSON object, got {type(value).__name__}.")
        yield TableRow(value, name, number)


def _lines(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[bytes]:
    """Lines as bytes, without a byte order mark; one that no cell may be as long as is refused while it is
    read.
    """
    longest = limits.cell_chars * 8
    number = 0
    while line := stream.readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise TargetError(f"{name}:{number}: a line of more than {longest} bytes.")
        yield line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _json_rows(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[TableRow]:
    document = _json_value(stream.read(limits.total_bytes).removeprefix(b"\xef\xbb\xbf"), name)
    if isinstance(document, dict):
        document = next((document[key] for key in ("data", "rows", "examples") if key in document), None)
    if isinstance(document, dict):
        document = _records_of_columns(document)
    if not isinstance(document, list):
        raise NotATableError(
            f"{name}: a table in JSON is a list of objects, or an object with such a list under 'data'."
        )
    for number, value in enumerate(document, start=1):
        if not isinstance(value, dict):
            damaged = TargetError if number > 1 else NotATableError
            raise damaged(f"{name}#{number}: a row must be a JSON object, got {type(value).__name__}.")
        yield TableRow(value, name, number, by_line=False)


def _records_of_columns(columns: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Rows of a table that is written as one list per column; None where it is not."""
    lengths = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if len(lengths) != 1 or -1 in lengths:
        return None
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _separated_rows(stream: IO[bytes], name: str, limits: TableLimits, delimiter: str) -> Iterator[TableRow]:
    if csv.field_size_limit() < limits.cell_chars:
        csv.field_size_limit(limits.cell_chars)
    reader = csv.reader(_text_lines(stream, name, limits), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        repeated = sorted(column for column, count in Counter(header).items() if count > 1)
        if repeated or not header:
            raise TargetError(f"{name}:1: a header with unique column names is needed, got {header[:20]}.")
        line = reader.line_num
        for cells in reader:
            # A row begins on the line after the last one ended; quoted cells may hold line feeds.
            start, line = line + 1, reader.line_num
            if not cells:
                continue
            if len(cells) != len(header):
                raise TargetError(f"{name}:{start}: {len(cells)} cells, but the header has {len(header)}.")
            yield TableRow(dict(zip(header, cells, strict=True)), name, start)
    except csv.Error as error:
        raise TargetError(f"{name}:{reader.line_num}: not {Format.CSV} ({error}).") from None


def _text_lines(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[str]:
    for number, line in enumerate(_lines(stream, name, limits), start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise TargetError(f"{name}:{number}: not UTF-8 at byte {error.start} of the line.") from None


def _csv_rows(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[TableRow]:
    return _separated_rows(stream, name, limits, ",")


def _tsv_rows(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[TableRow]:
    return _separated_rows(stream, name, limits, "\t")


def _parquet_rows(stream: IO[bytes], name: str, limits: TableLimits) -> Iterator[TableRow]:
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingToolError(f"{name}: reading Parquet needs pyarrow: pip install 'honing[hf]'") from None
    content = stream.read(limits.total_bytes)
    try:
        table = parquet.ParquetFile(io.BytesIO(content))
        meta = table.metadata
        unfolded = sum(meta.row_group(group).total_byte_size for group in range(meta.num_row_groups))
        if unfolded > limits.total_bytes:
            raise TargetError(f"{name}: unfolds to {unfolded} bytes; at most {limits.total_bytes} are read.")
        number = 0
        for batch in table.iter_batches(batch_size=128):
            for values in batch.to_pylist():
                number += 1
                plain = {column: _without_nan(value) for column, value in values.items()}
                yield TableRow(plain, name, number, by_line=False)
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise TargetError(f"{name}: not Parquet ({error}).") from None


def _without_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


_READERS = {
    Format.JSONL: _jsonl_rows,
    Format.JSON: _json_rows,
    Format.CSV: _csv_rows,
    Format.TSV: _tsv_rows,
    Format.PARQUET: _parquet_rows,
}


def _nested(rows: list[TableRow]) -> list[TableRow]:
    """The rows with columns of written lists or objects read as such."""
    columns = {column for row in rows[:1] for column in row.values}
    parsed = {column: _nested_column(row.values[column] for row in rows) for column in columns}
    nested = {column: values for column, values in parsed.items() if values is not None}
    if not nested:
        return rows
    return [
        replace(row, values={**row.values, **{column: values[at] for column, values in nested.items()}})
        for at, row in enumerate(rows)
    ]


def _nested_column(cells: Iterable[str]) -> list[Any] | None:
    values = []
    for cell in cells:
        if cell.strip()[:1] not in {"[", "{"}:
            return None
        value = _literal(cell)
        if not isinstance(value, list | dict):
            return None
        values.append(value)
    return values


def _literal(cell: str) -> Any:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(cell)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
