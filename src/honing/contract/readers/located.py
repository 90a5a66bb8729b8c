"""A foreign YAML file whose every part knows its line."""

from __future__ import annotations

from pathlib import Path

from honing.documents import Document, Tagged, Where, parse_yaml, read_bytes
from honing.errors import ContractError

__all__ = ["Document", "Tagged", "Where", "read_document"]


def read_document(folder: Path, file: str) -> Document | None:
    """The mapping that a YAML file holds; None where it holds something else.

    Raises:
        ContractError: It is not YAML, or too large to be a contract; the text names the line.
    """
    content = read_bytes(folder / file, source=file, error=ContractError, what="a contract")
    value, lines = parse_yaml(content, source=file, error=ContractError, foreign=True)
    return Document(file, value, lines, ContractError) if isinstance(value, dict) else None
