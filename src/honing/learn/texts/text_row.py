"""One prompt with its right completion."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from honing.documents import parse_json
from honing.errors import TrainingError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRow:
    """One row of supervised fine-tuning on text. Loss falls on the completion alone."""

    prompt: str
    """What the user's turn says."""
    completion: str
    """What the model is to say, without the token that ends a reply."""
    system: str = ""
    """System prompt; none is sent where empty."""
    source: str = ""
    """Where the row comes from ("target-a:row-17"), for tables and checks of leakage."""
    weight: int = 1
    """How often the row is seen where others are seen once."""

    @property
    def digest(self) -> str:
        """Hash of the prompt, however its spaces lie: `prompt_digest`."""
        return prompt_digest(self.prompt)

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TextRow:
        """The row that `as_document` wrote; what is left out has its default."""
        return cls(**document)


def prompt_digest(prompt: str) -> str:
    """Hash by which two prompts are the same: runs of white space count as one space."""
    return hashlib.sha256(" ".join(prompt.split()).encode()).hexdigest()[:16]


def check_rows(rows: Iterable[TextRow]) -> None:
    """Refuse what cannot be learned.

    Raises:
        TrainingError: A row lacks a prompt or a completion, or its weight is below 1; or there is none.
    """
    found = 0
    for found, row in enumerate(rows, 1):
        where = row.source or f"number {found}"
        for name in ("prompt", "completion"):
            if not getattr(row, name).strip():
                raise TrainingError(f"Row {where}: its {name} is empty. Leave the row out, or complete it.")
        if row.weight < 1:
            raise TrainingError(f"Row {where}: weight must be at least 1, got {row.weight}.")
    if not found:
        raise TrainingError("There is no row to train on. Give --train-data, or targets with gold.")


def read_text_rows(path: Path) -> list[TextRow]:
    """The rows of a JSONL file of `{"prompt": ..., "completion": ...}`, `system` and `weight` if need be.

    Each row's source is the file's name and the line, where the line names none.

    Raises:
        UsageError: It cannot be read, or a line is no such row; the text names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from None
    found = [_read(line, f"{path.name}:{number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise UsageError(f'{path}: holds no row. Expected lines {{"prompt": text, "completion": text}}.')
    return found


def _read(line: str, where: str) -> TextRow:
    known = {field.name for field in fields(TextRow)}
    row = parse_json(line.encode(), source=where, error=UsageError)
    if not isinstance(row, dict) or (unknown := sorted(set(row) - known)):
        what = f"unknown key {unknown[0]!r}" if isinstance(row, dict) else type(row).__name__
        raise UsageError(f"{where}: expected an object with {', '.join(sorted(known))}; found {what}.")
    texts = {name: row.get(name, "") for name in ("prompt", "completion", "system", "source")}
    weight = row.get("weight", 1)
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    lacking = [name for name in ("prompt", "completion") if not wrong and not texts[name].strip()]
    if wrong or lacking or not isinstance(weight, int) or isinstance(weight, bool) or weight < 1:
        name = (wrong + lacking or ["weight"])[0]
        rule = "a whole number of at least 1" if name == "weight" else "a text that is not empty"
        raise UsageError(f"{where}: {name} must be {rule}, got {row.get(name)!r}.")
    return TextRow(**{**texts, "source": texts["source"] or where}, weight=weight)
