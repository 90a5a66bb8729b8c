"""Worker processes: killed ones lose nothing, none outlives its supervisor, and what cannot run is said."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from executor_units import die, leave_a_child_and_die, lines, logged, sleep_long, square, talk, where

from honing.errors import ExecutorError, UsageError
from honing.executors import Completed, LocalExecutor, Unit, UnitStatus

HERE = Path(__file__).parent

SUPERVISOR = """
import sys
from functools import partial
from executor_units import sleep_long
from honing.executors import LocalExecutor, Unit
units = [Unit(str(n), n, n) for n in range(3)]
list(LocalExecutor(3).run(partial(sleep_long, sys.argv[1]), units, lambda: False))
"""

SCRIPT = """
import sys
from honing.executors import LocalExecutor, Unit
def double(x):
    return 2 * x
def main():
    units = [Unit(str(n), n, n) for n in range(3)]
    for batch in LocalExecutor(1).run(double, units, lambda: False):
        for ended in batch:
            print(ended.error or ended.result)
GUARD
    main()
"""


def run(executor: LocalExecutor, fn: Callable[[Any], Any], inputs: Iterable[Any]) -> list[Completed]:
    units = [Unit(str(n), n, value) for n, value in enumerate(inputs)]
    batches = list(executor.run(fn, units, lambda: False))
    return sorted((ended for batch in batches for ended in batch), key=lambda ended: ended.unit.index)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until(fact: Callable[[], bool], limit_s: float = 20.0) -> bool:
    deadline = time.monotonic() + limit_s
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("workers", [1, 3])
def test_a_unit_whose_worker_was_killed_is_run_again_and_nothing_is_lost(
    tmp_path: Path, workers: int
) -> None:
    log = tmp_path / "starts"
    tasks = [{"x": n, "deaths": {2: 1, 5: 2}.get(n, 0)} for n in range(8)]

    found = run(LocalExecutor(workers, max_lost=2), partial(die, str(log)), tasks)

    assert [(e.result, e.attempts) for e in found] == [(n, {2: 2, 5: 3}.get(n, 1)) for n in range(8)]
    assert sorted(lines(log)) == sorted(["0", "1", "2", "2", "3", "4", "5", "5", "5", "6", "7"])


def test_a_unit_that_keeps_losing_its_worker_ends_as_worker_lost(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    tasks = [{"x": 0, "deaths": 99}, {"x": 1, "deaths": 0}]

    lost, kept = run(LocalExecutor(1, max_lost=2), partial(die, str(log)), tasks)

    assert (lost.status, lost.error_kind, lost.attempts) == (UnitStatus.WORKER_LOST, "WorkerLost", 3)
    assert "died 3 times, the last time with signal 9" in lost.error
    assert (kept.status, kept.result) == (UnitStatus.DONE, 1)
    assert lines(log) == ["0", "0", "0", "1"]


def test_workers_killed_at_random_from_outside_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    order = random.Random(11)
    units = [Unit(str(n), n, n) for n in range(60)]
    killed: list[int] = []
    found: list[int] = []

    for batch in LocalExecutor(3, max_lost=50).run(
        partial(logged, str(log), pause_s=0.01), units, lambda: False
    ):
        found.extend(ended.result for ended in batch)
        for ended in batch:
            if order.random() < 0.3:
                pid = int(ended.worker.removeprefix("process-"))
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.append(pid)

    assert sorted(found) == list(range(60))
    assert len(killed) > 5
    assert len(lines(log)) <= 60 + len(killed)


def test_a_death_is_noticed_while_a_grandchild_holds_the_socket() -> None:
    began = time.monotonic()
    (ended,) = run(LocalExecutor(1, max_lost=1), leave_a_child_and_die, [0])

    assert (ended.status, ended.attempts) == (UnitStatus.WORKER_LOST, 2)
    assert time.monotonic() - began < 4


def test_workers_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(log)], env=environment)
    try:
        started = wait_until(lambda: len(lines(log)) == 3)
    finally:
        supervisor.kill()
        supervisor.wait()

    assert started
    pids = [int(line) for line in lines(log)]
    assert wait_until(lambda: not any(alive(pid) for pid in pids), 5)


def test_closing_early_kills_the_workers_at_once(tmp_path: Path) -> None:
    log = tmp_path / "pids"
    batches = LocalExecutor(2).run(
        partial(sleep_long, str(log)), [Unit("0", 0, 0), Unit("1", 1, 1)], lambda: False
    )
    while len(lines(log)) < 2:
        next(batches)
    began = time.monotonic()
    batches.close()

    assert time.monotonic() - began < 5
    assert [alive(int(line)) for line in lines(log)] == [False, False]


def test_workers_are_children_of_ours_out_of_reach_of_the_terminal_and_end_with_the_step() -> None:
    found = run(LocalExecutor(2), where, range(4))

    pids = {ended.result[0] for ended in found}
    assert {ended.result[1] for ended in found} == {os.getpid()}
    assert {ended.result[2] for ended in found} == pids
    assert [pid for pid in pids if alive(pid)] == []


def test_what_a_unit_prints_stays_out_of_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    run(LocalExecutor(1), talk, [1])

    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "from a unit\n")


def test_a_function_without_an_importable_name_is_refused_with_the_way_out() -> None:
    with pytest.raises(ExecutorError, match="Define the unit function at the top of an importable module"):
        run(LocalExecutor(1), lambda x: x, [1])


def test_a_function_whose_module_cannot_be_imported_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vanishing_units.py").write_text("def fn(x):\n    return x\n")
    sys.path.insert(0, str(tmp_path))
    try:
        from vanishing_units import fn  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))

    with pytest.raises(ExecutorError, match="cannot be loaded in a worker process: ModuleNotFoundError"):
        run(LocalExecutor(1), fn, [1])


@pytest.mark.parametrize(("workers", "max_lost"), [(0, 0), (-1, 0), (1, -1)])
def test_impossible_settings_are_refused(workers: int, max_lost: int) -> None:
    with pytest.raises(UsageError, match="at least"):
        LocalExecutor(workers, max_lost)


def test_a_function_of_the_users_own_script_works(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT.replace("GUARD", 'if __name__ == "__main__":'))

    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    as_module = subprocess.run(
        [sys.executable, "-m", "mine"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n2\n4\n", "")
    assert (as_module.returncode, as_module.stdout, as_module.stderr) == (0, "0\n2\n4\n", "")


def test_a_script_without_a_guard_is_refused_instead_of_starting_itself_for_ever(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT.replace("GUARD", "if True:"))

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 1
    assert "Put the script's action under `if __name__ == '__main__':`" in done.stderr


def test_two_thousand_trivial_units_need_two_processes() -> None:
    began = time.monotonic()
    found = run(LocalExecutor(2), square, range(2000))

    assert len({ended.worker for ended in found}) <= 2
    assert time.monotonic() - began < 20
