"""The JSON Schema of a labelled snapshot: what other programs may rely on."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from honing.teach.snapshot import Snapshot

FILE = "labeled_snapshot.schema.json"
"""Shipped in `honing.teach`. `python -m honing.teach.labels.schema` prints what it should hold."""


def labeled_snapshot_schema() -> dict[str, Any]:
    """A row of `labeled_snapshots.jsonl`, as the records say it."""
    schema = Snapshot.model_json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "A labelled snapshot of Honing",
    }


def shipped_schema() -> dict[str, Any]:
    """The schema file that is installed with this package."""
    found: dict[str, Any] = json.loads((files("honing.teach") / FILE).read_text(encoding="utf-8"))
    return found


def as_text(schema: dict[str, Any]) -> str:
    """As the file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
