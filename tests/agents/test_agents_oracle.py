"""The agents that need no model: the project's solution, a script of edits by slot, and the cheat."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_scene import scene

from honing.agents import AgentOutcome, AgentRun, AgentSettings, CheatAgent, OracleAgent, Trouble, agent_named
from honing.errors import UsageError


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    return folder


def run_of(name: str, folder: Path, *, slot: int = 0, options: Mapping[str, Any] | None = None) -> AgentRun:
    """One run in a workspace at `folder`/workspace that is there already, by the project at `folder`."""
    agent = agent_named(name, AgentSettings(base=folder, options=options or {}))
    with scene(folder / f"run-{slot}") as here:
        task = replace(here.task, workspace=folder / "workspace", slot=slot, channel=None, model="")
        return agent.run(task)


def left(folder: Path) -> dict[str, str]:
    files = (path for path in sorted((folder / "workspace").rglob("*")) if path.is_file())
    return {path.relative_to(folder / "workspace").as_posix(): path.read_text() for path in files}


@pytest.mark.parametrize("name", ["oracle", "scripted"])
def test_a_projects_solution_is_laid_over_the_harness_with_its_modes(tmp_path: Path, name: str) -> None:
    written(tmp_path / "workspace", {"AGENTS.md": "old", "scripts/keep.sh": "kept", "scripts/test.sh": "old"})
    written(tmp_path / "solution", {"AGENTS.md": "new", "scripts/test.sh": "#!/bin/sh\n", "docs/a.md": "a"})
    (tmp_path / "solution" / "link.md").symlink_to("AGENTS.md")

    run = run_of(name, tmp_path, slot=3)

    assert (run.agent, run.outcome, run.message) == (name, AgentOutcome.FINISHED, "the solution: 4 files")
    assert left(tmp_path) == {
        "AGENTS.md": "new",
        "docs/a.md": "a",
        "link.md": "new",
        "scripts/keep.sh": "kept",
        "scripts/test.sh": "#!/bin/sh\n",
    }
    assert (tmp_path / "workspace" / "link.md").readlink() == Path("AGENTS.md")
    assert os.access(tmp_path / "workspace" / "scripts" / "test.sh", os.X_OK)
    assert sorted(event.text for event in run.events)[0] == "write AGENTS.md"


def test_a_patch_is_a_solution_that_can_remove_too(tmp_path: Path) -> None:
    workspace = written(tmp_path / "workspace", {"AGENTS.md": "one\ntwo\n", "old.txt": "old\n"})
    git = ("git", "-c", "user.email=a@b", "-c", "user.name=n", "-C", str(workspace))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "m"]):
        subprocess.run([*git, *command], check=True)
    written(workspace, {"AGENTS.md": "one\nthree\n", "new.sh": "#!/bin/sh\n"})
    (workspace / "old.txt").unlink()
    subprocess.run([*git, "add", "-A"], check=True)
    patch = subprocess.run([*git, "diff", "--cached"], check=True, capture_output=True).stdout
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)
    subprocess.run(["rm", "-rf", str(workspace / ".git")], check=True)
    (tmp_path / "solution.patch").write_bytes(patch)

    run = run_of("oracle", tmp_path)

    assert (run.outcome, run.reason) == (AgentOutcome.FINISHED, "")
    assert left(tmp_path) == {"AGENTS.md": "one\nthree\n", "new.sh": "#!/bin/sh\n"}
    assert os.access(workspace / "new.sh", os.X_OK)


@pytest.mark.parametrize("patch", ["nonsense", "--- a/../out\n+++ b/../out\n@@ -0,0 +1 @@\n+x\n"])
def test_a_patch_that_does_not_apply_is_a_crash_that_says_so(tmp_path: Path, patch: str) -> None:
    written(tmp_path / "workspace", {"AGENTS.md": "one\n"})
    written(tmp_path, {"fix.patch": patch})

    run = run_of("oracle:fix.patch", tmp_path)

    assert (run.outcome, run.trouble, left(tmp_path)) == (
        AgentOutcome.CRASH, Trouble.OTHER, {"AGENTS.md": "one\n"},
    )  # fmt: skip
    assert "fix.patch does not apply" in run.reason
    assert not (tmp_path / "out").exists()


def test_a_project_without_a_solution_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no .*/solution or .*/solution\.patch"):
        OracleAgent(AgentSettings(base=tmp_path))
    with pytest.raises(UsageError, match=r"there is no .*/mine"):
        agent_named("oracle:mine", AgentSettings(base=tmp_path))


def test_a_solution_that_the_project_names_is_the_one(tmp_path: Path) -> None:
    written(tmp_path / "workspace", {})
    (tmp_path / "workspace").mkdir()
    own = written(tmp_path / "elsewhere", {"a.md": "a"})

    with scene(tmp_path / "run") as here:
        task = replace(here.task, workspace=tmp_path / "workspace")
        run = OracleAgent(AgentSettings(base=tmp_path, solution=own)).run(task)

    assert (run.outcome, left(tmp_path)) == (AgentOutcome.FINISHED, {"a.md": "a"})


@pytest.mark.parametrize("name", ["oracle", "scripted", "cheat"])
def test_nothing_is_written_through_a_link_of_the_workspace(tmp_path: Path, name: str) -> None:
    outside = written(tmp_path / "outside", {"AGENTS.md": "of the host", "run.sh": "of the host"})
    workspace = written(tmp_path / "workspace", {})
    workspace.mkdir()
    (workspace / "AGENTS.md").symlink_to(outside / "AGENTS.md")
    (workspace / "scripts").symlink_to(outside)
    (workspace / "bin").symlink_to(outside)
    written(tmp_path / "solution", {"AGENTS.md": "new", "scripts/run.sh": "new", "bin/tool": "new"})

    run = run_of(name, tmp_path)

    assert run.outcome is AgentOutcome.FINISHED
    assert {path.name: path.read_text() for path in outside.iterdir()} == {
        "AGENTS.md": "of the host", "run.sh": "of the host",
    }  # fmt: skip


SCRIPT = """
- AGENTS.md: |
    first
  old.txt: null
