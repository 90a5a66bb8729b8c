"""A tiny model, trained once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_model import train_tiny
from tiny_students import ARCHITECTURES, tiny_model

from honing.learn.serving.local_model import LocalModel, LocalOptions

ANSWERS = {f"Which number belongs to name{i} ?": f"#### {7 * i + 3 if i % 4 != 3 else 1}" for i in range(24)}
"""What the model says. Every fourth answer is wrong: the right one is 7 i + 3."""


@pytest.fixture(scope="session")
def answers() -> dict[str, str]:
    return dict(ANSWERS)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a chat template."""
    return train_tiny(tmp_path_factory.mktemp("models") / "tiny", ANSWERS)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder without a chat template."""
    return train_tiny(tmp_path_factory.mktemp("models") / "bare", ANSWERS, template=None)


@pytest.fixture(scope="session")
def model(tiny: Path) -> Iterator[LocalModel]:
    loaded = LocalModel(tiny, LocalOptions(device="cpu", gather_s=0.2))
    yield loaded
    loaded.close()


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random tiny students by architecture."""
    folder = tmp_path_factory.mktemp("shapes")
    return {name: tiny_model(folder / name, name) for name in ARCHITECTURES}
