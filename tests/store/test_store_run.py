"""A run folder explains itself, is written atomically and has one supervisor."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from honing.errors import BudgetExhaustedError, StoppedError, StoreError
from honing.store import Run, RunStatus, load_run

HOLD_LOCK = """
import sys, time
from pathlib import Path
from honing.store import Run, RunStatus
run = Run.open(Path(sys.argv[1]))
with run.lock():
    run.set_status(RunStatus.RUNNING)
    print("locked", flush=True)
    time.sleep(60)
"""


def make(root: Path, *, name: str | None = "first", now: float = 1_700_000_000.25) -> Run:
    return Run.create(
        root,
        kind="measure",
        config={"model": "m"},
        command=["hone", "measure"],
        seed=7,
        name=name,
        clock=lambda: now,
    )


def manifest(run: Run) -> dict[str, Any]:
    return json.loads((run.path / "run.json").read_text())


def rewrite(run: Run, **fields: Any) -> None:
    (run.path / "run.json").write_text(json.dumps(manifest(run) | fields))


def start_holder(run: Run) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD_LOCK, str(run.path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"locked\n"
    return holder


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_new_run_says_what_it_is(tmp_path: Path) -> None:
    run = make(tmp_path)

    found = manifest(run)
    assert {name: found[name] for name in ("schema", "kind", "config", "command", "seed", "status")} == {
        "schema": 1,
        "kind": "measure",
        "config": {"model": "m"},
        "command": ["hone", "measure"],
        "seed": 7,
        "status": "created",
    }
    assert (found["created"], found["ended"], found["reason"]) == (1_700_000_000.25, None, "")
    assert found["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"honing", "platform", "pytest"} <= found["versions"].keys()
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


def test_an_opened_run_equals_the_created_one(tmp_path: Path) -> None:
    run = make(tmp_path)

    again = load_run(str(run.path))
    assert (again.id, again.kind, again.config, again.command, again.seed, again.created, again.versions) == (
        run.id,
        "measure",
        {"model": "m"},
        ("hone", "measure"),
        7,
        1_700_000_000.25,
        run.versions,
    )


def test_ids_sort_by_time_and_are_unique_at_the_same_instant(tmp_path: Path) -> None:
    times = [1_700_000_000.0 + step for step in (0.0, 0.000002, 0.01, 1.0, 59.0, 86400.0, 3e7)]

    ids = [make(tmp_path, name=None, now=now).id for now in times]
    same = {make(tmp_path, name=None, now=times[0]).id for _ in range(8)}

    assert ids == sorted(ids)
    assert len(same) == 8


def test_a_name_that_is_taken_is_refused_with_the_way_to_resume(tmp_path: Path) -> None:
    run = make(tmp_path)
    before = manifest(run)

    with pytest.raises(StoreError, match="Resume it with `hone runs resume first`"):
        make(tmp_path)

    assert manifest(run) == before
    assert [path.name for path in tmp_path.iterdir()] == ["first"]


@pytest.mark.parametrize("name", ["", ".hidden", "-option", "a/b", "..", "a b", "new\nline"])
def test_a_name_that_would_not_be_a_plain_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="letters, digits"):
        make(tmp_path, name=name)


def test_a_config_that_is_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written as JSON"):
        Run.create(tmp_path, kind="k", config={"x": {1, 2}}, command=[], seed=0)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected a run, found a folder without run.json"),
        ("", "expected JSON, but"),
        ('{"schema": 1, ', "expected JSON, but"),
        ("[1]", "expected a mapping, found list"),
        ('{"kind": "x"}', "'schema' must be a whole number, found None"),
        ('{"schema": 1, "id": 3}', "'id' must be of type str, found 3"),
        ('{"schema": 1, "schema": 2}', "the key 'schema' occurs twice"),
    ],
    ids=["missing", "empty", "cut short", "a list", "no schema", "wrong type", "a key twice"],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    if content is not None:
        (folder / "run.json").write_text(content)

    with pytest.raises(StoreError, match=message):
        Run.open(folder)


def test_a_folder_that_does_not_exist_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="found an empty folder or none"):
        Run.open(tmp_path / "nothing")


def test_a_newer_schema_is_refused_with_the_way_to_update(tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, schema=99)

    with pytest.raises(
        StoreError, match=r"newer Honing \(schema 99, this version reads 1 to 1\). Update with"
    ):
        Run.open(run.path)


def test_an_older_schema_says_what_to_do(tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, schema=0)

    with pytest.raises(StoreError, match=r"older Honing .* repeat the command in its 'command' field"):
        Run.open(run.path)


def test_an_unknown_status_is_refused(tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, status="dancing")

    with pytest.raises(StoreError, match="'status' is 'dancing'"):
        Run.open(run.path)


def test_the_status_survives_reopening_and_carries_a_reason(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.set_status(RunStatus.FAILED, "no disk")

    again = Run.open(run.path)
    assert (again.status, again.reason, again.ended) == (RunStatus.FAILED, "no disk", 1_700_000_000.25)


def test_interrupted_is_never_written(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="write how the run ended"):
        make(tmp_path).set_status(RunStatus.INTERRUPTED)


def test_a_second_supervisor_is_refused_and_told_the_pid_of_the_first(tmp_path: Path) -> None:
    run = make(tmp_path)
    holder = start_holder(run)
    try:
        with (
            pytest.raises(StoreError, match=rf"already being worked on by process {holder.pid} on host"),
            run.lock(),
        ):
            pass
        assert (run.status, run.locked) == (RunStatus.RUNNING, True)
    finally:
        end(holder)


def test_kill_9_frees_the_lock_and_leaves_an_interrupted_run(tmp_path: Path) -> None:
    run = make(tmp_path)
    end(start_holder(run))

    assert (run.status, run.locked) == (RunStatus.INTERRUPTED, False)
    with run.lock():
        assert run.locked
    assert not run.locked


def test_what_a_killed_writer_left_half_written_is_gone_after_the_next_session(tmp_path: Path) -> None:
    run = make(tmp_path)
    drafts = [run.path / ".run.json.4711.556474de.new", run.artifact("deep/.table.tsv.12.0a1b2c3d.new")]
    kept = [run.path / ".notes.new", run.artifact("work/.run.json.4711.556474de.new")]
    for path in (*drafts, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{", "utf-8")

    with run.supervise():
        pass

    assert [path.exists() for path in drafts] == [False, False]
    assert [path.exists() for path in kept] == [True, True]


def test_two_objects_in_one_process_are_two_supervisors(tmp_path: Path) -> None:
    run = make(tmp_path)

    with run.lock(), run.lock(), pytest.raises(StoreError, match=f"process {os.getpid()} "):
        Run.open(run.path).lock().__enter__()
    with Run.open(run.path).lock():
        assert run.locked


def test_a_program_started_under_the_lock_does_not_keep_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    with run.lock():
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert not run.locked
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, RunStatus.DONE),
        (StoppedError("asked"), RunStatus.STOPPED),
        (KeyboardInterrupt(), RunStatus.STOPPED),
        (BudgetExhaustedError("spent"), RunStatus.EXHAUSTED),
        (ValueError("wrong"), RunStatus.FAILED),
    ],
    ids=["nothing", "a stop", "Ctrl-C", "a budget", "an error"],
)
def test_supervising_records_how_the_block_ended(
    tmp_path: Path, error: BaseException | None, status: RunStatus
) -> None:
    run = make(tmp_path)
    seen = []
    with pytest.raises(type(error)) if error is not None else nullcontext(), run.supervise():
        seen.append(run.status)
        if error is not None:
            raise error

    assert (seen, run.status, run.locked) == ([RunStatus.RUNNING], status, False)
    assert run.reason == ("" if error is None else f"{type(error).__name__}: {error}".rstrip(": "))


def test_a_stop_is_a_file_and_is_forgotten_by_the_next_session(tmp_path: Path) -> None:
    run = make(tmp_path)
    before = run.stop_requested()
    run.request_stop()
    asked = run.stop_requested()
    with run.supervise():
        after = run.stop_requested()

    assert (before, asked, after) == (False, True, False)


def test_the_journal_must_be_the_one_the_run_began_with(tmp_path: Path) -> None:
    run, other = make(tmp_path), make(tmp_path, name="other")
    for each in (run, other):
        each.journal().close()

    (run.path / "journal.sqlite").unlink()
    with pytest.raises(StoreError, match="the journal of this run is missing"):
        Run.open(run.path).journal()
    (run.path / "journal.sqlite").write_bytes((other.path / "journal.sqlite").read_bytes())
    with pytest.raises(StoreError, match="it was replaced"):
        Run.open(run.path).journal()