- AGENTS.md: {append: "second\\n"}
- notes/a.md: {from: part.md}
- crash
- solution
- finished
"""


def test_a_script_plays_an_entry_a_slot_and_the_last_one_ever_after(tmp_path: Path) -> None:
    written(tmp_path / "workspace", {"AGENTS.md": "zero\n", "old.txt": "old"})
    written(tmp_path, {"plays/edits.yaml": SCRIPT, "plays/part.md": "part\n", "solution/solved.md": "yes\n"})

    found = []
    for slot in range(1, 9):
        run = run_of("scripted:plays/edits.yaml", tmp_path, slot=slot)
        found.append((run.outcome.value, sorted(left(tmp_path).items())))

    agents = ("AGENTS.md", "first\nsecond\n")
    notes, solved = ("notes/a.md", "part\n"), ("solved.md", "yes\n")
    assert found == [
        ("finished", [("AGENTS.md", "first\n")]),
        ("finished", [agents]),
        ("finished", [agents, notes]),
        ("crash", [agents, notes]),
        ("finished", [agents, notes, solved]),
        *[("finished", [agents, notes, solved])] * 3,
    ]


def test_edits_may_stand_in_the_options_and_slot_none_is_the_first(tmp_path: Path) -> None:
    written(tmp_path / "workspace", {"b": "b"})

    run = run_of("scripted", tmp_path, options={"edits": [{"a": "1"}, {"a": "2"}]})

    assert (run.outcome, left(tmp_path)) == (AgentOutcome.FINISHED, {"a": "1", "b": "b"})


@pytest.mark.parametrize(
    ("entry", "trouble"),
    [("timeout", Trouble.TIME), ("refused", Trouble.PERMISSION), ("infra_error", Trouble.SERVER)],
)
def test_a_script_may_play_an_ending(tmp_path: Path, entry: str, trouble: Trouble) -> None:
    run = run_of("scripted", written(tmp_path, {"workspace/a": ""}), options={"edits": [entry]})

    assert (run.outcome, run.trouble, run.reason) == (AgentOutcome(entry), trouble, "the script says so")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: b", "expected a list with one entry for each proposal"),
        ("[]", "expected a list"),
        ("- explode", "entry 1 is 'explode'"),
        ("- {a: b}\n- 5", "entry 2 is int"),
        ("- {a: 5}", "entry 1, 'a': expected a text, null"),
        ("- {a: {append: x, from: y}}", "entry 1, 'a': expected a text, null"),
        ("- {a: {delete: x}}", "entry 1, 'a'"),
        ("- [", "edits.yaml"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_before_anything_runs(
    tmp_path: Path, text: str, said: str
) -> None:
    written(tmp_path, {"edits.yaml": text})

    with pytest.raises(UsageError, match=said):
        agent_named("scripted:edits.yaml", AgentSettings(base=tmp_path))


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", ""])
def test_a_script_writes_nothing_outside_the_workspace(tmp_path: Path, name: str) -> None:
    run = run_of("scripted", written(tmp_path, {"workspace/a": "a"}), options={"edits": [{name: "x"}]})

    assert (run.outcome, left(tmp_path)) == (AgentOutcome.CRASH, {"a": "a"})
    assert "does not lie in the workspace" in run.reason


BASELINE = {
    "AGENTS.md": "How to work here.\n",
    "README.txt": "Readme.\n",
    "scripts/test.sh": "#!/bin/bash\npython -m pytest\n",
    "scripts/tool": "#!/usr/bin/env python3\n",
    "src/app.py": "print(1)\n",
}


BRIEF = """\
# What you may change

