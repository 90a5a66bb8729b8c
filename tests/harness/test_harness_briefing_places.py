"""The brief where it meets a sandbox and a workspace: mounts, notes, what an agent left."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from briefed_runs import a_project, a_story, change
from judged_folders import lay_out

from honing.harness.briefing import Brief, Briefing, Taken, place, surroundings_of, take
from honing.harness.gate import left_out
from honing.sandbox import Command, Ending, Mount, Scripted, ScriptedSandbox, choose
from honing.store import TreeStore

KNOWN = ("reads-the-guide-1", "runs-the-tests-2")
NOTES = [
    ".metaharness/INSTRUCTIONS.md",
    ".metaharness/bootstrap/snapshot.json",
    ".metaharness/bootstrap/summary.md",
    ".metaharness/experience/README.md",
    ".metaharness/experience/candidates/c0000/evaluation/search_result.json",
    ".metaharness/experience/candidates/c0000/manifest.json",
    ".metaharness/experience/candidates/c0001/evaluation/search_result.json",
    ".metaharness/experience/candidates/c0001/manifest.json",
    ".metaharness/experience/candidates/c0001/proposal/change_manifest.json",
    ".metaharness/experience/candidates/c0001/proposal/workspace.diff",
    ".metaharness/experience/index.json",
    ".metaharness/experience/parent/manifest.json",
]


@pytest.fixture
def brief(tmp_path: Path) -> Brief:
    """The brief of a project of the predecessor, which has a candidate."""
    story = a_story(tmp_path / "story", a_project(legacy=True))
    (tmp_path / "scratch").mkdir()
    view = story.view(slot=2, up_to=1)
    return Briefing(story.project, story.trees).brief([story.named("c0001")], view, tmp_path / "scratch")


def placed_in(folder: Path, brief: Brief) -> Path:
    lay_out(folder, {"AGENTS.md": "Be brief.\n"})
    place(brief, folder)
    return folder


def test_projects_of_the_predecessor_find_notes_where_they_look_for_them(
    brief: Brief, tmp_path: Path
) -> None:
    workspace = placed_in(tmp_path / "w", brief)

    found = sorted(path.relative_to(workspace).as_posix() for path in workspace.rglob("*") if path.is_file())
    assert found == [*NOTES, "AGENTS.md"]
    assert (workspace / NOTES[0]).read_text() == brief.text
    index = json.loads((workspace / ".metaharness/experience/index.json").read_text())
    assert [one["id"] for one in index["candidates"]] == ["c0000", "c0001"]
    parent = json.loads((workspace / NOTES[-1]).read_text())
    assert (parent["id"], [task["score"] for task in parent["tasks"]]) == ("c0001", [1.0, 0.5])
    assert "write .metaharness/change_manifest.json" in brief.text


def test_notes_are_no_part_of_a_candidate(brief: Brief, tmp_path: Path) -> None:
    store, ignore = TreeStore(tmp_path / "trees"), left_out(a_project().rules)
    plain = store.snapshot(lay_out(tmp_path / "plain", {"AGENTS.md": "Be brief.\n"}), ignore=ignore)

    assert store.snapshot(placed_in(tmp_path / "w", brief), ignore=ignore) == plain


def test_nothing_is_placed_in_other_projects(tmp_path: Path) -> None:
    story = a_story(tmp_path)
    (tmp_path / "scratch").mkdir()

    brief = Briefing(story.project, story.trees).brief(
        [story.named("c0001")], story.view(), tmp_path / "scratch"
    )

    assert dict(brief.placed) == {}


def test_what_an_agent_declared_is_taken_out_and_read(brief: Brief, tmp_path: Path) -> None:
    workspace = placed_in(tmp_path / "w", brief)
    declared = {
        "changes": [{"id": "guide", "description": "Read it", "predicted_fixes": ["runs-the-tests-2"]}]
    }
    lay_out(workspace, {".honing/change_manifest.json": json.dumps(declared)})

    taken = take(brief, workspace, known_tasks=KNOWN)

    assert taken.manifest is not None
    assert [one["predicted_fixes"] for one in taken.manifest["changes"]] == [["runs-the-tests-2"]]
    assert (taken.problem, taken.forged, (workspace / ".honing").exists()) == ("", (), False)


def test_our_folder_stays_where_something_else_lies_in_it(brief: Brief, tmp_path: Path) -> None:
    workspace = placed_in(tmp_path / "w", brief)
    lay_out(workspace, {".honing/change_manifest.json": "{}", ".honing/more": "1"})

    take(brief, workspace, known_tasks=KNOWN)

    assert [path.name for path in (workspace / ".honing").iterdir()] == ["more"]


@pytest.mark.parametrize("how", ["changed", "gone", "a link", "a pipe"])
def test_a_note_that_is_no_longer_what_was_placed_is_named(brief: Brief, tmp_path: Path, how: str) -> None:
    workspace = placed_in(tmp_path / "w", brief)
    note = workspace / ".metaharness/experience/index.json"
    text = note.read_text()
    note.unlink()
    if how == "changed":
        note.write_text(text.replace("keep", "crash"))
    elif how == "a link":
        (workspace / "copy").write_text(text)
        note.symlink_to("../../copy")
    elif how == "a pipe":
        os.mkfifo(note)

    assert take(brief, workspace, known_tasks=KNOWN).forged == (".metaharness/experience/index.json",)


@pytest.mark.parametrize(
    "kind", ["link to a file", "link to the folder", "file for the folder", "folder", "pipe"]
)
def test_a_manifest_that_is_no_plain_file_is_a_problem_and_nothing_is_followed(
    tmp_path: Path, kind: str
) -> None:
    workspace = tmp_path / "w"
    outside = lay_out(tmp_path / "outside", {"change_manifest.json": json.dumps(change())})
    (workspace / ".honing").mkdir(parents=True)
    manifest = workspace / ".honing/change_manifest.json"
    if kind == "link to a file":
        manifest.symlink_to(outside / "change_manifest.json")
    elif kind == "folder":
        manifest.mkdir()
    elif kind == "pipe":
        os.mkfifo(manifest)
    else:
        (workspace / ".honing").rmdir()
        if kind == "link to the folder":
            (workspace / ".honing").symlink_to(outside)
        else:
            (workspace / ".honing").write_text("x")

    taken = take(Brief(text=""), workspace, known_tasks=KNOWN)

    assert (taken.manifest, (outside / "change_manifest.json").exists()) == (None, True)
    assert (taken.problem == "") is (kind == "file for the folder")


def test_an_agent_that_declared_nothing_has_no_problem(tmp_path: Path) -> None:
    assert take(Brief(text=""), lay_out(tmp_path / "w", {}), known_tasks=KNOWN) == Taken(
        manifest=None, problem=""
    )


def test_the_history_can_be_read_in_the_sandbox_and_not_written(brief: Brief, tmp_path: Path) -> None:
    workspace = placed_in(tmp_path / "w", brief)
    text = "wc -l < $HONING_HISTORY/index.jsonl; cat /history/parents/c0001/AGENTS.md; echo x > /history/x"
    command = Command(
        argv=("bash", "-c", text),
        workdir=Path("/workspace"),
        mounts=(Mount(workspace, Path("/workspace"), writable=True), *brief.mounts),
        env={"PATH": "/usr/bin:/bin", **brief.env},
    )

    finished = choose("bubblewrap").run(command)

    assert finished.stdout == "2\nBe brief. Read the guide.\n"
    assert ("Read-only file system" in finished.stderr, (brief.mounts[0].source / "x").exists()) == (
        True,
        False,
    )


def test_the_surroundings_are_looked_at_inside_the_sandbox(tmp_path: Path) -> None:
    found = surroundings_of(choose("bubblewrap"), tmp_path)

    assert found["problem"] == ""
    assert found["platform"].startswith("Linux ")
    assert found["programs"]["bash"].startswith("5")
    assert found["cpus"] >= 1
    assert list(tmp_path.iterdir()) == []


def test_a_look_that_fails_is_said_and_lines_of_others_are_not_taken(tmp_path: Path) -> None:
    strange = "platform Linux x\nprogram rm -rf\nversion git git version 2.1\ncpus many\n"
    answers = (Scripted(ending=Ending.TIMEOUT, exit_code=None), Scripted(stdout=strange))

    timeout, odd = (surroundings_of(ScriptedSandbox({}, default=one), tmp_path) for one in answers)

    assert timeout["problem"] == "the look at the surroundings ended with timeout"
    assert odd == {"platform": "Linux x", "distribution": "", "cpus": 0, "programs": {}, "problem": ""}
