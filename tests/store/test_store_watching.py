"""Which runs ended inside a block."""

from __future__ import annotations

from pathlib import Path

import pytest

from honing.store import Run, ended_runs


def made(home: Path, name: str) -> Run:
    return Run.create(home, kind="k", config={}, command=(), seed=0, name=name)


def test_runs_are_listed_as_they_end_and_those_inside_another_are_not(tmp_path: Path) -> None:
    first, inner, last = (made(tmp_path, name) for name in ("first", "inner", "last"))
    with ended_runs() as ended:
        with first.supervise(), inner.supervise():
            assert ended == []
        with pytest.raises(RuntimeError), last.supervise():
            raise RuntimeError("it failed")
        with first.supervise():
            pass

    assert ended == [first.path, last.path]


def test_the_inner_of_two_blocks_collects_and_outside_of_any_nothing_is_kept(tmp_path: Path) -> None:
    first, last = made(tmp_path, "first"), made(tmp_path, "last")
    with ended_runs() as outer, ended_runs() as inner, first.supervise():
        pass
    with last.supervise():
        pass

    assert (outer, inner) == ([], [first.path])
