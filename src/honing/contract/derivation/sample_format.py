"""How a target wants answers written: from the examples that it brings or shows in its own pages."""

from __future__ import annotations

import ast
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.contract.data.shapes import TaskKind
from honing.contract.data.task import DatasetTask
from honing.contract.hints import Hint

_IDS = ("task_id", "id", "question_id", "sample_id", "problem_id", "instance_id", "qid", "uid", "idx",
        "index", "key", "name")  # fmt: skip
_ANSWERS = ("completion", "solution", "response", "prediction", "output", "generation", "answer", "pred",
            "model_output", "generated_text", "model_answer", "code", "text")  # fmt: skip
_PROMPTS = ("prompt", "question", "input", "problem", "instruction", "query")
_OBJECT = re.compile(r"\{[^{}]{4,2000}\}")
_BY_TASK = re.compile(r"\{\s*\"[^\"\n]{1,100}\"\s*:\s*\[\s*\"[^\n]*\](?:\s*,|\s*\})")
_MAX_TEXT = 1024 * 1024
_MAX_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """The columns of a samples file, with where that is shown."""

    columns: Mapping[str, str]
    anchor: str
    why: str


def sample_format(folder: Path, hints: Sequence[Hint], task: DatasetTask) -> SampleFormat:
    """The columns in which a target's grader expects answers.

    Args:
        folder: The target.
        hints: Commands that read such a file, the chosen one first.
        task: The data that are asked about.
    """
    holds = "code" if task.kind is TaskKind.CODE_TESTS else "completion"
    for keys, anchor, why in _examples(folder, hints):
        if (columns := _columns(keys, task, holds)) is not None:
            return SampleFormat(columns, anchor, why)
    columns = {task.id_column or "id": "id", "completion": holds}
    return SampleFormat(
        columns, "", "the target shows no example: the data's own name of the task, and `completion`"
    )


def answers_by_task(folder: Path, hints: Sequence[Hint]) -> str:
    """Where a page shows answers as one object of lists by task, `{"id": ["answer", ...]}`: such a file
    is not written, since samples are rows. Empty where no page does.

    Args:
        folder: The target.
        hints: Commands that read such a file.
    """
    for page in dict.fromkeys(hint.anchor.rpartition(":")[0] for hint in hints):
        path = folder / page
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_TEXT:
            continue
        text = path.read_text("utf-8", "replace")
        if (found := _BY_TASK.search(text)) is not None:
            return f"{page}:{text.count(chr(10), 0, found.start()) + 1}"
    return ""


def _examples(folder: Path, hints: Sequence[Hint]) -> Iterator[tuple[list[str], str, str]]:
    """Keys of every object that could be a sample, the likeliest first."""
    for hint in hints:
        for placeholder in hint.placeholders:
            file = placeholder.default or placeholder.text
            if keys := _first_row(folder, f"{hint.workdir}/{file}" if hint.workdir != "." else file):
                yield keys, f"{file}:1", f"the columns of the example {file}"
    for page in dict.fromkeys(hint.anchor.rpartition(":")[0] for hint in hints):
        yield from _in_page(folder, page)


def _in_page(folder: Path, page: str) -> Iterator[tuple[list[str], str, str]]:
    path = folder / page
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MAX_TEXT or page.endswith(".py"):
        return
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        for match in _OBJECT.finditer(line):
            if keys := _keys(match[0]):
                yield keys, f"{page}:{number}", "the example of a sample in the target's own page"


def _first_row(folder: Path, file: str) -> list[str]:
    path = folder / file
    if ".." in Path(file).parts or path.is_symlink() or not path.is_file():
        return []
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
                line = stream.readline(_MAX_TEXT)
        else:
            with path.open(encoding="utf-8", errors="replace") as stream:
                line = stream.readline(_MAX_TEXT)
    except (OSError, EOFError):
        return []
    return _keys(line)


def _keys(text: str) -> list[str]:
    """The keys of an object, written as JSON or as Python does."""
    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return []
    if not isinstance(value, dict) or not 2 <= len(value) <= _MAX_COLUMNS:
        return []
    return [key for key in value if isinstance(key, str)]


def _columns(keys: Sequence[str], task: DatasetTask, holds: str) -> dict[str, str] | None:
    """What each column holds; None where the object is no sample, or asks for something unknown."""
    lower = {key.lower(): key for key in keys}
    named = [task.id_column] if task.id_column in keys else []
    ids = [key for key in named if key] or [lower[name] for name in _IDS if name in lower]
    answers = [lower[name] for name in _ANSWERS if name in lower and lower[name] not in ids]
    if not ids or not answers:
        return None
    raw = next(iter(task.columns().values()), {})
    columns = {ids[0]: "id", answers[0]: holds}
    for key in keys:
        if key in columns or (key in answers and holds == "code"):
            # Two columns for code (a whole program, a body) stand for one: the grader takes either.
            continue
        if key in raw:
            columns[key] = f"row.{key}"
        elif key.lower() in _PROMPTS:
            columns[key] = "prompt"
    return columns
