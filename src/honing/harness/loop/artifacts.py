"""What a finished run leaves: ledger, summary and report, and the winner as a patch and as a folder."""

from __future__ import annotations

from dataclasses import replace

from honing.harness.ledger import (
    LEDGER_COLUMNS,
    Ledger,
    ledger_document,
    ledger_rows,
    read_ledger,
    summary_row,
)
from honing.harness.loop.bench import Bench
from honing.harness.report import write_report
from honing.sandbox import remove_tree
from honing.store import RunStatus

LEDGER = "ledger.json"
LEDGER_TABLE = "ledger.tsv"
SUMMARY = "summary.json"
PATCH = "best.patch"
BEST = "best"
"""The winner's folder, ready to be used."""


def write_artifacts(bench: Bench) -> Ledger:
    """Write them all; the same run writes the same, but for times and costs.

    Returns:
        The run's ledger.
    """
    run = bench.run
    # The run is done once these are there: they say so before it does.
    ledger = replace(read_ledger(run), status=RunStatus.DONE, reason="")
    run.write_json(LEDGER, ledger_document(ledger))
    run.write_tsv(LEDGER_TABLE, LEDGER_COLUMNS, ledger_rows(ledger))
    run.write_json(SUMMARY, summary_row(ledger))
    _write_winner(bench, ledger)
    write_report(run, ledger)
    return ledger


def _write_winner(bench: Bench, ledger: Ledger) -> None:
    baseline, winner = ledger.baseline, ledger.best()
    assert baseline is not None
    assert winner is not None
    assert baseline.tree is not None
    assert winner.tree is not None
    bench.run.write_text(PATCH, bench.trees.diff(baseline.tree, winner.tree).unified())
    folder = bench.run.artifact(BEST)
    remove_tree(folder)
    bench.trees.materialise(winner.tree, folder)
