"""A local folder or archive as a target, and what is noted of any target."""

from __future__ import annotations

import os
import re
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from target_sources import Source

from honing.contract import AGENT_FILES, TargetKind, agent_files, resolve
from honing.contract.target import IGNORED
from honing.contract.targets.base import is_agent_file
from honing.store import TreeStore


def test_a_folder_is_copied_and_needs_no_options(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "test.jsonl").write_text("{}\n")
    (folder / "__pycache__" / "x.pyc").write_text("x")

    target = resolve(folder, TreeStore(tmp_path / "trees"))

    assert (target.kind, target.files, target.bytes, target.name) == (TargetKind.FOLDER, 1, 3, "data")
    assert (target.address, target.revision, target.commit) == (str(folder), "", "")
    assert target.details == {"agent_files": []}
    assert not (tmp_path / "cache").exists()
    assert "__pycache__" in IGNORED


def test_the_folder_of_runs_is_left_out_where_it_lies_inside(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "x").write_text("x")
    (tmp_path / "a.txt").write_text("a")

    assert resolve(tmp_path, TreeStore(tmp_path / "runs" / "trees"), leave_out=tmp_path / "runs").files == 1


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere", "no such folder"),
        ("nowhere.zip", "no such file"),
        ("file.txt", "is a file; a target is a folder, or an archive"),
        ("empty", "holds no files"),
    ],
)
def test_what_is_no_target_is_said_so(source: Source, tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    trees = TreeStore(tmp_path / "other")

    with pytest.raises(Exception, match=why):
        resolve(tmp_path / name, trees)


def test_what_asks_for_care_in_a_target_is_listed(source: Source, tmp_path: Path) -> None:
    folder = tmp_path / "t"
    (folder / ".claude" / "hooks").mkdir(parents=True)
    (folder / ".claude" / "hooks" / "start.sh").write_text("x")
    for name in ("AGENTS.md", "readme", "README"):
        (folder / name).write_text("x")
    (folder / "out").symlink_to("../../etc")
    (folder / "CLAUDE.md").symlink_to("AGENTS.md")
    os.mkfifo(folder / "pipe")

    details = source.resolve(folder).details

    assert details == {
        "agent_files": [".claude/hooks/start.sh", "AGENTS.md", "CLAUDE.md"],
        "escaping_links": ["out"],
        "special_files": ["pipe"],
        "confusable_names": ["README", "readme"],
    }


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("AGENTS.md", True),
        ("deep/er/agents.md", True),
        ("CLAUDE.local.md", True),
        (".github/copilot-instructions.md", True),
        ("sub/.github/copilot-instructions.md", True),
        (".github/workflows/ci.yml", False),
        (".github/hooks/x.json", True),
        (".codex/hooks.json", True),
        (".codex", True),
        (".aider.conf.yml", True),
        (".gitignore", False),
        ("README.md", False),
        ("my-AGENTS.md", False),
        ("AGENTS.md.txt", False),
        ("claude/x.py", False),
        ("src/mcp.json", True),
    ],
)
def test_a_file_that_coding_agents_obey_is_known_by_its_name(name: str, *, is_one: bool) -> None:
    assert is_agent_file(name) is is_one


def test_the_python_of_the_page_works(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "targets.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {}
    with chdir(tmp_path):
        exec(code, found)

    assert found["target"].tree


def test_folders_alone_are_no_agent_files(source: Source, tmp_path: Path) -> None:
    (tmp_path / "t" / ".claude").mkdir(parents=True)
    (tmp_path / "t" / "a").write_text("x")
    tree = source.trees.load(source.resolve(tmp_path / "t").tree)

    assert agent_files(tree.entries) == ()
    assert len(set(AGENT_FILES)) == len(AGENT_FILES)
