"""A store of trees and a folder to take snapshots of."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.store import TreeStore


@pytest.fixture
def store(tmp_path: Path) -> TreeStore:
    return TreeStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made
