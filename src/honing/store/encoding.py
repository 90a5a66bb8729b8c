"""The bytes of what a run writes: JSON, JSON lines and TSV, the same bytes for the same values on every
machine.

UTF-8, LF, no NaN or infinity. A lone surrogate (bytes of a foreign program that were no UTF-8) is written as
its escape, so a file is always valid UTF-8; JSON reads back to the same string.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from honing.errors import StoreError

Json = Any
"""A value `json.dumps` can write."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?%?")
# What makes a spreadsheet read a cell as a formula, after whatever space or apostrophes it may take away; the
# wide forms are the same signs to some.
_FORMULA = re.compile("['\\s]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
# Everything that some reader takes for the end of a cell or of a line, control characters that act on
# terminals, and what turns the direction of a line or hides in it.
_UNSAFE_IN_CELL = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")
_SHORT_ESCAPES = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def canonical_json(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no spaces. Hashes are taken over it.

    Raises:
        StoreError: The value is not JSON (a NaN, a set, an object ...).
    """
    return _dump(value, separators=(",", ":"), sort_keys=True)


def digest(value: Json) -> str:
    """SHA-256 of a JSON value's canonical text, as 64 hexadecimal digits."""
    return hashlib.sha256(_encode(canonical_json(value))).hexdigest()


def json_bytes(value: Json) -> bytes:
    """A JSON file for people: two spaces of indentation, sorted keys, a final newline."""
    return _encode(_dump(value, indent=2, sort_keys=True) + "\n")


def jsonl_bytes(rows: Iterable[Json]) -> bytes:
    """A JSON lines file: one row a line, keys sorted."""
    return b"".join(_encode(_dump(row, sort_keys=True) + "\n") for row in rows)


def tsv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A TSV file with a header line.

    Tabs, line ends and control characters become visible escapes, and a text cell that a spreadsheet would
    take for a formula is prefixed with an apostrophe: the file is safe to open, JSON is the lossless form.

    Args:
        columns: Column names in order. A row's other keys are left out.
        rows: A missing key or None is an empty cell; nested values are written as canonical JSON.

    Raises:
        StoreError: A cell holds a NaN or an infinity, or something that is neither a scalar nor JSON.
    """
    lines = ["\t".join(tsv_cell(name) for name in columns)]
    lines.extend("\t".join(tsv_cell(row.get(name)) for name in columns) for row in rows)
    return _encode("\n".join(lines) + "\n")


def csv_bytes(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A CSV file (RFC 4180, LF) with a header line; its cells are those of `tsv_bytes`.

    Args:
        columns: As there.
        rows: As there.

    Raises:
        StoreError: As there.
    """
    lines = [",".join(_quoted(tsv_cell(name)) for name in columns)]
    lines.extend(",".join(_quoted(tsv_cell(row.get(name))) for name in columns) for row in rows)
    return _encode("\n".join(lines) + "\n")


def tsv_cell(value: Any) -> str:
    """One TSV cell; see `tsv_bytes`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise StoreError(
                f"A TSV cell must be a finite number, got {value!r}. Write an empty cell instead."
            )
        return repr(value) if type(value) in (int, float) else repr(float(value))
    text = value if isinstance(value, str) else canonical_json(value)
    text = _UNSAFE_IN_CELL.sub(_visible, text)
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def cell_text(cell: str) -> str:
    """The text that `tsv_cell` made a cell of: without the apostrophe that keeps it from being a formula.

    Control characters stay the escapes that they became.
    """
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


def parse_json(text: str | bytes, *, where: str) -> Json:
    """Read JSON strictly: no duplicate keys, no NaN or infinity, UTF-8.

    Args:
        text: The whole document.
        where: Its origin, for the message.

    Raises:
        StoreError: The text is no such document; the message says what is wrong with it.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return json.loads(decoded, object_pairs_hook=_unique_keys, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where}: expected JSON, but {error}. Restore the file or remove it.") from error


def _dump(value: Json, **layout: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, **layout)
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"A value cannot be written as JSON: {error}. Use numbers, text, lists and mappings."
        ) from error


def _encode(text: str) -> bytes:
    # Inside a JSON string a backslash-u escape of a lone surrogate is JSON's own spelling of it.
    return text.encode("utf-8", "backslashreplace")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04x}"


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} occurs twice in one object")
    return found


def _refuse_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")
