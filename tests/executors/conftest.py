"""Fixtures of the executors' tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from executor_campaigns import Campaign


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Callable[..., Campaign]]:
    """Makes campaigns; whatever of them still runs is killed afterwards."""
    made: list[Campaign] = []

    def make(
        name: str = "c",
        *,
        executor: str = "inline",
        workers: int = 1,
        units: int = 60,
        pause_s: float = 0.005,
    ) -> Campaign:
        made.append(Campaign(tmp_path / name, executor, workers, units, pause_s))
        return made[-1]

    yield make
    for each in made:
        for process in each.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
