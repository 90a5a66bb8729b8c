"""The process that judges attacks, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redteam_protected import Protected


@pytest.fixture(scope="session")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Protected]:
    with Protected(tmp_path_factory.mktemp("user") / "home") as process:
        yield process
