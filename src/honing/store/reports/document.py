"""A report as JSON and back, driven by the types of its dataclasses.

Every object that is one of several kinds (a block, a cell) carries its kind under `is`. Reading is strict: an
unknown or missing field or a value of another type is an error that names its place in the document.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from typing import Any

from honing.errors import StoreError
from honing.store.reports import cells, figures, report
from honing.store.reports.cells import is_finite

_TAGGED: dict[str, type[Any]] = {
    "headline": report.Headline,
    "table": report.Table,
    "key-values": report.KeyValues,
    "text": report.Text,
    "diff": report.Diff,
    "bracket": figures.Bracket,
    "bars": figures.Bars,
    "dots": figures.Dots,
    "lines": figures.Lines,
    "histogram": figures.Histogram,
    "heat-map": figures.HeatMap,
    "lineage": figures.Lineage,
    "steps": figures.Steps,
    "samples": report.Samples,
    "evidence": report.StageEvidence,
    "interval": cells.Interval,
    "badge": cells.Badge,
}
_TAGS = {kind: tag for tag, kind in _TAGGED.items()}
_HINTS: dict[type[Any], dict[str, Any]] = {}


def encode(value: Any) -> Any:
    """A value of `honing.store.report` as JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = type(value)
        document = {f.name: encode(getattr(value, f.name)) for f in fields(value)}
        return {"is": _TAGS[kind], **document} if kind in _TAGS else document
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple | list):
        return [encode(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    return value


def decode_report(document: Any, *, where: str) -> report.Report:
    """The report in a parsed document.

    Raises:
        StoreError: The schema is unknown or a value is not what its field needs.
    """
    if not isinstance(document, Mapping) or "schema" not in document:
        raise StoreError(f"{where}: expected a report with the field 'schema', found {_found(document)}.")
    schema = document["schema"]
    if type(schema) is not int or schema != report.REPORT_SCHEMA:
        raise StoreError(
            f"{where}: 'schema' is {schema!r}, this version of Honing reads {report.REPORT_SCHEMA}. "
            "Open it with the version that wrote it (run.json names it), or write the report again."
        )
    body = {key: value for key, value in document.items() if key != "schema"}
    return typing.cast("report.Report", _record(report.Report, body, where))


def _decode(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _one_of(typing.get_args(hint), value, where)
    if origin is tuple:
        _expect(isinstance(value, list), "a list", value, where)
        (each, _) = typing.get_args(hint)
        return tuple(_decode(each, entry, f"{where}[{n}]") for n, entry in enumerate(value))
    if origin is not None:
        _expect(isinstance(value, Mapping), "an object", value, where)
        (_, each) = typing.get_args(hint)
        return {key: _decode(each, entry, f"{where}.{key}") for key, entry in value.items()}
    if is_dataclass(hint):
        return _record(typing.cast("type[Any]", hint), value, where)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _member(hint, value, where)
    return _scalar(hint, value, where)


def _scalar(hint: Any, value: Any, where: str) -> Any:
    named: dict[Any, tuple[str, Callable[[Any], bool]]] = {
        str: ("a text", lambda v: isinstance(v, str)),
        bool: ("true or false", lambda v: isinstance(v, bool)),
        int: ("a whole number", lambda v: type(v) is int and is_finite(v)),
        float: ("a finite number", _is_number),
        types.NoneType: ("null", lambda v: v is None),
    }
    expected, fits = named[hint]
    _expect(fits(value), expected, value, where)
    return value


def _is_number(value: Any) -> bool:
    # 1e999 is valid JSON and reads as infinity; so is a whole number of a thousand digits.
    return type(value) in (int, float) and is_finite(value)


def _one_of(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in choices:
        return None
    if isinstance(value, Mapping):
        return _record(_named_by(value, choices, where), value, where)
    for choice in (bool, int, float, str):
        if choice in choices:
            try:
                return _scalar(choice, value, where)
            except StoreError:
                continue
    raise StoreError(f"{where}: expected {_names(choices)}, found {_found(value)}.")


def _named_by(value: Mapping[str, Any], choices: tuple[Any, ...], where: str) -> type[Any]:
    tag = value.get("is")
    kind = _TAGGED.get(tag) if isinstance(tag, str) else None
    if kind is None or kind not in choices:
        raise StoreError(f"{where}: 'is' must be one of {_names(choices)}, found {tag!r}.")
    return kind


def _record(kind: type[Any], value: Any, where: str) -> Any:
    _expect(isinstance(value, Mapping), "an object", value, where)
    known = {f.name: f for f in fields(kind)}
    given = {key: entry for key, entry in value.items() if not (key == "is" and kind in _TAGS)}
    _expect_tag(kind, value, where)
    if unknown := sorted(set(given) - set(known)):
        raise StoreError(
            f"{where}: unknown field {unknown[0]!r} in {kind.__name__}; known are {', '.join(known)}."
        )
    if missing := [name for name, f in known.items() if name not in given and _needed(f)]:
        raise StoreError(f"{where}: the field {missing[0]!r} of {kind.__name__} is missing.")
    if kind not in _HINTS:
        _HINTS[kind] = typing.get_type_hints(kind)
    decoded = {name: _decode(_HINTS[kind][name], entry, f"{where}.{name}") for name, entry in given.items()}
    try:
        return kind(**decoded)
    except StoreError as error:
        raise StoreError(f"{where}: {error}") from error


def _expect_tag(kind: type[Any], value: Mapping[str, Any], where: str) -> None:
    if kind in _TAGS and value.get("is", _TAGS[kind]) != _TAGS[kind]:
        raise StoreError(f"{where}: 'is' must be {_TAGS[kind]!r}, found {value['is']!r}.")


def _member(hint: type[StrEnum], value: Any, where: str) -> StrEnum:
    if isinstance(value, str) and value in {member.value for member in hint}:
        return hint(value)
    raise StoreError(
        f"{where}: expected one of {', '.join(member.value for member in hint)}, found {_found(value)}."
    )


def _needed(entry: Field[Any]) -> bool:
    return entry.default is MISSING and entry.default_factory is MISSING


def _expect(holds: bool, expected: str, value: Any, where: str) -> None:  # noqa: FBT001 - the condition itself
    if not holds:
        raise StoreError(f"{where}: expected {expected}, found {_found(value)}.")


def _found(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _names(choices: tuple[Any, ...]) -> str:
    return ", ".join(_TAGS.get(choice, getattr(choice, "__name__", str(choice))) for choice in choices)
