"""Evidence is append-only, survives crashes, and shows every later change."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from honing.errors import EvidenceError, StoreError
from honing.store import DamageKind, Evidence, Record, verify

APPEND_UNTIL_KILLED = """
import sys
from pathlib import Path
from honing.store import Evidence
evidence = Evidence(Path(sys.argv[1]))
while True:
    print(evidence.append("beat", {"pad": "x" * 2000}).n, flush=True)
"""

APPEND_FIFTY = """
import sys
from pathlib import Path
from honing.store import Evidence
evidence = Evidence(Path(sys.argv[1]))
for n in range(50):
    evidence.append("row", {"who": sys.argv[2], "n": n}, sync=False)
"""

APPEND_WITH_A_SMALL_LIMIT = """
import resource, sys
from pathlib import Path
from honing.errors import StoreError
from honing.store import Evidence
path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, path.stat().st_size + 100))
try:
    Evidence(path).append("row", {"pad": "y" * 1000})
except StoreError as error:
    print(error)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evidence.jsonl"


def fill(path: Path, count: int = 5) -> list[bytes]:
    evidence = Evidence(path, clock=lambda: 12.5)
    evidence.append_batch([("row", {"n": n}) for n in range(count)])
    return path.read_bytes().splitlines(keepends=True)


def kinds(path: Path) -> list[tuple[int, DamageKind]]:
    return [(damage.line, damage.kind) for damage in verify(path).damage]


def test_what_was_appended_is_read_back(path: Path) -> None:
    evidence = Evidence(path, clock=lambda: 12.5)
    evidence.append("stage", {"ok": True})
    evidence.append("text", "é\udc80")

    assert list(Evidence(path).read()) == [
        Record(n=1, kind="stage", time=12.5, body={"ok": True}),
        Record(n=2, kind="text", time=12.5, body="é\udc80"),
    ]
    assert (verify(path).records, verify(path).ok, verify(path).torn) == (2, True, False)


def test_a_missing_or_empty_file_holds_no_evidence_and_no_damage(path: Path) -> None:
    missing = verify(path)
    path.touch()

    assert (missing.records, missing.ok, missing.torn) == (0, True, False)
    assert (verify(path).records, verify(path).ok, verify(path).torn) == (0, True, False)
    assert list(Evidence(path).read()) == []


def test_the_chain_goes_on_in_another_object(path: Path) -> None:
    fill(path, 2)
    record = Evidence(path).append("row", {})

    assert (record.n, verify(path).records, verify(path).ok) == (3, 3, True)


def swap(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def forge(lines: list[bytes]) -> list[bytes]:
    """Change a record and give it a fitting checksum."""
    from honing.store import digest

    fields = json.loads(lines[2])
    fields.pop("sum")
    fields["body"] = {"n": 99}
    return [*lines[:2], json.dumps({**fields, "sum": digest(fields)}).encode() + b"\n", *lines[3:]]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda lines: [lines[0], lines[1].replace(b'"n":1}', b'"n":7}'), *lines[2:]],
            [(2, DamageKind.BAD_CHECKSUM)],
        ),
        (lambda lines: [*lines[:4], lines[4].replace(b'"n":4}', b'"n":7}')], [(5, DamageKind.BAD_CHECKSUM)]),
        (lambda lines: [lines[0], *lines[2:]], [(2, DamageKind.MISSING)]),
        (lambda lines: lines[1:], [(1, DamageKind.MISSING)]),
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], [(3, DamageKind.DUPLICATE)]),
        (swap, [(2, DamageKind.MISSING), (3, DamageKind.REORDERED)]),
        (forge, [(4, DamageKind.BROKEN_CHAIN)]),
        (lambda lines: [lines[0], b"{broken\n", *lines[2:]], [(2, DamageKind.UNREADABLE)]),
        (lambda lines: [lines[0], b"[1]\n", *lines[2:]], [(2, DamageKind.UNREADABLE)]),
        (lambda lines: [lines[0], b"\xff\xfe\n", *lines[2:]], [(2, DamageKind.UNREADABLE)]),
    ],
    ids=[
        "changed",
        "last changed",
        "removed",
        "first removed",
        "repeated",
        "swapped",
        "forged",
        "no JSON",
        "no record",
        "no text",
    ],
)
def test_every_later_change_is_named_by_record_and_kind(
    path: Path, change: Callable[[list[bytes]], list[bytes]], expected: list[tuple[int, DamageKind]]
) -> None:
    lines = fill(path)
    path.write_bytes(b"".join(change(lines)))

    assert kinds(path) == expected
    with pytest.raises(EvidenceError, match=f"record {expected[0][0]}: {expected[0][1].value}"):
        list(Evidence(path).read())


