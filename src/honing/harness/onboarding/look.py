"""What lies in a folder around an agent: its texts, tools and scripts, how it is tested, what it lacks.

Nothing is run, no link is followed, and only the beginnings of files are read.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from honing.documents import read_plain_file
from honing.errors import MetricsError
from honing.harness.project import TRANSIENT

_MOST_FILES = 5_000
_READ_BYTES = 256 * 1024
_KINDS = (
    ("memory", ("memory/*", "*/memory/*", "MEMORY.md", "notes/*")),
    ("subagent", (".claude/agents/*", "agents/*.md", "subagents/*")),
    ("skill", ("SKILL.md", "*/SKILL.md", "skills/*", ".claude/skills/*", ".claude/commands/*")),
    ("middleware", ("hooks/*", ".claude/settings.json", ".claude/hooks/*", "middleware/*")),
    (
        "tool_desc",
        (
            ".mcp.json",
            "mcp.json",
            "tools/*.json",
            "tools/*.yaml",
            "tools/*.yml",
            "tools/*.md",
            "opencode.json",
        ),
    ),
    ("tool_impl", ("tools/*", "scripts/*", "bin/*", "Makefile", "justfile", "Dockerfile")),
    (
        "prompt",
        (
            "AGENTS.md",
            "CLAUDE.md",
            "GEMINI.md",
            "CODEX.md",
            "*/AGENTS.md",
            "*/CLAUDE.md",
            ".cursorrules",
            ".cursor/rules/*",
            ".github/copilot-instructions.md",
            "prompts/*",
            "prompt*.txt",
            "prompt*.md",
            "system_prompt*",
            "*.prompt",
            "*.jinja",
            "*.j2",
        ),
    ),
)
"""Patterns of paths by class; the first class with one that fits is a file's."""
_GUIDES = ("AGENTS.md", "CLAUDE.md", "GEMINI.md")
_DESCRIBED = ("README.md", "README.rst", "README.txt", "README")
_TEST_TARGET = re.compile(r"^(test|check|tests)\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of the harness."""

    path: str
    kind: str
    """Class, as in a project's scope."""
    lines: int
    executable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TestCommand:
    """A command that the folder's own files name as its test."""

    __test__ = False

    command: str
    found_in: str


@dataclass(slots=True, kw_only=True)
class Folder:
    """What was found."""

    name: str
    described: str = ""
    """First sentence of its README; empty where there is none."""
    parts: list[Part] = field(default_factory=list)
    code: dict[str, int] = field(default_factory=dict)
    """Files by the end of their name, the most frequent first; parts of the harness left out."""
    tests: list[TestCommand] = field(default_factory=list)
    evaluators: list[str] = field(default_factory=list)
    """Files whose name says that they evaluate something."""
    project: str = ""
    """A project's file that lies here already."""
    git: bool = False
    files: int = 0
    cut: bool = False
    """Whether there were more files than are looked at."""


def look_at(folder: Path) -> Folder:
    """Look at a folder. Nothing in it is run or changed.

    Raises:
        OSError: It cannot be listed.
    """
    paths = list(_paths(folder))
    found = Folder(name=folder.absolute().name, git=(folder / ".git").exists())
    found.cut, paths = len(paths) > _MOST_FILES, sorted(paths[:_MOST_FILES])
    found.files = len(paths)
    for path in paths:
        kind = kind_of(path)
        if kind:
            found.parts.append(_part(folder, path, kind))
        else:
            end = Path(path).suffix or Path(path).name
            found.code[end] = found.code.get(end, 0) + 1
    found.code = dict(sorted(found.code.items(), key=lambda pair: (-pair[1], pair[0])))
    found.described = _described(folder)
    found.tests = list(_tests(folder, paths))
    found.evaluators = [path for path in paths if re.match(r"(eval|bench|grade|score)", Path(path).stem)]
    found.project = next((name for name in ("honing.yaml", "metaharness.json") if name in paths), "")
    return found


def kind_of(path: str) -> str:
    """The class of a file of a harness; empty for one that is none."""
    for kind, patterns in _KINDS:
        if any(fnmatchcase(path, pattern) for pattern in patterns):
            return kind
    return ""


def missing(found: Folder) -> Iterator[str]:
    """What a project made of the folder would still need, one sentence each."""
    if not any(part.path in _GUIDES for part in found.parts):
        yield f"No text tells an agent how to work here: add {' or '.join(_GUIDES)}."
    if not found.tests:
        yield "No command tests it: without one, tasks can only look at what is written."
    if found.tests and not any(part.kind == "tool_impl" for part in found.parts):
        yield "No script of its own runs the tests: an agent has to find out how, every time."
    if not found.evaluators:
        yield "No file judges the agent's work: say what a better result is, and how it is measured."
    if not found.git:
        yield "It is no git repository: what a run keeps cannot be reviewed as a commit."
    yield "No tasks are held out: without them, nobody knows whether a gain is one."


def _paths(folder: Path) -> Iterator[str]:
    count = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not _passing(each))
        for name in sorted(files):
            if not _passing(name):
                yield Path(parent, name).relative_to(folder).as_posix()
                count += 1
        if count > _MOST_FILES:
            return


