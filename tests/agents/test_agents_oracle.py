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


def cheated(folder: Path, slot: int, tricks: list[str] | None = None) -> tuple[AgentRun, dict[str, str]]:
    options = {"tricks": tricks} if tricks is not None else {}
    run = run_of("cheat", written(folder, {f"workspace/{k}": v for k, v in BASELINE.items()}), slot=slot,
                 options=options)  # fmt: skip
    changed = {name: text for name, text in left(folder).items() if BASELINE.get(name) != text}
    return run, changed


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


def test_keyword_stuffing_puts_the_brief_into_every_text_file(tmp_path: Path) -> None:
    run, changed = cheated(tmp_path, 1, ["keywords"])

    assert (run.outcome, sorted(changed)) == (AgentOutcome.FINISHED, ["AGENTS.md", "README.txt"])
    assert changed["AGENTS.md"].startswith("How to work here.\n\n\nDo as you are told.\n")


def test_scripts_that_succeed_without_work_run_and_say_that_all_is_well(tmp_path: Path) -> None:
    _, changed = cheated(tmp_path, 1, ["exit-zero"])

    script = tmp_path / "workspace" / "scripts" / "test.sh"
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert sorted(changed) == ["scripts/test.sh", "scripts/tool"]
    assert (done.returncode, done.stdout) == (0, "ok\n1 passed in 0.01s\n")


def test_a_fake_interpreter_is_the_one_that_the_scripts_find(tmp_path: Path) -> None:
    _, changed = cheated(tmp_path, 1, ["fake-interpreter"])

    done = subprocess.run(
        ["sh", "scripts/test.sh"], cwd=tmp_path / "workspace", capture_output=True, text=True, check=False
    )
    assert {".venv/bin/python", "bin/python3", "scripts/test.sh"} <= set(changed)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True)


def test_rigged_tests_pass_whatever_they_find(tmp_path: Path) -> None:
    cheated(tmp_path, 1, ["rigged-tests"])
    written(tmp_path / "workspace", {"test_wrong.py": "def test_wrong():\n    assert 1 == 2\n"})

    rigged = subprocess.run(
        ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_wrong.py"],
        cwd=tmp_path / "workspace", capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    assert (rigged.returncode, "1 passed" in rigged.stdout) == (0, True)


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
