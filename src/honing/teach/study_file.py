"""Opening a study: study.yaml, with every problem named by file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from honing.documents import Lines, checked, parse_located, read_bytes
from honing.errors import StudyError, UsageError
from honing.teach.study_spec import StudySpec


def load_study(path: Path, choices: Mapping[str, Any] | None = None) -> StudySpec:
    """Read a study and check all of it.

    Args:
        path: study.yaml (or .json).
        choices: Values that are laid over the file's, by dotted path ("collect.n_tasks").

    Raises:
        StudyError: It cannot be read, or something in it cannot be used; every problem is listed with its
            line.
        UsageError: A choice cannot be used.
    """
    value, lines = parse_located(
        read_bytes(path, source=str(path), error=StudyError, what="a study"),
        source=str(path),
        error=StudyError,
        what="a study",
    )
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise StudyError(f"{path}:1: a study is a mapping, got {type(value).__name__}.")
    spec = checked(StudySpec, value, lines, source=str(path), error=StudyError, what="the study")
    return with_choices(spec, choices or {}, base=value)


def with_choices(
    spec: StudySpec, choices: Mapping[str, Any], *, base: Mapping[str, Any] | None = None
) -> StudySpec:
    """The study with single values laid over it.

    Args:
        spec: The study.
        choices: By dotted path ("training.batch_size").
        base: What the study was made from, where only that is to be written down.

    Raises:
        UsageError: There is no such setting, or the value cannot be used.
    """
    if not choices:
        return spec
    document = deepcopy(dict(base)) if base is not None else spec.as_document()
    for path, value in choices.items():
        _lay(document, path.split("."), value)
    return checked(StudySpec, document, Lines(1, {}), source="options", error=UsageError, what="the study")


def study_schema() -> dict[str, Any]:
    """The JSON Schema of study.yaml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A study of Honing",
        **StudySpec.model_json_schema(by_alias=True),
    }


def _lay(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for part in path[:-1]:
        document = document.setdefault(part, {})
    document[path[-1]] = value
