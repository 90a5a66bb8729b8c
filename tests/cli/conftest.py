"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hone_process import Hone


@pytest.fixture
def hone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Hone:
    return Hone(tmp_path, capfd)
