"""A run's page: one self-contained HTML file from the plain data of a report."""

from __future__ import annotations

from honing.view.page import render

__all__ = ["render"]
