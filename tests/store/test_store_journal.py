"""The journal commits each result once, survives crashes, and says what is wrong with it."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from honing.errors import StoreError
from honing.store import Attempt, AttemptOutcome, Journal, Totals
from honing.store.database import network_file_system

COMMIT_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from honing.store import Attempt, AttemptOutcome, Journal
journal = Journal.open(Path(sys.argv[1]), clock=time.time)
n = len(journal.results("s"))
while True:
    keys = [f"{n + i:08}" for i in range(3)]
    tokens = journal.lease([(key, "s", 0) for key in keys], owner="w", ttl_s=60)
    journal.commit([Attempt(key=key, step="s", outcome=AttemptOutcome.DONE, value="1", token=tokens[key])
                    for key in keys], owner="w")
    n += 3
    print(n, flush=True)
"""

COMMIT_ON_A_FULL_DISK = """
import resource, sys, time
from pathlib import Path
from honing.errors import StoreError
from honing.store import Attempt, AttemptOutcome, Journal
journal = Journal.open(Path(sys.argv[1]), clock=time.time)
def commit(key, size):
    token = journal.lease([(key, "s", 0)], owner="w", ttl_s=60)[key]
    done = Attempt(key=key, step="s", outcome=AttemptOutcome.DONE, value='"' + "x" * size + '"', token=token)
    journal.commit([done], owner="w")
commit("small", 10)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
try:
    commit("large", 2_000_000)
except StoreError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
commit("after", 10)
"""