def test_records_removed_at_the_end_show_in_the_head(path: Path) -> None:
    lines = fill(path)
    head = verify(path).head
    path.write_bytes(b"".join(lines[:-1]))

    assert verify(path).ok
    assert verify(path).head != head


def test_nothing_is_appended_after_a_damaged_last_record(path: Path) -> None:
    lines = fill(path)
    path.write_bytes(b"".join(lines[:-1]) + b"garbage\n")

    with pytest.raises(EvidenceError, match="the last record is damaged"):
        Evidence(path).append("row", {})


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_no_damage_and_the_next_append_repairs_it(path: Path, cut: int) -> None:
    lines = fill(path, 3)
    path.write_bytes(b"".join(lines)[:-cut])

    torn = verify(path)
    Evidence(path).append("row", {"after": True})

    assert (torn.records, torn.ok, torn.torn) == (2, True, True)
    assert [(r.n, r.kind, r.body) for r in Evidence(path).read()] == [
        (1, "row", {"n": 0}),
        (2, "row", {"n": 1}),
        (3, "repair", {"removed_bytes": len(lines[2]) - cut}),
        (4, "row", {"after": True}),
    ]
    assert verify(path).ok


def test_a_file_that_holds_only_a_torn_line_is_repaired(path: Path) -> None:
    path.write_bytes(b'{"n": 1, "ki')
    Evidence(path).append("row", {})

    assert [(r.n, r.kind) for r in Evidence(path).read()] == [(1, "repair"), (2, "row")]


def test_a_large_body_lies_in_a_blob_and_its_record_stays_small(path: Path) -> None:
    body = {"text": "x" * 300_000}
    Evidence(path).append("big", body)

    assert max(len(line) for line in path.read_bytes().splitlines()) < 1000
    assert [r.body for r in Evidence(path).read()] == [body]
    assert len(list((path.parent / "blobs").iterdir())) == 1


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_a_harmed_blob_is_found(path: Path, harm: str) -> None:
    evidence = Evidence(path)
    evidence.append("big", "x" * 100_000)
    blob = next((path.parent / "blobs").iterdir())
    if harm == "change":
        blob.write_bytes(b"y")
    else:
        blob.unlink()

    assert kinds(path) == [(1, DamageKind.BAD_BLOB)]


def test_no_record_reaches_64_kib(path: Path) -> None:
    evidence = Evidence(path)
    for size in range(40_000, 60_000, 1000):
        evidence.append("x", "ü" * (size // 2))

    assert max(len(line) for line in path.read_bytes().splitlines(keepends=True)) < 64 * 1024
    assert verify(path).ok


def test_what_is_not_json_is_refused_and_leaves_the_file_alone(path: Path) -> None:
    before = b"".join(fill(path))

    with pytest.raises(StoreError, match="cannot be written as JSON"):
        Evidence(path).append("x", float("nan"))
    assert path.read_bytes() == before


def test_a_full_disk_is_an_error_and_leaves_no_part_of_a_record(path: Path) -> None:
    before = b"".join(fill(path))

    done = subprocess.run(
        [sys.executable, "-c", APPEND_WITH_A_SMALL_LIMIT, str(path)], capture_output=True, text=True
    )

    assert "evidence.jsonl: cannot write: File too large" in done.stdout
    assert path.read_bytes() == before


def test_kill_9_never_loses_what_was_acknowledged(path: Path) -> None:
    order = random.Random(5)
    acknowledged = 0
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", APPEND_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        for _ in range(order.randrange(1, 30)):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        acknowledged = int(rest[-1]) if rest else acknowledged
        writer.wait()
        writer.stdout.close()
        # A cut at a random byte of what nobody was told about is what a crash may leave behind.
        with path.open("r+b") as file:
            lines = path.read_bytes().splitlines(keepends=True)
            if len(lines) > acknowledged:
                file.truncate(path.stat().st_size - order.randrange(1, len(lines[-1])))

        assert verify(path).ok
        assert verify(path).records >= acknowledged


def test_several_processes_and_threads_make_one_chain(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", APPEND_FIFTY, str(path), str(n)]) for n in range(2)]
    evidence = Evidence(path)
    threads = [
        threading.Thread(
            target=lambda n=n: [evidence.append("row", {"who": n, "n": i}, sync=False) for i in range(50)]
        )
        for n in ("a", "b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    codes = [writer.wait() for writer in writers]

    found = [(record.body["who"], record.body["n"]) for record in Evidence(path).read()]
    assert codes == [0, 0]
    assert verify(path).records == 200
    assert sorted(found) == sorted((who, n) for who in ("0", "1", "a", "b") for n in range(50))
