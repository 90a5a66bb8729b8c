"""What a command did is seen from outside: programs, opened files, what it wrote and removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from honing.sandbox import Command, Finished, Mount, Sandbox, Trace, UnconfinedSandbox, choose
from honing.sandbox.traces import Tracer


def run(sandbox: Sandbox, folder: Path, text: str, *, trace: bool = True) -> Finished:
    return sandbox.run(
        Command(
            argv=("bash", "-c", text),
            workdir=folder,
            mounts=(Mount(folder, writable=True),),
            env={"PATH": "/usr/bin:/bin"},
            trace=folder if trace else None,
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "work"
    (made / "data").mkdir(parents=True)
    for name in ("data/gold.txt", "data/other.txt", "old.txt", "kept.txt"):
        (made / name).write_text(name)
    return made


@pytest.fixture(params=["auto", "unconfined"])
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return UnconfinedSandbox() if request.param == "unconfined" else choose("auto")


def test_opened_written_and_removed_files_are_seen(sandbox: Sandbox, folder: Path) -> None:
    text = (
        "cat data/gold.txt; rm old.txt; echo 1 >> kept.txt; mkdir -p new/deep; echo 1 > new/deep/x; sleep 0.2"
    )

    trace = run(sandbox, folder, text).trace

    assert trace is not None
    assert {"data/gold.txt", "kept.txt"} <= set(trace.opened)
    assert "data/other.txt" not in trace.opened
    assert (trace.opened_by, trace.processes_by, trace.incomplete) == ("inotify", "sampling", ())
    assert (trace.added, trace.changed, trace.removed) == (("new/deep/x",), ("kept.txt",), ("old.txt",))


def test_programs_are_seen_with_their_arguments_grandchildren_included(
    sandbox: Sandbox, folder: Path
) -> None:
    trace = run(sandbox, folder, "bash -c 'sleep 1.05; true' & sleep 1.1; wait").trace

    assert trace is not None
    assert ("sleep", "1.05") in trace.processes
    assert ("sleep", "1.1") in trace.processes


def test_a_file_in_a_folder_made_meanwhile_is_watched_too(sandbox: Sandbox, folder: Path) -> None:
    trace = run(sandbox, folder, "mkdir made; echo 1 > made/x; sleep 1; cat made/x").trace

    assert trace is not None
    assert "made/x" in trace.opened


def test_a_time_of_change_cannot_be_faked(sandbox: Sandbox, folder: Path) -> None:
    trace = run(
        sandbox, folder, "cp -p kept.txt s; echo KEPT.TXT | head -c 8 > kept.txt; touch -r s kept.txt"
    ).trace

    assert trace is not None
    assert "kept.txt" in trace.changed


def test_without_being_asked_nothing_is_traced(sandbox: Sandbox, folder: Path) -> None:
    assert run(sandbox, folder, "cat kept.txt", trace=False).trace is None


def test_more_files_than_are_kept_are_counted(tmp_path: Path) -> None:
    tracer = Tracer(tmp_path, os.getpid())
    try:
        for number in range(5010):
            (tmp_path / f"f{number}").write_text("")
            if number % 500 == 0:
                tracer.look()
        trace: Trace = tracer.finish()
    finally:
        tracer.close()

    assert (len(trace.added), len(trace.opened)) == (5000, 5000)
    assert trace.incomplete == ("more than 5000 files were opened", "5010 files changed, 5000 are named")