class Clock:
    """Unix time, set by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(path: Path, clock: Clock) -> Iterator[Journal]:
    with Journal.open(path, clock=clock) as opened:
        opened.begin_step("s", 10)
        yield opened


def lease(journal: Journal, *keys: str, owner: str = "me", ttl_s: float = 60.0) -> dict[str, int]:
    return journal.lease([(key, "s", n) for n, key in enumerate(keys)], owner=owner, ttl_s=ttl_s)


def done(key: str, token: int, value: str = "1", **fields: Any) -> Attempt:
    return Attempt(key=key, step="s", outcome=AttemptOutcome.DONE, value=value, token=token, **fields)


def failed(key: str, token: int, error: str = "no") -> Attempt:
    return Attempt(key=key, step="s", outcome=AttemptOutcome.FAILED, token=token, error=error, error_kind="E")


def test_a_result_commits_once_and_a_second_one_is_late(journal: Journal) -> None:
    token = lease(journal, "k")["k"]

    first = journal.commit([done("k", token, '"first"')], owner="me")
    second = journal.commit([done("k", token, '"second"')], owner="me")

    assert (list(first.done), list(second.late)) == (["k"], ["k"])
    assert journal.results("s") == {"k": '"first"'}
    assert (journal.totals().done, journal.totals().attempts) == (1, 2)


def test_a_result_that_appears_under_a_lease_stands(journal: Journal, path: Path) -> None:
    token = lease(journal, "k")["k"]
    other = sqlite3.connect(path)
    with other:
        other.execute("INSERT INTO results VALUES ('k', 's', '\"theirs\"')")
    other.close()

    assert list(journal.commit([done("k", token, '"ours"')], owner="me").late) == ["k"]
    assert journal.results("s") == {"k": '"theirs"'}


def test_a_unit_with_a_result_is_not_leased_again(journal: Journal) -> None:
    journal.commit([done("k", lease(journal, "k")["k"])], owner="me")

    assert lease(journal, "k", "new").keys() == {"new"}


def test_a_lease_of_somebody_else_is_respected_until_it_expires(journal: Journal, clock: Clock) -> None:
    lease(journal, "k", owner="first", ttl_s=10)

    early = lease(journal, "k", owner="second")
    clock.now += 10
    late = lease(journal, "k", owner="second")

    assert (early, list(late)) == ({}, ["k"])


def test_a_renewed_lease_does_not_expire(journal: Journal, clock: Clock) -> None:
    lease(journal, "k", owner="first", ttl_s=10)
    clock.now += 9
    held = journal.renew("first", 10)
    clock.now += 9

    assert (held, lease(journal, "k", owner="second")) == (1, {})


def test_a_stale_owner_cannot_commit_after_somebody_took_over(journal: Journal, clock: Clock) -> None:
    old = lease(journal, "k", owner="first", ttl_s=10)["k"]
    clock.now += 11
    new = lease(journal, "k", owner="second")["k"]

    before = journal.commit([done("k", old, '"stale"')], owner="first")
    journal.commit([done("k", new, '"right"')], owner="second")

    assert (list(before.stale), new > old) == (["k"], True)
    assert journal.results("s") == {"k": '"right"'}


def test_an_old_token_of_the_same_owner_is_stale(journal: Journal) -> None:
    old = lease(journal, "k")["k"]
    lease(journal, "k")

    assert list(journal.commit([done("k", old)], owner="me").stale) == ["k"]


def test_a_clock_that_jumps_back_or_forth_neither_loses_nor_doubles_a_result(
    journal: Journal, clock: Clock
) -> None:
    token = lease(journal, "k", ttl_s=10)["k"]
    clock.now -= 500.0
    stolen = lease(journal, "k", owner="second")
    clock.now += 900.0
    kept = journal.commit([done("k", token, '"mine"')], owner="me")

    assert (stolen, list(kept.done)) == ({}, ["k"])
    assert journal.results("s") == {"k": '"mine"'}


def test_taking_over_frees_other_owners_leases_and_records_them_as_abandoned(journal: Journal) -> None:
    old = lease(journal, "a", "b", owner="dead")
    kept = lease(journal, "c", owner="me:1")
    taken = journal.take_over("me")

    assert (taken, lease(journal, "a", "b").keys()) == (2, {"a", "b"})
    assert list(journal.commit([done("c", kept["c"])], owner="me:1").done) == ["c"]
    assert list(journal.commit([done("a", old["a"])], owner="dead").stale) == ["a"]
    assert journal.totals().starts == 2


def test_released_leases_are_free_at_once(journal: Journal) -> None:
    lease(journal, "k", owner="first")
    journal.release("first")

    assert lease(journal, "k", owner="second").keys() == {"k"}


def test_totals_count_units_attempts_and_spend_by_step(journal: Journal) -> None:
    tokens = lease(journal, "a", "b", "c")
    journal.commit([failed("a", tokens["a"])], owner="me", wall_s=1.5)
    tokens |= lease(journal, "a")
    journal.commit(
        [
            done("a", tokens["a"], tokens=10, cost_usd=0.25, starts=3),
            done("b", tokens["b"], tokens=5, cost_usd=None),
            failed("c", tokens["c"]),
        ],
        owner="me",
        wall_s=2.0,
    )
    journal.begin_step("other", 1)

    expected = Totals(
        done=2, failed=1, attempts=4, starts=6, tokens=15, cost_usd=0.25, cost_unknown=1, wall_s=3.5
    )
    assert (journal.totals("s"), journal.totals()) == (expected, expected)
    assert journal.totals("other").attempts == 0
    assert (journal.steps(), journal.starts("s")) == (["s", "other"], {"a": 4, "b": 1, "c": 1})
    assert journal.errors("s") == [(2, "E", "no")]


def test_everything_survives_closing_and_opening(path: Path, clock: Clock) -> None:
    with Journal.open(path, clock=clock) as journal:
        journal.begin_step("s", 1)
        journal.commit([done("k", lease(journal, "k")["k"], tokens=7, cost_usd=0.5)], owner="me", wall_s=2.0)
        before = (journal.id, journal.results("s"), journal.totals())

    with Journal.open(path, clock=clock, expected_id=before[0]) as again:
        assert (again.id, again.results("s"), again.totals()) == before


def test_results_wait_for_the_disk_and_leases_do_not(journal: Journal) -> None:
    token = lease(journal, "k")["k"]
    at_lease = journal._one("PRAGMA synchronous")
    journal.commit([done("k", token)], owner="me")

    assert (at_lease, journal._one("PRAGMA synchronous")) == (1, 2)


def test_text_that_is_no_unicode_is_kept_visibly(journal: Journal) -> None:
    journal.commit([failed("k", lease(journal, "k")["k"], "bad \udcff byte")], owner="me")

    assert journal.errors("s") == [(0, "E", "bad \\udcff byte")]


def test_a_batch_is_all_or_nothing(journal: Journal) -> None:
    tokens = lease(journal, "a", "b")

    def broken() -> Iterator[Attempt]:
        yield done("a", tokens["a"])
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        journal.commit(broken(), owner="me")
    assert journal.results("s") == {}
    assert list(journal.commit([done("a", tokens["a"])], owner="me").done) == ["a"]


def test_kill_9_never_loses_an_acknowledged_commit(path: Path, clock: Clock) -> None:
    order = random.Random(3)
    acknowledged = 0
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", COMMIT_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(order.randrange(1, 25)):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        writer.wait()
        writer.stdout.close()

        with Journal.open(path, clock=clock) as journal:
            found = len(journal.results("s"))
        assert found >= acknowledged
        assert found % 3 == 0


def test_a_full_disk_is_an_error_with_a_next_step_and_loses_nothing(path: Path, clock: Clock) -> None:
    done_ = subprocess.run(
        [sys.executable, "-c", COMMIT_ON_A_FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )

    assert "cannot write the journal: " in done_.stdout
    assert "then resume; what was committed is kept" in done_.stdout
    with Journal.open(path, clock=clock) as journal:
        assert journal.results("s").keys() == {"small", "after"}


@pytest.mark.parametrize("name", ["journal.sqlite", "journal.sqlite-wal"])
@pytest.mark.parametrize("harm", ["deleted", "replaced"])
def test_a_journal_harmed_under_us_is_noticed_at_the_next_commit(
    journal: Journal, path: Path, name: str, harm: str
) -> None:
    token = lease(journal, "k")["k"]
    harmed = path.with_name(name)
    copy = harmed.read_bytes()
    harmed.unlink()
    if harm == "replaced":
        # Keeping the old inode busy makes sure that the new file gets another one.
        path.with_name("other").write_bytes(copy)
        path.with_name("other").rename(harmed)

    with pytest.raises(StoreError, match="deleted or replaced while it was in use"):
        journal.commit([done("k", token)], owner="me")


def test_a_newer_schema_is_refused_with_the_way_to_update(path: Path, clock: Clock) -> None:
    Journal.open(path, clock=clock).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()

    with pytest.raises(StoreError, match=r"newer Honing \(journal schema 99, this version reads 1\)"):
        Journal.open(path, clock=clock)


def test_a_database_that_is_no_journal_is_refused_and_left_alone(path: Path, clock: Clock) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE theirs (x)")
    database.close()

    with pytest.raises(StoreError, match="a database, but not a journal of Honing"):
        Journal.open(path, clock=clock)


@pytest.mark.parametrize("where", [0, 5000], ids=["no database", "a damaged page"])
def test_a_damaged_journal_is_an_error_with_a_next_step(path: Path, clock: Clock, where: int) -> None:
    with Journal.open(path, clock=clock) as journal:
        keys = [f"{n:050}" for n in range(500)]
        tokens = lease(journal, *keys)
        journal.commit([done(key, tokens[key]) for key in keys], owner="me")
    with path.open("r+b") as file:
        file.seek(where)
        file.write(b"\xee" * 20_000)

    with pytest.raises(StoreError, match="restore it from a copy, or start a new run"):
        Journal.open(path, clock=clock)


def test_a_folder_that_allows_no_shared_memory_file_is_an_error_with_a_next_step(
    path: Path, clock: Clock
) -> None:
    path.with_name("journal.sqlite-shm").mkdir()

    with pytest.raises(StoreError, match="choose a local one with HONING_HOME"):
        Journal.open(path, clock=clock)


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("/home/u/runs/journal.sqlite", "nfs4"),
        ("/home/local/runs/journal.sqlite", None),
        ("/mnt/my share/x", "cifs"),
        ("/homely/x", None),
    ],
)
def test_a_network_file_system_is_recognised_by_its_mount(place: str, kind: str | None) -> None:
    mounts = (
        "/dev/vda / ext4 rw 0 0\nserver:/home /home nfs4 rw 0 0\n"
        "/dev/vdb /home/local ext4 rw 0 0\n//server/s /mnt/my\\040share cifs rw 0 0\nodd line\n"
    )

    assert network_file_system(Path(place), mounts) == kind


def test_threads_share_one_journal(journal: Journal) -> None:
    def work(name: str) -> None:
        for n in range(20):
            key = f"{name}{n}"
            journal.commit([done(key, lease(journal, key)[key])], owner="me")

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert journal.totals().done == 60
