"""Rewriting a harness: coding agents edit the files around an agent, candidates are judged where they cannot
cheat, and only gains that hold are kept. Start reading in `optimize.py`; see docs/harness.md.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.harness.benchmarks.examples import EXAMPLES, write_example
    from honing.harness.ledger import (
        AGGREGATE_COLUMNS,
        COMPARE_COLUMNS,
        LEDGER_COLUMNS,
        SUMMARY_COLUMNS,
        Ledger,
        RunsComparison,
        aggregate_rows,
        candidate_details,
        compare_ledgers,
        ledger_document,
        ledger_rows,
        read_ledger,
        run_details,
        summary_rows,
    )
    from honing.harness.onboarding.onboard import Onboarded, onboard_folder
    from honing.harness.project import Project
    from honing.harness.project_file import find_project, load_project
    from honing.harness.project_spec import project_schema
    from honing.harness.scaffold.profiles import PROFILES, write_scaffold

_HOMES = {
    "AGGREGATE_COLUMNS": "ledger",
    "COMPARE_COLUMNS": "ledger",
    "EXAMPLES": "benchmarks.examples",
    "LEDGER_COLUMNS": "ledger",
    "Ledger": "ledger",
    "Onboarded": "onboarding.onboard",
    "PROFILES": "scaffold.profiles",
    "Project": "project",
    "RunsComparison": "ledger",
    "SUMMARY_COLUMNS": "ledger",
    "aggregate_rows": "ledger",
    "candidate_details": "ledger",
    "compare_ledgers": "ledger",
    "find_project": "project_file",
    "ledger_document": "ledger",
    "ledger_rows": "ledger",
    "load_project": "project_file",
    "onboard_folder": "onboarding.onboard",
    "project_schema": "project_spec",
    "read_ledger": "ledger",
    "run_details": "ledger",
    "summary_rows": "ledger",
    "write_example": "benchmarks.examples",
    "write_scaffold": "scaffold.profiles",
}
"""Which file of this package defines a name."""

__all__ = [
    "AGGREGATE_COLUMNS",
    "COMPARE_COLUMNS",
    "EXAMPLES",
    "LEDGER_COLUMNS",
    "PROFILES",
    "SUMMARY_COLUMNS",
    "Ledger",
    "Onboarded",
    "Project",
    "RunsComparison",
    "aggregate_rows",
    "candidate_details",
    "compare_ledgers",
    "find_project",
    "ledger_document",
    "ledger_rows",
    "load_project",
    "onboard_folder",
    "project_schema",
    "read_ledger",
    "run_details",
    "summary_rows",
    "write_example",
    "write_scaffold",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.harness.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.harness' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
