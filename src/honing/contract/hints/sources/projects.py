"""What a Python project says about itself: its names and its console scripts, read and never run."""

from __future__ import annotations

import ast
import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from honing.contract.hints.files import TargetFiles
from honing.contract.hints.python_source import parsed

_TITLE = re.compile(
    r"^#[ \t]+([^\n]{1,200})$|<h1[^>]*>(.{1,300}?)</h1>|^([^\n]{1,100})\n[=*#]{4,}$", re.MULTILINE | re.DOTALL
)
_REFERENCE = re.compile(r"\s*([\w.-]+)\s*=\s*([\w.]+)\s*(?::\s*([\w.]+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A console script."""

    name: str
    module: str
    function: str
    """Empty where the whole module is meant, which fails when the script runs."""
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known of a target before its pages are read."""

    names: frozenset[str] = frozenset()
    """Names that the target goes by, as `plain_name` writes them."""
    scripts: Mapping[str, Script] = field(default_factory=dict)


def plain_name(name: str) -> str:
    """A name without capitals and separators: `My-Bench.git` is `mybench`."""
    return re.sub(r"[^a-z0-9]", "", name.lower().removesuffix(".git"))


def read_project(files: TargetFiles, names: Sequence[str] = ()) -> Project:
    """Read pyproject.toml, setup.cfg and setup.py at the top, and how the README titles the target.

    Args:
        files: The target.
        names: Names that it is known to go by: the last part of its address.
    """
    names = [files.root.name, *names, *_titles(files)]
    scripts: dict[str, Script] = {}
    for path, read in (("pyproject.toml", _pyproject), ("setup.cfg", _setup_cfg), ("setup.py", _setup_py)):
        text = files.text(path)
        if text is None:
            continue
        try:
            name, found = read(text)
        except (ValueError, RecursionError, configparser.Error) as error:
            files.notes.append(f"{path}: cannot be read ({type(error).__name__})")
            continue
        names += [name] if name else []
        for reference, line in found:
            script = _script(reference, path, line)
            if script is not None:
                scripts.setdefault(script.name, script)
    return Project(names=frozenset(filter(None, map(plain_name, names))), scripts=scripts)


def _titles(files: TargetFiles) -> Iterator[str]:
    """The title of the README, and what stands before its colon or dash."""
    for path in files.files():
        if path.lower() in ("readme.md", "readme.rst", "readme", "readme.txt"):
            found = _TITLE.search((files.text(path) or "")[:5_000])
            title = re.sub(r"<[^<>]*>", " ", found[1] or found[2] or found[3]) if found is not None else ""
            yield title
            yield re.split(r":|\s[-|]\s|\u2013|\u2014|\(", title)[0]


def _script(reference: str, path: str, line: int) -> Script | None:
    found = _REFERENCE.fullmatch(reference.split("[")[0].strip())
    if found is None:
        return None
    return Script(name=found[1], module=found[2], function=found[3] or "", file=path, line=line)


Found = tuple[str, list[tuple[str, int]]]
"""The project's name, and `name = module:function` with its line for every console script."""


def _pyproject(text: str) -> Found:
    document = tomllib.loads(text)
    project = _table(document, "project")
    poetry = _table(_table(document, "tool"), "poetry")
    found = []
    for table in (_table(project, "scripts"), _table(poetry, "scripts")):
        for name, reference in table.items():
            if isinstance(reference, str):
                found.append((f"{name} = {reference}", line_of_key(text, name)))
    return str(project.get("name") or poetry.get("name") or ""), found


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}


def line_of_key(text: str, key: str, *, after: str = "") -> int:
    """The line on which a key of a TOML or INI file is set, behind the first line that contains `after`."""
    lines = text.split("\n")
    start = next((index for index, line in enumerate(lines) if after and after in line), 0)
    pattern = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=:]")
    return next((index + 1 for index in range(start, len(lines)) if pattern.match(lines[index])), start + 1)


def _setup_cfg(text: str) -> Found:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    scripts = parser.get("options.entry_points", "console_scripts", fallback="")
    found = []
    for reference in filter(None, (line.strip() for line in scripts.split("\n"))):
        found.append((reference, line_of_key(text, reference.split("=")[0].strip(), after="console_scripts")))
    return parser.get("metadata", "name", fallback=""), found


def _setup_py(text: str) -> Found:
    name = ""
    found: list[tuple[str, int]] = []
    for node in ast.walk(parsed(text)):
        if not isinstance(node, ast.keyword):
            continue
        if node.arg == "name" and isinstance(node.value, ast.Constant):
            name = name or str(node.value.value)
        elif node.arg == "entry_points":
            found += _entry_points(node.value)
        elif node.arg == "scripts":
            found += _script_files(node.value)
    return name, found


def _entry_points(node: ast.expr) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "console_scripts":
                yield from _strings(value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        section = re.search(r"\[console_scripts\]([^\[]*)", node.value)
        for line in (section[1] if section else "").split("\n"):
            if "=" in line:
                yield line, node.lineno


def _script_files(node: ast.expr) -> Iterator[tuple[str, int]]:
    """The files of `scripts=[...]`: each is installed under its own name."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            name = part.value.rsplit("/", 1)[-1]
            yield f"{name} = {part.value.removesuffix('.py').replace('/', '.')}", part.lineno


def _strings(node: ast.expr) -> Iterator[tuple[str, int]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            for offset, line in enumerate(part.value.split("\n")):
                if "=" in line:
                    yield line, part.lineno + offset
