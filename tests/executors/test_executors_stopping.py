"""Stopping: Ctrl-C, SIGTERM and the stop file keep what was finished, and a second signal ends at once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable

import pytest
from executor_campaigns import Campaign

from honing.store import RunStatus

STOPS = [
    ("inline", 1, signal.SIGINT, 130, "Stopped by Ctrl-C. Step 'score': "),
    ("threads", 3, signal.SIGINT, 130, "Stopped by Ctrl-C. Step 'score': "),
    ("local", 3, signal.SIGINT, 130, "Stopped by Ctrl-C. Step 'score': "),
    ("local", 3, signal.SIGTERM, 5, "Stopped by SIGTERM. Step 'score': "),
    ("threads", 3, None, 5, "Stopped by the stop file. Step 'score': "),
]
IDS = ["inline Ctrl-C", "threads Ctrl-C", "processes Ctrl-C", "processes SIGTERM", "threads stop file"]


@pytest.mark.parametrize(("executor", "workers", "how", "code", "words"), STOPS, ids=IDS)
def test_a_stop_finishes_and_keeps_what_is_under_way_and_the_run_resumes(
    campaign: Callable[..., Campaign], executor: str, workers: int, how: int | None, code: int, words: str
) -> None:
    stopped = campaign(executor=executor, workers=workers, units=40, pause_s=0.1)
    process = stopped.start()
    stopped.wait_for_starts(6, process)
    if how is None:
        stopped.run.request_stop()
    else:
        process.send_signal(how)
    output = process.communicate(timeout=60)[0]

    assert (process.returncode, output[: len(words)]) == (code, words)
    assert stopped.run.status is RunStatus.STOPPED
    # Everything that was started is committed: nothing was lost.
    before = Counter(stopped.starts())
    assert set(before) == stopped.committed()
    assert 6 <= len(before) < 40

    stopped.pause_s = 0.0
    assert stopped.finish() == (0, "")
    assert Counter(stopped.starts()) == Counter(range(40))


@pytest.mark.parametrize(
    ("executor", "workers", "number"),
    [("inline", 1, signal.SIGINT), ("threads", 3, signal.SIGTERM), ("local", 3, signal.SIGINT)],
    ids=["inline Ctrl-C", "threads SIGTERM", "processes Ctrl-C"],
)
def test_a_second_signal_ends_at_once_and_keeps_what_was_committed(
    campaign: Callable[..., Campaign], executor: str, workers: int, number: int
) -> None:
    stopped = campaign(executor=executor, workers=workers, pause_s=30)
    process = stopped.start()
    stopped.wait_for_starts(workers, process)
    time.sleep(0.05)
    process.send_signal(number)
    time.sleep(0.3)
    still_waiting = process.poll() is None
    began = time.monotonic()
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]

    assert still_waiting
    assert time.monotonic() - began < 5
    assert (process.returncode, output) == (
        130,
        "Stopped at once by a second signal; units under way are lost.\n",
    )
    stopped.wait_until_quiet()
    assert stopped.run.status is RunStatus.STOPPED


def test_a_stop_file_from_an_earlier_session_does_not_stop_the_next_one(
    campaign: Callable[..., Campaign],
) -> None:
    stopped = campaign(units=12, pause_s=0.02)
    process = stopped.start()
    stopped.wait_for_starts(3, process)
    (stopped.folder / "stop").touch()
    process.communicate(timeout=60)

    assert stopped.finish() == (0, "")


def test_two_supervisors_at_once_do_the_work_once(campaign: Callable[..., Campaign]) -> None:
    shared = campaign(pause_s=0.2)
    first = shared.start()
    shared.wait_for_starts(2, first)
    code, output = shared.finish()
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    shared.pause_s = 0.0

    assert (code, first.returncode) == (1, 5)
    assert f"already being worked on by process {first.pid} on host" in output
    assert shared.finish() == (0, "")
    assert Counter(shared.starts()) == Counter(range(60))
