"""The page of a harness run: what was found, how sure it is, and every candidate on the way."""

from __future__ import annotations

from honing.harness.report.page import report_from, report_of, write_report

__all__ = ["report_from", "report_of", "write_report"]
