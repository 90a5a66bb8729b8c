"""`hone harness run` and `resume` as a user meets them: exit codes, documents, names, budgets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hone_process import Hone

PROJECT = """\
schema: 1
name: words
objective: Hold both words.
baseline: ./baseline
tasks:
  - {id: first, type: file_phrase, path: prompt.md, required: [first]}
  - {id: second, type: file_phrase, path: prompt.md, required: [second]}
held_out:
  - {id: third, type: file_phrase, path: prompt.md, required: [third]}
agent: {name: scripted}
budget: {proposals: 2}
"""
SCRIPT = """\
- {prompt.md: "first"}
- {prompt.md: "first second third"}
"""


@pytest.fixture
def project(hone: Hone) -> Path:
    folder = hone.folder / "project"
    for name, text in {
        "honing.yaml": PROJECT,
        "baseline/prompt.md": "nothing yet\n",
        "solution/prompt.md": "first second third\n",
        "steps.yaml": SCRIPT,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_solution_is_kept_and_the_code_is_0(hone: Hone, project: Path) -> None:
    ended = hone("harness", "run", str(project), "--run-name", "one", "--json")

    found = json.loads(ended.out)
    assert ended.code == 0
    assert (found["improved"], found["baseline"]["score"], found["winner"]["score"]) == (True, 0.0, 1.0)
    assert found["outcomes"] == {"keep": 3, "no-change": 1}
    assert found["comparisons"]["held_out_gain"]["estimate"] == 1.0
    assert found["run"] == str(hone.runs / "one")
    assert (hone.runs / "one" / "best" / "prompt.md").read_text() == "first second third\n"
    assert Path(found["page"]).is_file()


def test_not_improved_is_code_1(hone: Hone, project: Path) -> None:
    ended = hone("harness", "run", str(project), "--agent", "nop", "--json")

    assert (ended.code, json.loads(ended.out)["improved"]) == (1, False)


def test_a_script_plays_one_entry_a_proposal(hone: Hone, project: Path) -> None:
    agent = f"scripted:{project / 'steps.yaml'}"
    ended = hone("harness", "run", str(project), "--agent", agent, "--control", "none", "--workers", "1")

    assert ended.code == 0
    told = [line for line in ended.err.splitlines() if line.startswith("c000")]
    assert [line.split(":")[0] for line in told] == ["c0001 keep 0.500", "c0002 keep 1.000"]
    assert "c0002: 1.000 as it was selected" in ended.out


def test_the_project_may_be_the_working_directory(hone: Hone, project: Path) -> None:
    inside = Hone.__new__(Hone)
    inside.__dict__.update(hone.__dict__ | {"folder": project})

    ended = inside("harness", "run", "--budget", "1", "--run-name", "here")

    assert ended.code == 0
    assert (project / "runs" / "here" / "ledger.json").is_file()


def test_a_name_that_is_taken_is_refused_or_gone_on_with(hone: Hone, project: Path) -> None:
    run = ("harness", "run", str(project), "--run-name", "one")
    spent = hone(*run, "--task-runs", "2", "--json")
    assert (spent.code, json.loads(spent.out)["ok"], json.loads(spent.out)["run"]) == (
        4,
        False,
        str(hone.runs / "one"),
    )
    assert hone(*run, "--agent", "nop").code == 2
    assert hone(*run).code == 0

    again = hone(*run)
    assert (again.code, "this run is done" in again.err) == (2, True)


def test_resume_goes_on_from_any_folder_and_says_the_result_of_a_run_that_is_done(
    hone: Hone, project: Path
) -> None:
    run = ("harness", "run", str(project), "--run-name", "one", "--budget", "3", "--search", "restarts")
    assert hone(*run, "--task-runs", "2").code == 4

    resumed = hone("harness", "resume", str(hone.runs / "one"), "--task-runs", "100", "--json")
    again = hone("harness", "resume", "one", "--json")

    assert resumed.code == again.code == 0
    assert json.loads(resumed.out) == json.loads(again.out)
    assert json.loads(resumed.out)["outcomes"] == {"keep": 4, "no-change": 2}


def test_runs_resume_repeats_the_command(hone: Hone, project: Path) -> None:
    run = ("harness", "run", str(project), "--run-name", "one")
    assert hone(*run, "--task-runs", "2").code == 4

    # The same command has the same budget, which is spent.
    assert hone("runs", "resume", "one").code == 4


def test_runs_resume_goes_on_where_the_folder_of_runs_lies_now(hone: Hone, project: Path) -> None:
    assert hone("harness", "run", str(project), "--run-name", "one", "--task-runs", "2").code == 4
    moved = hone.runs.rename(hone.folder / "moved")

    ended = hone("--home", str(moved), "runs", "resume", "one")

    assert ended.code == 4
    assert not hone.runs.exists()


def test_runs_resume_refuses_to_go_on_with_another_run_of_the_same_command(hone: Hone, project: Path) -> None:
    run = ("harness", "run", str(project), "--task-runs", "2", "--fresh")
    assert (hone(*run).code, hone(*run).code) == (4, 4)
    older, newer = (run["name"] for run in json.loads(hone("runs", "list", "--json").out))

    refused = hone("runs", "resume", older)

    assert (refused.code, f"hone runs rm {newer}" in refused.err) == (2, True)
    assert hone("runs", "resume", newer).code == 4


def test_a_dry_run_counts_and_writes_nothing(hone: Hone, project: Path) -> None:
    ended = hone(
        *("harness", "run", str(project), "--dry-run", "--json", "--budget", "5", "--token-limit", "1000")
    )

    found = json.loads(ended.out)
    assert ended.code == 0
    assert (found["proposals"], found["task_runs_each"], found["task_runs_at_most"]) == (10, 2, 25)
    assert (found["tokens_at_most"], found["agent"], found["held_out_tasks"]) == (1000, "scripted", 1)
    assert not hone.runs.exists()


def test_runs_of_a_legacy_project_go_to_its_own_folder_unless_another_is_named(
    hone: Hone, project: Path
) -> None:
    legacy = hone.folder / "legacy"
    (legacy / "baseline").mkdir(parents=True)
    (legacy / "solution").mkdir()
    (legacy / "baseline" / "a.md").write_text("x\n")
    (legacy / "solution" / "a.md").write_text("word\n")
    (legacy / "metaharness.json").write_text(
        json.dumps({"objective": "say it", "baseline_dir": "baseline", "tasks_file": "tasks.json"})
    )
    task = {"id": "t", "type": "file_phrase", "path": "a.md", "required_phrases": ["word"], "weight": 1.0}
    (legacy / "tasks.json").write_text(json.dumps([task]))
    run = ("harness", "run", str(legacy), "--agent", "scripted", "--budget", "1", "--run-name", "one")

    assert hone(*run).code == 0
    assert hone("--home", str(hone.folder / "else"), *run).code == 0

    assert (legacy / "runs" / "one" / "ledger.json").is_file()
    assert (hone.folder / "else" / "one" / "ledger.json").is_file()
    listed = hone("--home", str(legacy / "runs"), "runs", "list", "--json")
    assert [entry["name"] for entry in json.loads(listed.out)] == ["one"]


def test_an_unknown_search_agent_or_arm_is_a_usage_error(hone: Hone, project: Path) -> None:
    for option, value, said in (
        ("--search", "gready", "there is no 'gready'; known are greedy"),
        ("--agent", "codexx", "there is no such agent"),
        ("--control", "both", "known are best_of_n, none"),
    ):
        ended = hone("harness", "run", str(project), option, value)
        assert (ended.code, said in ended.err) == (2, True), ended.err


def test_ctrl_c_ends_a_run_with_130_and_the_same_command_goes_on(hone: Hone, project: Path) -> None:
    slow = "import time; time.sleep(0.4)"
    (project / "agent.py").write_text(f"#!/usr/bin/python3\nopen('prompt.md', 'a').write('first'); {slow}\n")
    (project / "agent.py").chmod(0o755)
    words = ("--agent", "command", "--agent-option", "argv=./agent.py", "--run-name", "one", "--budget", "4")
    command = [sys.executable, "-m", "honing", "harness", "run", str(project), *words]
    process = subprocess.Popen(
        command, cwd=hone.folder, env=hone.environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    log, limit = hone.runs / "one" / "evidence.jsonl", time.monotonic() + 60
    while not (log.exists() and log.read_bytes()) and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130, said.decode()
    assert hone("runs", "show", "one", "--json").out.find('"stopped"') > 0
    asked = log.read_text().count('"kind":"agent"')
    resumed = hone("harness", "run", str(project), *words, "--json")
    assert (resumed.code, sum(json.loads(resumed.out)["outcomes"].values())) == (0, 8)
    assert log.read_text().count('"kind":"agent"') == 8
    assert 1 <= asked < 8
