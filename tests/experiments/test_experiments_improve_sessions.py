"""What several sessions of one loop share: its budget, its search, its seal."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from improve_scenes import REAL, Interrupted, endings, loop

from honing.errors import BudgetExhaustedError, LeakageError, StoppedError, UsageError
from honing.executors import InlineExecutor
from honing.experiments.improve import (
    Desk,
    ImproveLimits,
    ImproveOptions,
    ImproveSpec,
    Part,
    StepName,
    Version,
    plan_improvement,
)
from honing.experiments.improve.bench import open_bench


def test_a_loop_of_the_weights_step_alone_must_pay_for_its_proof_and_stays_within_its_split(
    tmp_path: Path,
) -> None:
    spec = ImproveSpec(proposals=0)
    # Check 60 * 2 * 3 = 360, held-out 60 * 2 * 3 = 360.
    with pytest.raises(UsageError, match="takes 720 attempts"):
        loop(tmp_path, REAL, spec, limits=ImproveLimits(task_runs=719))
    subject = Interrupted(REAL, 0, None)
    result = loop(tmp_path, subject, spec, limits=ImproveLimits(task_runs=720))

    assert endings(result)["+ weights"] == "kept"
    assert subject.calls.count("measure check") == 4
    assert result.document["spent"]["task_runs"] == 720


def test_a_search_goes_on_with_as_many_proposals_and_seconds_as_it_began_with(tmp_path: Path) -> None:
    given: list[tuple[int, float | None]] = []

    def exhausted(desk: Desk) -> None:
        given.append((desk.allowance.proposals, desk.allowance.wall_s))
        raise BudgetExhaustedError("the step's share is spent")

    spec = ImproveSpec(proposals=50)
    small = ImproveLimits(task_runs=1400, wall_s=600)
    # Calls: the baseline on the check tasks, then the search.
    for limits in (small, small, ImproveLimits(task_runs=9000, wall_s=600)):
        subject = Interrupted(REAL, 1 if given else 2, exhausted)
        with pytest.raises(BudgetExhaustedError):
            loop(tmp_path, subject, spec, run_name="one", limits=limits)
    result = loop(tmp_path, REAL, spec, run_name="one")

    assert given[0][0] == 9
    assert given == given[:1] * 3
    assert result.rows[1]["spent"]["making"]["proposals"] == 9


def test_a_broken_seal_stays_broken_in_later_sessions(tmp_path: Path) -> None:
    def fail(desk: Desk) -> None:
        raise StoppedError("stopped in the last look")

    # Before the last look come a proposal and four measurements of each step.
    subject = Interrupted(REAL, 11, fail)
    with pytest.raises(StoppedError):
        loop(tmp_path, subject, run_name="one")
    looked = refused(ImproveOptions(home=tmp_path, run_name="one", executor=InlineExecutor()))
    again = loop(tmp_path, REAL, run_name="one")

    assert subject.calls[-1] == "measure held_out"
    assert looked == ["nothing is proposed after the last look", "nothing is judged any more"]
    assert endings(again)["+ weights"] == "kept"


def refused(options: ImproveOptions) -> list[str]:
    """What a later session is told that proposes and judges something new; the run stays unfinished."""
    found = []
    other = Version(harness="0" * 64, model="scripted/model")
    with suppress(StoppedError), open_bench(REAL, ImproveSpec(), options) as bench:
        bench.split = plan_improvement(REAL, ImproveSpec(), options)
        attempts: list[Callable[[], object]] = [
            lambda: bench.propose(StepName.HARNESS, other),
            lambda: bench.measure(other, Part.CHECK, [1]),
        ]
        for attempt in attempts:
            with pytest.raises(LeakageError) as error:
                attempt()
            found.append(re.split(r"[:;] ", str(error.value))[1].rstrip("."))
        raise StoppedError("looked at")
    return found
