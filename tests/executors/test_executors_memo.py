"""Nested results: each is made once in the life of a run, also when it is killed in the middle of a unit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from honing.errors import StoreError
from honing.executors import InlineExecutor, Memo, Observation, ThreadsExecutor, plan, run_map
from honing.store import Attempt, AttemptOutcome, Run, Totals

KILLED = """
import os, signal, sys
from pathlib import Path
from honing.executors import InlineExecutor, Memo, run_map
from honing.store import Run

run = Run.open(Path(sys.argv[1]))
kill_at = sys.argv[2]

def part(name):
    with open(sys.argv[3], "a") as log:
        log.write(name + "\\n")
    if name == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"made": name}

with run.lock(), run.journal() as journal:
    memo = Memo(run, journal)
    def unit(value):
        return [memo.remember("parts", [value, n], lambda n=n: part(f"{value}{n}")) for n in range(3)]
    run_map(run, "units", unit, ["a", "b"], executor=InlineExecutor())
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", kind="k", config={}, command=["x"], seed=1, name="r")


@pytest.fixture
def memo(run: Run) -> Iterator[Memo]:
    with run.lock(), run.journal() as journal:
        yield Memo(run, journal)


def totals(run: Run, step: str | None = None) -> Totals:
    with run.journal() as journal:
        return journal.totals(step)


def test_a_result_is_made_once_and_is_the_callers_own_copy(memo: Memo) -> None:
    made: list[int] = []

    def make() -> dict[str, Any]:
        made.append(1)
        return {"pair": (1, 2)}

    first = memo.remember("s", {"k": 1}, make)
    first["pair"].append(3)

    assert memo.remember("s", {"k": 1}, make) == {"pair": [1, 2]}
    assert (len(made), memo.count("s")) == (1, 1)


def test_step_and_key_both_tell_results_apart(memo: Memo) -> None:
    found = [memo.remember(step, key, lambda v=f"{step}{key}": v) for step in "ab" for key in (1, 2)]

    assert found == ["a1", "a2", "b1", "b2"]


def test_the_next_session_finds_what_was_made(run: Run) -> None:
    with run.lock(), run.journal() as journal:
        Memo(run, journal).remember("s", "k", lambda: 7)

    again = Run.open(run.path)
    with again.lock(), again.journal() as journal:
        assert Memo(again, journal).remember("s", "k", lambda: 8) == 7


def test_a_failure_is_raised_recorded_and_tried_again(run: Run, memo: Memo) -> None:
    def fail() -> None:
        raise ValueError("its own words")

    with pytest.raises(ValueError, match="its own words"):
        memo.remember("s", "k", fail)

    with run.journal() as journal:
        assert journal.errors("s") == [(0, "ValueError", "its own words")]
    assert memo.remember("s", "k", lambda: "now") == "now"


def test_what_is_no_json_is_a_failure_and_not_remembered(memo: Memo) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        memo.remember("s", "k", lambda: {1, 2})

    assert memo.remember("s", "k", lambda: [1, 2]) == [1, 2]


def test_tokens_and_money_are_in_the_journals_totals(run: Run, memo: Memo) -> None:
    def observe(result: dict[str, Any]) -> Observation:
        return Observation(tokens=result["tokens"], cost_usd=result["cost"])

    memo.remember("s", 1, lambda: {"tokens": 30, "cost": 0.5}, observe=observe)
    memo.remember("s", 2, lambda: {"tokens": 12, "cost": None}, observe=observe)

    found = totals(run, "s")
    assert (found.done, found.tokens, found.cost_usd, found.cost_unknown) == (2, 42, 0.5, 1)


def test_threads_that_ask_for_one_key_share_one_making(memo: Memo) -> None:
    made: list[int] = []
    started = threading.Event()
    others = threading.Barrier(4)
    found: list[int] = []

    def make() -> int:
        made.append(1)
        started.set()
        return 5

    def ask() -> None:
        others.wait()
        found.append(memo.remember("s", "k", make))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert started.is_set()
    assert (made, found) == ([1], [5, 5, 5, 5])


def test_who_waited_for_a_failure_tries_for_itself(memo: Memo) -> None:
    first_inside, second_asks = threading.Event(), threading.Event()
    found: list[object] = []

    def fail() -> None:
        first_inside.set()
        second_asks.wait()
        raise OSError("gone")

    def first() -> None:
        try:
            memo.remember("s", "k", fail)
        except OSError as error:
            found.append(str(error))

    def second() -> None:
        first_inside.wait()
        second_asks.set()
        found.append(memo.remember("s", "k", lambda: "made"))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["gone", "made"]


def test_without_the_lock_of_the_run_nothing_is_remembered(run: Run) -> None:
    with run.journal() as journal, pytest.raises(StoreError, match="only under the lock"):
        Memo(run, journal)


def test_a_supervisor_that_lost_the_run_cannot_commit(run: Run, memo: Memo) -> None:
    def overtaken() -> str:
        with run.journal() as journal:
            journal.take_over("another session")
        return "late"

    with pytest.raises(StoreError, match="took over"):
        memo.remember("s", "k", overtaken)

    with run.journal() as journal:
        assert journal.results("s") == {}


def test_a_kill_in_the_middle_of_a_unit_loses_only_the_part_under_way(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = [sys.executable, "-c", KILLED, str(run.path)]

    killed = subprocess.run([*command, "b1", str(log)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert subprocess.run([*command, "", str(log)], check=False).returncode == 0

    assert log.read_text().split() == ["a0", "a1", "a2", "b0", "b1", "b1", "b2"]
    with run.journal() as journal:
        assert sorted(journal.results("units").values()) == sorted(
            [str([{"made": f"{unit}{n}"} for n in range(3)]).replace("'", '"') for unit in "ab"]
        )


def test_units_and_their_parts_share_a_journal_in_many_threads(run: Run) -> None:
    with run.lock(), run.journal() as journal:
        memo = Memo(run, journal)

        def unit(value: int) -> int:
            return sum(memo.remember("parts", value % 7 + n, lambda n=n: value % 7 + n) for n in range(5))

        results = run_map(run, "units", unit, list(range(60)), executor=ThreadsExecutor(4))

    assert [each.result for each in results] == [5 * (value % 7) + 10 for value in range(60)]
    assert totals(run, "parts").done == 11


def test_a_commit_that_need_not_be_durable_is_seen_by_others_at_once(run: Run) -> None:
    with run.lock(), run.journal() as journal:
        token = journal.lease([("k", "s", 0)], owner="o", ttl_s=60.0)["k"]
        done = Attempt(key="k", step="s", outcome=AttemptOutcome.DONE, value="1", token=token)
        journal.commit([done], owner="o", durable=False)

        with run.journal() as other:
            assert other.results("s") == {"k": "1"}


def test_one_worker_with_a_thread_of_its_own_does_not_run_in_the_callers() -> None:
    def thread_of(_: int) -> str:
        return threading.current_thread().name

    def names(executor: ThreadsExecutor | InlineExecutor) -> list[str]:
        batches = executor.run(thread_of, plan("s", "1", [1, 2]), lambda: False)
        return [ended.result for batch in batches for ended in batch]

    here = threading.current_thread().name
    assert names(ThreadsExecutor(1)) == [here, here]
    assert names(ThreadsExecutor(1, own_thread=True)) == ["honing-worker-0"] * 2
