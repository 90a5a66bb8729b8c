"""Opening a matrix: its file, with every problem named by line, and what flags lay over it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from honing.documents import Lines, checked, parse_located, read_bytes
from honing.errors import UsageError
from honing.experiments.matrix.spec import MatrixSpec

_WHAT = "a matrix"


def load_matrix(path: Path | None, choices: Mapping[str, Any] | None = None) -> MatrixSpec:
    """Read a matrix and check all of it.

    Args:
        path: A YAML or JSON file; None where `choices` say everything.
        choices: Values that are laid over the file's, by dotted path ("harness.agents").

    Raises:
        UsageError: It cannot be read, or something in it cannot be used; every problem is listed with its
            line.
    """
    value: Any = {}
    lines, source = Lines(1, {}), "options"
    if path is not None:
        source = str(path)
        content = read_bytes(path, source=source, error=UsageError, what=_WHAT)
        value, lines = parse_located(content, source=source, error=UsageError, what=_WHAT)
        if not isinstance(value, dict):
            raise UsageError(f"{path}:1: {_WHAT} is a mapping, got {type(value).__name__}.")
    if choices:
        value = _laid_over(value, choices)
    return checked(MatrixSpec, value, lines, source=source, error=UsageError, what="the matrix")


def matrix_schema() -> dict[str, Any]:
    """The JSON Schema of a matrix, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A matrix of Honing",
        **MatrixSpec.model_json_schema(by_alias=True),
    }


def _laid_over(value: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    document = deepcopy(dict(value))
    for path, choice in choices.items():
        *parts, last = path.split(".")
        place = document
        for part in parts:
            found = place.setdefault(part, {})
            if not isinstance(found, dict):
                # The schema says what is wrong with it.
                return document
            place = found
        place[last] = choice
    return document
