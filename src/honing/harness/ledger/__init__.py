"""The ledger of a harness run: every candidate, how it ended and why; tables of it, and comparisons of runs.

A ledger is read from the run's journal at any time: while the run works, after a kill, and at the end.
"""

from __future__ import annotations

from honing.harness.ledger.base import Facts, Ledger, Spend
from honing.harness.ledger.comparing import COMPARE_COLUMNS, RunsComparison, compare_ledgers
from honing.harness.ledger.document import ledger_document, progress_of
from honing.harness.ledger.inspecting import candidate_details, run_details, unjudged_of, warnings_of
from honing.harness.ledger.reading import read_ledger
from honing.harness.ledger.rows import LEDGER_COLUMNS, ledger_rows
from honing.harness.ledger.summary import (
    AGGREGATE_COLUMNS,
    SUMMARY_COLUMNS,
    aggregate_rows,
    summary_row,
    summary_rows,
)

__all__ = [
    "AGGREGATE_COLUMNS",
    "COMPARE_COLUMNS",
    "LEDGER_COLUMNS",
    "SUMMARY_COLUMNS",
    "Facts",
    "Ledger",
    "RunsComparison",
    "Spend",
    "aggregate_rows",
    "candidate_details",
    "compare_ledgers",
    "ledger_document",
    "ledger_rows",
    "progress_of",
    "read_ledger",
    "run_details",
    "summary_row",
    "summary_rows",
    "unjudged_of",
    "warnings_of",
]