def _passing(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in TRANSIENT)


def _part(folder: Path, path: str, kind: str) -> Part:
    content = _read(folder, path)
    return Part(
        path=path,
        kind=kind,
        lines=content.count("\n") + bool(content and not content.endswith("\n")),
        executable=os.access(folder / path, os.X_OK, follow_symlinks=False) if content else False,
    )


def _read(folder: Path, path: str) -> str:
    try:
        return read_plain_file(folder, path, max_bytes=_READ_BYTES).decode("utf-8", "replace")
    except (MetricsError, OSError):
        return ""


def _described(folder: Path) -> str:
    """The first paragraph of the README that is no heading, badge or list, up to its first sentence's end."""
    for name in _DESCRIBED:
        for paragraph in re.split(r"\n\s*\n", _read(folder, name)):
            text = " ".join(paragraph.split())
            if text and text[0] not in "#=[!<-*|`~>" and not set(text) <= {"=", "-"}:
                return re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0][:300]
    return ""


def _tests(folder: Path, paths: Sequence[str]) -> Iterator[TestCommand]:
    """Commands that test the folder, the most specific first."""
    for path in ("scripts/test.sh", "test.sh", "bin/test", "run_tests.sh"):
        if path in paths:
            yield TestCommand(command=f"bash {path}", found_in=path)
    for name in ("Makefile", "makefile"):
        if match := _TEST_TARGET.search(_read(folder, name)):
            yield TestCommand(command=f"make {match[1]}", found_in=name)
    if (
        isinstance(_json(folder, "package.json").get("scripts"), dict)
        and "test" in _json(folder, "package.json")["scripts"]
    ):
        yield TestCommand(command="npm test", found_in="package.json")
    if "Cargo.toml" in paths:
        yield TestCommand(command="cargo test --offline", found_in="Cargo.toml")
    if "go.mod" in paths:
        yield TestCommand(command="go test ./...", found_in="go.mod")
    python = [path for path in paths if re.search(r"(^|/)test_[^/]*\.py$", path)]
    if python:
        yield _python_test(folder, python)


def _python_test(folder: Path, tests: Sequence[str]) -> TestCommand:
    tools = _toml(folder, "pyproject.toml").get("tool")
    uses_pytest = isinstance(tools, dict) and "pytest" in tools
    uses_pytest = uses_pytest or any("pytest" in _read(folder, path) for path in tests[:50])
    if uses_pytest:
        return TestCommand(command="python3 -m pytest -q", found_in=tests[0])
    start = tests[0].rpartition("/")[0] or "."
    return TestCommand(command=f"python3 -m unittest discover -s {start}", found_in=tests[0])


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads(_read(folder, name) or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _toml(folder: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(_read(folder, name))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
