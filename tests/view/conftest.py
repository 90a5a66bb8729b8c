"""Reports shown in a real Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from honing.store import Report
from honing.view import render

if TYPE_CHECKING:
    from playwright.sync_api import Page


class Shown:
    """Renders reports and opens them in one page."""

    def __init__(self, page: Page, complaints: list[str], folder: Path) -> None:
        self.page = page
        self.complaints = complaints
        """What the page said, threw, asked or tried to fetch since `show`."""
        self._file = folder / "report.html"

    def show(self, report: Report, fragment: str = "") -> Page:
        self._file.write_text(render(report), encoding="utf-8")
        return self.open(self._file, fragment)

    def open(self, file: Path, fragment: str = "") -> Page:
        self.page.goto("about:blank")
        self.complaints.clear()
        self.page.goto(file.as_uri() + fragment)
        return self.page


@pytest.fixture
def shown(chromium_page: Page, complaints: list[str], tmp_path: Path) -> Shown:
    return Shown(chromium_page, complaints, tmp_path)
