"""What is written for print: figures, tables, claims and hypotheses, as files."""

from __future__ import annotations

from pathlib import Path

from honing.store import json_bytes, write_atomic
from honing.teach.publishing.drawing import drawn
from honing.teach.publishing.figures import figures_of
from honing.teach.publishing.table_text import as_latex, as_markdown
from honing.teach.publishing.tables import tables_of
from honing.teach.verdicts import claims, hypotheses

CLAIMS = "claims.json"
HYPOTHESES = "hypotheses.json"


def published(folder: Path) -> dict[str, bytes]:
    """Every file by its path, from the results of a folder. The same results give the same bytes.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    files = {
        CLAIMS: json_bytes([one.as_document() for one in claims(folder)]),
        HYPOTHESES: json_bytes([one.as_document() for one in hypotheses(folder)]),
    }
    for name, figure in figures_of(folder).items():
        files |= {f"figures/{name}.{suffix}": payload for suffix, payload in drawn(figure).items()}
    for name, table in tables_of(folder).items():
        files[f"tables/{name}.md"] = as_markdown(table).encode()
        files[f"tables/{name}.tex"] = as_latex(table).encode()
    return files


def publish(folder: Path, target: Path) -> list[Path]:
    """Write them elsewhere.

    Args:
        folder: Holds `phase0` to `phase5`, or some of them.
        target: Made where it is missing.

    Returns:
        What was written.

    Raises:
        MissingToolError: matplotlib is not installed.
        StoreError: A file cannot be written.
    """
    written: list[Path] = []
    for name, payload in published(folder).items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, payload)
        written.append(path)
    return written