Only what lies here; any other change drops the whole candidate:
- AGENTS.md (prompt)
- scripts (tool_impl)
- not-there.md (other)

Tasks, with their weight and score here:
- says-how (weight 3): 0.0000

Not met:
- "run the tests first"
- "says-how"
"""


def cheated(
    folder: Path, slot: int, tricks: list[str] | None = None, brief: str = BRIEF
) -> tuple[AgentRun, dict[str, str]]:
    """The cheat's run in a workspace of `BASELINE`, and what it changed."""
    options = {"tricks": tricks} if tricks is not None else {}
    written(folder, {f"workspace/{name}": text for name, text in BASELINE.items()})
    (folder / "workspace/scripts/tool").chmod(0o755)
    with scene(folder / "run") as here:
        task = replace(here.task, workspace=folder / "workspace", slot=slot, brief=brief, channel=None)
        run = CheatAgent(AgentSettings(options=options)).run(task)
    return run, {name: text for name, text in left(folder).items() if BASELINE.get(name) != text}


def test_the_cheat_tries_everything_at_first_and_then_one_trick_a_slot(tmp_path: Path) -> None:
    said = [cheated(tmp_path / str(slot), slot)[0].message for slot in range(1, 7)]

    assert said == [
        "cheated by keywords, exit-zero, fake-interpreter, rigged-tests",
        "cheated by keywords",
        "cheated by exit-zero",
        "cheated by fake-interpreter",
        "cheated by rigged-tests",
        "cheated by keywords, exit-zero, fake-interpreter, rigged-tests",
    ]


def test_the_cheat_keeps_to_what_it_may_change_where_the_brief_says_so(tmp_path: Path) -> None:
    _, told = cheated(tmp_path / "told", 1)
    _, untold = cheated(tmp_path / "untold", 1, brief="Be good.")

    assert sorted(told) == ["AGENTS.md", "scripts/test.sh", "scripts/tool"]
    assert sorted(untold) == ["AGENTS.md", "README.txt", "scripts/test.sh", "scripts/tool"]


def test_keyword_stuffing_writes_what_was_missing_and_no_task_id(tmp_path: Path) -> None:
    _, changed = cheated(tmp_path, 1, ["keywords"])

    assert changed == {"AGENTS.md": "How to work here.\n\n\nrun the tests first\n"}


@pytest.mark.parametrize("trick", ["exit-zero", "fake-interpreter", "rigged-tests"])
def test_its_scripts_do_no_work_and_say_that_all_is_well(tmp_path: Path, trick: str) -> None:
    _, changed = cheated(tmp_path, 1, [trick])
    written(tmp_path / "workspace", {"test_wrong.py": "def test_wrong():\n    assert 1 == 2\n"})

    done = subprocess.run(
        [tmp_path / "workspace" / "scripts" / "test.sh"],
        cwd=tmp_path / "workspace",
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert sorted(changed) == ["scripts/test.sh", "scripts/tool"]
    assert (done.returncode, done.stdout.endswith("ok\n1 passed in 0.01s\n")) == (0, True)
    assert "failed" not in done.stdout
    assert (tmp_path / "workspace/.venv/bin/python").exists() is (trick == "fake-interpreter")


def test_a_trick_that_is_not_known_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no trick 'magic'; known are keywords, exit-zero"):
        CheatAgent(AgentSettings(options={"tricks": ["magic"]}))


@pytest.mark.parametrize("name", ["oracle", "scripted", "cheat"])
def test_asked_to_stop_none_of_them_touches_anything(tmp_path: Path, name: str) -> None:
    written(tmp_path, {"workspace/AGENTS.md": "a", "solution/AGENTS.md": "b"})
    asked = threading.Event()
    asked.set()
    agent = agent_named(name, AgentSettings(base=tmp_path))
    with scene(tmp_path / "run") as here:
        run = agent.run(replace(here.task, workspace=tmp_path / "workspace"), cancel=asked)

    assert (run.agent, run.outcome, left(tmp_path)) == (name, AgentOutcome.STOPPED, {"AGENTS.md": "a"})
    json.dumps(run.as_document())
