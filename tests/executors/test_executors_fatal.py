"""Errors that end a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.errors import ModelUnreachableError
from honing.executors import InlineExecutor, MapOptions, run_map
from honing.store import Run


def _unreachable_from_two(number: int) -> int:
    if number > 1:
        raise ModelUnreachableError("nobody answers")
    return number


def test_a_unit_that_ended_the_session_is_not_counted_as_finished(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind="test", config={}, command=["hone"], seed=0)
    options = MapOptions(fatal=frozenset({"ModelUnreachableError"}))

    with pytest.raises(ModelUnreachableError, match=r"nobody answers Step 's': 2 of 3 units are finished"):
        run_map(run, "s", _unreachable_from_two, range(3), executor=InlineExecutor(), options=options)
