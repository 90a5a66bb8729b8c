"""A measurement's run may have a name: the same name goes on with it, and never with another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from honing.contract import Mode, RolloutOptions, SetupOptions, setup
from honing.errors import BudgetExhaustedError, UsageError
from honing.store import Run, RunStatus

Write = Callable[..., Path]
FULL = RolloutOptions(mode=Mode.FULL)


def measured(target: Path, home: Path, asked: RolloutOptions = FULL, *, seed: int = 0) -> Run:
    options = SetupOptions(home=home, run_name="first", seed=seed)
    with setup(target, options, intent={"model": "scripted/perfect"}) as session:
        session.rollout("scripted/perfect", asked)
        session.evaluate()
    return session.run


def test_a_named_measurement_that_was_cut_off_goes_on_and_is_then_left_alone(
    write_data: Write, tmp_path: Path
) -> None:
    target, home = write_data(12), tmp_path / "runs"
    with pytest.raises(BudgetExhaustedError):
        measured(target, home, RolloutOptions(mode=Mode.FULL, max_wall_s=0.0))
    begun = Run.open(home / "first").id

    run = measured(target, home)

    assert (run.path, run.id, run.status) == (home / "first", begun, RunStatus.DONE)
    with pytest.raises(UsageError, match=r"first: this run is done; `hone runs show first` shows it"):
        measured(target, home)


def test_a_name_that_belongs_to_other_work_is_refused_and_nothing_is_removed(
    write_data: Write, tmp_path: Path
) -> None:
    target, home = write_data(4), tmp_path / "runs"
    measured(target, home)

    with pytest.raises(UsageError, match=r"first: this run was made for other work \(options differs\)"):
        measured(target, home, seed=1)

    assert Run.open(home / "first").status is RunStatus.DONE
