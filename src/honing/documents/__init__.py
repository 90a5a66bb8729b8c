"""Documents that people and programs write: strict YAML and JSON, and records made of them, with errors that
name file, line and the nearest known key.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.documents.checking import checked, known_keys
    from honing.documents.lines import Lines, Where
    from honing.documents.located import LARGEST_BYTES, Document, parse_located, read_bytes
    from honing.documents.plain_file import MAX_BYTES, read_plain_file
    from honing.documents.record import AbsolutePath, Described, Record, RelativePath
    from honing.documents.strict_json import parse_json
    from honing.documents.yaml_text import Tagged, parse_yaml

_HOMES = {
    "AbsolutePath": "record",
    "Described": "record",
    "Document": "located",
    "LARGEST_BYTES": "located",
    "Lines": "lines",
    "MAX_BYTES": "plain_file",
    "Record": "record",
    "RelativePath": "record",
    "Tagged": "yaml_text",
    "Where": "lines",
    "checked": "checking",
    "known_keys": "checking",
    "parse_json": "strict_json",
    "parse_located": "located",
    "parse_yaml": "yaml_text",
    "read_bytes": "located",
    "read_plain_file": "plain_file",
}
"""Which file of this package defines a name."""

__all__ = [
    "LARGEST_BYTES",
    "MAX_BYTES",
    "AbsolutePath",
    "Described",
    "Document",
    "Lines",
    "Record",
    "RelativePath",
    "Tagged",
    "Where",
    "checked",
    "known_keys",
    "parse_json",
    "parse_located",
    "parse_yaml",
    "read_bytes",
    "read_plain_file",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.documents.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.documents' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
