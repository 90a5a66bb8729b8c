"""A folder around an agent is looked at, never run and never changed but for two new pages."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from honing.errors import UsageError
from honing.harness import load_project, onboard_folder
from honing.harness.onboarding.look import Part, TestCommand, kind_of, look_at, missing
from honing.harness.project import Scope


def filled(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    return folder


AGENT = {
    "README.md": "# Sums\n\n[![badge](x)](y)\n\nAdds up numbers for people. It also subtracts.\n",
    "AGENTS.md": "Add.\nThen check.\n",
    "prompts/system.txt": "You add.",
    "tools/add.json": "{}",
    "tools/add.py": "print(1)\n",
    "scripts/test.sh": "#!/bin/sh\nexit 0\n",
    "skills/division/SKILL.md": "Divide.\n",
    ".claude/agents/checker.md": "Check.\n",
    "memory/notes.md": "7 * 6 = 42\n",
    "src/sums.py": "import os\n",
    "src/more.py": "",
    "data.csv": "1,2\n",
    "evaluate_sums.py": "print(0.5)\n",
    "tests/test_sums.py": "import pytest\n",
    ".venv/bin/AGENTS.md": "not this one",
    "node_modules/x/AGENTS.md": "nor this one",
}


def test_the_parts_of_a_harness_are_found_and_classed(tmp_path: Path) -> None:
    found = look_at(filled(tmp_path, **AGENT))

    def part(path: str, kind: str, lines: int, *, executable: bool = False) -> Part:
        return Part(path=path, kind=kind, lines=lines, executable=executable)

    assert found.parts == [
        part(".claude/agents/checker.md", "subagent", 1),
        part("AGENTS.md", "prompt", 2),
        part("memory/notes.md", "memory", 1),
        part("prompts/system.txt", "prompt", 1),
        part("scripts/test.sh", "tool_impl", 2, executable=True),
        part("skills/division/SKILL.md", "skill", 1),
        part("tools/add.json", "tool_desc", 1),
        part("tools/add.py", "tool_impl", 1),
    ]
    assert found.described == "Adds up numbers for people."
    assert found.tests == [
        TestCommand(command="bash scripts/test.sh", found_in="scripts/test.sh"),
        TestCommand(command="python3 -m pytest -q", found_in="tests/test_sums.py"),
    ]
    assert (found.code, found.files) == ({".py": 4, ".csv": 1, ".md": 1}, 14)
    assert found.evaluators == ["evaluate_sums.py"]


CLASSES = [
    ("CLAUDE.md", "prompt"),
    ("sub/AGENTS.md", "prompt"),
    (".github/copilot-instructions.md", "prompt"),
    (".cursor/rules/style.mdc", "prompt"),
    ("system_prompt_v2.md", "prompt"),
    (".mcp.json", "tool_desc"),
    ("bin/run", "tool_impl"),
    ("Makefile", "tool_impl"),
    (".claude/settings.json", "middleware"),
    (".claude/skills/x/SKILL.md", "skill"),
    ("MEMORY.md", "memory"),
    ("src/main.py", ""),
    ("README.md", ""),
]


@pytest.mark.parametrize(("path", "kind"), CLASSES, ids=[path for path, _ in CLASSES])
def test_a_path_has_its_class(path: str, kind: str) -> None:
    assert kind_of(path) == kind


TESTS = [
    ({"Makefile": "all:\n\ttrue\ntest: all\n\ttrue\n"}, "make test"),
    ({"package.json": '{"scripts": {"test": "jest"}}'}, "npm test"),
    ({"Cargo.toml": "[package]\n"}, "cargo test --offline"),
    ({"go.mod": "module x\n"}, "go test ./..."),
    ({"tests/test_a.py": "import unittest\n"}, "python3 -m unittest discover -s tests"),
    ({"test_a.py": "", "pyproject.toml": "[tool.pytest.ini_options]\n"}, "python3 -m pytest -q"),
]


@pytest.mark.parametrize(("files", "command"), TESTS, ids=[command for _, command in TESTS])
def test_the_test_command_is_found_where_the_folder_names_it(
    tmp_path: Path, files: dict[str, str], command: str
) -> None:
    assert [one.command for one in look_at(filled(tmp_path, **files)).tests] == [command]


DAMAGED = {
    "package.json": "[" * 5000,
    "pyproject.toml": "= =",
    "Makefile": "\0",
    "README.md": "\n\n# x\n\n- y\n",
}


def test_files_that_cannot_be_understood_say_nothing(tmp_path: Path) -> None:
    found = look_at(filled(tmp_path, **DAMAGED))

    assert (found.tests, found.described) == ([], "")


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    bare = list(missing(look_at(tmp_path)))
    whole = filled(tmp_path / "whole", **AGENT)
    (whole / ".git").mkdir()

    assert [sentence.partition(":")[0] for sentence in bare] == [
        "No text tells an agent how to work here",
        "No command tests it",
        "No file judges the agent's work",
        "It is no git repository",
        "No tasks are held out",
    ]
    assert [sentence.partition(":")[0] for sentence in missing(look_at(whole))] == ["No tasks are held out"]


def test_the_pages_are_filled_from_the_folder(tmp_path: Path) -> None:
    done = onboard_folder(filled(tmp_path / "sums", **AGENT))
    onboarding, domain = (path.read_text() for path in done.written)

    assert [path.name for path in done.written] == ["ONBOARDING.md", "domain_spec.md"]
    assert "Adds up numbers for people. 14 files, of which 8 are its harness." in onboarding
    assert "| tool_impl | `scripts/test.sh` (executable) | 2 |" in onboarding
    assert "- `python3 -m pytest -q` (from `tests/test_sums.py`)" in onboarding
    assert "hone harness run ../sums-project --dry-run" in onboarding
    assert "## What is the agent for?\n\nAdds up numbers for people.\n" in domain
    assert "`evaluate_sums.py`" in domain
    assert domain.count("Not said anywhere in the folder.") == 5


def test_the_project_that_is_proposed_opens(tmp_path: Path) -> None:
    filled(tmp_path / "sums", **AGENT)
    page = onboard_folder(tmp_path / "sums").written[0].read_text()
    proposed = re.search(r"```yaml\n(.*?)\n```", page, re.DOTALL)
    assert proposed is not None
    filled(tmp_path / "sums-project", **{"honing.yaml": proposed[1]})

    found = load_project(tmp_path / "sums-project")

    assert found.baseline == tmp_path / "sums"
    assert found.rules.scope == (
        Scope(".claude/agents/checker.md", "subagent"),
        Scope("AGENTS.md", "prompt"),
        Scope("memory", "memory"),
        Scope("prompts", "prompt"),
        Scope("scripts", "tool_impl"),
        Scope("skills", "skill"),
        Scope("tools/add.json", "tool_desc"),
        Scope("tools/add.py", "tool_impl"),
    )
    assert [task.id for task in found.tasks] == ["own-tests-1", "own-tests-2", "guide-names-the-tests"]
    # The pages themselves name the tasks: they are no part of the harness.
    assert {"ONBOARDING.md", "domain_spec.md"} <= set(found.rules.transient)


ODD = ["a: b", "it's #1", "ünï çode", '"quoted"', "-", "x" * 200, "${HOME}`id`"]


@pytest.mark.parametrize("name", ODD)
def test_a_folder_with_an_odd_name_gives_a_project_that_opens(tmp_path: Path, name: str) -> None:
    filled(
        tmp_path / name, **{"AGENTS.md": "x", "scripts/a b: c.sh": "", "README.md": "Does: 'x' #1 \\ {y}.\n"}
    )
    page = onboard_folder(tmp_path / name).written[0].read_text()
    proposed = re.search(r"```yaml\n(.*?)\n```", page, re.DOTALL)
    assert proposed is not None
    filled(tmp_path / "project", **{"honing.yaml": proposed[1]})

    assert load_project(tmp_path / "project").baseline == tmp_path / name


def test_a_page_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    filled(tmp_path, **AGENT, **{"ONBOARDING.md": "mine"})
    done = onboard_folder(tmp_path)

    assert ((tmp_path / "ONBOARDING.md").read_text(), done.kept) == ("mine", (tmp_path / "ONBOARDING.md",))
    assert done.written == (tmp_path / "domain_spec.md",)
    with pytest.raises(UsageError, match=r"are there already, and are not replaced"):
        onboard_folder(tmp_path)


def test_a_link_in_a_pages_place_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "ONBOARDING.md").symlink_to(tmp_path / "elsewhere.md")
    done = onboard_folder(tmp_path / "agent")

    assert done.kept == (tmp_path / "agent" / "ONBOARDING.md",)
    assert not (tmp_path / "elsewhere.md").exists()


def test_pages_may_go_to_another_folder(tmp_path: Path) -> None:
    done = onboard_folder(filled(tmp_path / "agent", **AGENT), tmp_path / "project" / "notes")

    assert done.written[0] == tmp_path / "project" / "notes" / "ONBOARDING.md"
    assert not (tmp_path / "agent" / "ONBOARDING.md").exists()


def test_nothing_is_followed_and_nothing_hangs(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    filled(tmp_path / "outside", **{"AGENTS.md": "secret words of another folder"})
    agent = filled(tmp_path / "agent", **{"scripts/run.sh": "x"})
    (agent / "tools").symlink_to(tmp_path / "outside")
    (agent / "README.md").symlink_to(tmp_path / "outside" / "AGENTS.md")
    (agent / "CLAUDE.md").symlink_to(agent / "CLAUDE.md")
    os.mkfifo(agent / "AGENTS.md")
    done = onboard_folder(agent)

    assert all("secret" not in path.read_text() for path in done.written)
    assert [part.path for part in look_at(agent).parts] == ["AGENTS.md", "CLAUDE.md", "scripts/run.sh"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        onboard_folder(tmp_path / "none")
