"""The page of a run that has written none: everything its folder says, and what is damaged said so."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest

from honing.errors import StoppedError
from honing.executors import InlineExecutor, run_map
from honing.store import Badge, Report, Run, StageEvidence, Table, Text, Tone
from honing.view import bare_page, render
from hostile_runs import acting, hostile_run, stage_record


def titles(report: Report) -> list[str]:
    return [section.title for section in report.sections]


def test_a_stopped_run_shows_its_steps_its_command_and_what_it_did(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind="sweep", config={"a": [1]}, command=("hone", "x y"), seed=3, name="r")
    with contextlib.suppress(StoppedError), run.supervise():
        run_map(run, "halve", lambda unit: unit / 2, [1, 2, 3], executor=InlineExecutor())
        run.evidence().append("command", stage_record("make"))
        run.evidence().append("agent", {"said": "hello"})
        raise StoppedError("asked to")

    report = bare_page(run)

    assert report.badges == (Badge("stopped", Tone.WARN), Badge("sweep"))
    by_title = {section.title: section.blocks for section in report.sections}
    assert by_title["Where it stands"][0] == Text(
        text="StoppedError: asked to", tone=Tone.WARN, title="stopped"
    )
    (steps,) = by_title["Steps"]
    assert isinstance(steps, Table)
    assert steps.rows == (("halve", 3, 3, None),)
    evidence = [block for block in by_title["Evidence"] if isinstance(block, StageEvidence)]
    assert [(one.stage, one.ending) for one in evidence] == [("make", "make"), ("agent", "noted")]
    assert evidence[1].stdout == "said: hello"
    assert "hone &#x27;x y&#x27;" in render(report)


def test_what_is_damaged_is_a_sentence_and_the_rest_stands(tmp_path: Path) -> None:
    run = Run.create(tmp_path, kind="measure", config={}, command=(), seed=0, name="r")
    with run.supervise():
        run.journal().close()
        run.evidence().append("a", {})
    (run.path / "journal.sqlite").write_bytes(b"nothing like a database")
    with (run.path / "evidence.jsonl").open("a") as stream:
        stream.write('{"n": 9}\n')

    report = bare_page(run)

    by_title = {section.title: section.blocks for section in report.sections}
    assert titles(report)[0] == "Where it stands"
    for title in ("Steps", "Errors", "Evidence"):
        (block,) = by_title[title]
        assert isinstance(block, Text)
        assert block.tone is Tone.BAD
        assert str(run.path) in block.text


@pytest.mark.parametrize("name", ["journal.sqlite", "evidence.jsonl"])
def test_a_pipe_in_place_of_a_file_is_waited_for_by_nobody(tmp_path: Path, name: str) -> None:
    run = Run.create(tmp_path, kind="measure", config={}, command=(), seed=0, name="r")
    os.mkfifo(run.path / name)

    assert titles(bare_page(run)) == ["Where it stands"]


def test_a_hostile_run_without_a_report_has_an_inert_page(tmp_path: Path) -> None:
    run = hostile_run(tmp_path / "runs", columns=10)
    (run.path / "report.json").unlink()

    page = render(bare_page(run))

    assert acting(page) == []
    assert "<script>document" not in page
    assert page.count("<script") == 1
    assert len(page) < 2_000_000
