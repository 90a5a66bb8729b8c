"""Reading what a target's grader wrote about each sample, strictly: which task, which reward."""

from __future__ import annotations

import csv
import io
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from honing.contract.spec import ResultsSpec
from honing.documents import parse_json, read_plain_file
from honing.errors import MetricsError

MAX_BYTES = 128 * 1024 * 1024
"""Largest results file that is read."""
MAX_FILES = 50_000
"""Files of a working copy that are looked at."""
_LARGEST = sys.float_info.max
_SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".tsv")
_RIGHT = frozenset({"pass", "passed", "true", "yes", "correct", "right", "success", "succeeded", "resolved"})
_WRONG = frozenset(
    {"fail", "failed", "false", "no", "incorrect", "wrong", "failure", "unresolved", "timeout", "timed out"}
)

Listing = Mapping[str, tuple[int, int, int]]
"""Result files of a folder: when each was changed (two ways, ns) and its size, by relative path."""
Entry = tuple[str | None, Mapping[str, Any]]
"""One record of a results file, with the key under which it stood, where it stood under one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What a grader thinks of one sample."""

    id: str
    """As the grader names the task."""
    reward: float | None
    """As it stands there, true as 1 and false as 0; None where the grader gives none."""
    prompt: str = ""
    completion: str = ""


def list_results(folder: Path) -> Listing:
    """Every plain file that could hold results. Links are not followed."""
    found: dict[str, tuple[int, int, int]] = {}
    seen = 0
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            seen += 1
            if seen > MAX_FILES:
                return found
            path = Path(place) / name
            if name.lower().endswith(_SUFFIXES) and not path.is_symlink():
                status = path.lstat()
                relative = path.relative_to(folder).as_posix()
                found[relative] = (status.st_mtime_ns, status.st_ctime_ns, status.st_size)
    return found


def new_files(before: Listing, now: Listing, earlier: frozenset[str]) -> list[str]:
    """Files that the stages wrote: since `before`, and those that an earlier stage left (`earlier`)."""
    written = [name for name, seen in now.items() if before.get(name) != seen]
    return written + [name for name in now if name in earlier and name not in written]


def declared_results(folder: Path, workdir: str, spec: ResultsSpec, new: Sequence[str]) -> list[TaskResult]:
    """The results that the contract says where to find.

    Raises:
        MetricsError: No new file or more than one matches, or the file does not hold what is declared.
    """
    pattern = os.path.normpath(f"{workdir}/{spec.path}")
    matching = [name for name in new if _matches(name, pattern)]
    if len(matching) != 1:
        found = ", ".join(matching) or "none"
        raise MetricsError(
            f"stages.evaluate.results.path {spec.path!r} must match exactly one file that the stages wrote, "
            f"found {found}."
        )
    (file,) = matching
    document = read_document(folder, file)
    rows = _below(document, spec.rows, file) if spec.rows else document
    entries = as_entries(rows)
    if entries is None:
        raise MetricsError(
            f"{file}: {spec.rows or 'the file'} must be a list of objects, or an object of them by id."
        )
    return [_result(key, values, spec, file) for key, values in entries]


def _matches(name: str, pattern: str) -> bool:
    """Whether a path matches, `*` within one folder only."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _below(document: Any, path: str, file: str) -> Any:
    found = document
    for part in path.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise MetricsError(f"{file} has no {path!r}, where stages.evaluate.results.rows looks.")
        found = found[part]
    return found


def _result(key: str | None, values: Mapping[str, Any], spec: ResultsSpec, file: str) -> TaskResult:
    task = values.get(spec.id, key)
    if not isinstance(task, str | int) or isinstance(task, bool):
        raise MetricsError(f"{file}: a result has no {spec.id!r} to say which task it is about: {values!r}.")
    if spec.reward not in values:
        raise MetricsError(f"{file}: the result of {task!r} has no {spec.reward!r}.")
    found = values[spec.reward]
    reward = reward_of(found, textual=file.endswith((".csv", ".tsv")))
    if reward is None and found not in (None, ""):
        raise MetricsError(
            f"{file}: {spec.reward!r} of {task!r} must be a number, true or false, or pass or fail; got "
            f"{found!r}."
        )
    return TaskResult(
        id=str(task),
        reward=reward,
        prompt=_text(values.get(spec.prompt)),
        completion=_text(values.get(spec.completion)),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def reward_of(value: Any, *, textual: bool = False) -> float | None:
    """The reward that a cell holds; None where it holds none.

    Args:
        value: The cell.
        textual: Whether the format keeps numbers as text.
    """
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        # A whole number of JSON may have more digits than a float can hold.
        return float(value) if abs(value) <= _LARGEST and math.isfinite(value) else None
    if not isinstance(value, str):
        return None
    word = value.strip().lower()
    if word in _RIGHT:
        return 1.0
    if word in _WRONG:
        return 0.0
    return _number(word) if textual else None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def read_document(folder: Path, file: str) -> Any:
    """A results file as plain data; a table is a list of objects.

    Raises:
        MetricsError: It is no plain file, too large, or not what its name announces.
    """
    content = read_plain_file(folder, file, max_bytes=MAX_BYTES)
    name = file.lower()
    if name.endswith((".jsonl", ".ndjson")):
        lines = content.splitlines()
        return [parse_json(line, source=f"{file}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    if name.endswith(".json"):
        return parse_json(content, source=file)
    try:
        text = content.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), delimiter="\t" if name.endswith(".tsv") else ","))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MetricsError(f"{file}: not a table ({error}).") from None
    if any(None in row for row in rows):
        raise MetricsError(f"{file}: a row has more cells than there are columns.")
    return rows


def as_entries(rows: Any) -> list[Entry] | None:
    """Records of a list, or of an object by id; None where it is neither.

    An id may lead to one record, to several, or to the reward alone, which then stands under "".
    """
    if isinstance(rows, list):
        return [(None, row) for row in rows] if all(isinstance(row, Mapping) for row in rows) else None
    if not isinstance(rows, Mapping):
        return None
    entries: list[Entry] = []
    for key, value in rows.items():
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, Mapping) and reward_of(one) is None:
                return None
            entries.append((str(key), one if isinstance(one, Mapping) else {"": one}))
    return entries


def tables_in(document: Any, depth: int = 3) -> Iterator[list[Entry]]:
    """Everything in a document that reads like a table of results, the outermost first."""
    entries = as_entries(document)
    if entries:
        yield entries
    if depth > 1 and isinstance(document, Mapping):
        for value in document.values():
            if isinstance(value, Mapping | list):
                yield from tables_in(value, depth - 1)
