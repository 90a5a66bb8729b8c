"""Blocks of files that name tasks: Makefile, justfile, package.json, tox, nox, pyproject.toml.

A hint is the command that runs the task (`make eval`); what it runs is the block's `behind`.
"""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from honing.contract.hints.block import Block, Line
from honing.contract.hints.python_source import parsed
from honing.contract.hints.sources.projects import line_of_key

_MAKE_RULE = re.compile(r"([A-Za-z0-9_][\w.-]*(?:[ \t]+[A-Za-z0-9_][\w.-]*)*)[ \t]*::?(?!=)(.*)")
_JUST_RULE = re.compile(r"@?([A-Za-z_][\w-]*)((?:\s+[\w+*$=\"'.-]+)*)\s*:(?!=)(.*)")
_MAX_TASKS = 100


def make_blocks(text: str, *, file: str) -> list[Block]:
    """The targets of a Makefile, without patterns and files."""
    found = list(_rules(text, file, "make", _MAKE_RULE))[:_MAX_TASKS]
    recipes = {block.lines[0].text.partition(" ")[2]: block.behind for block in found}
    return [
        block if block.behind else replace(block, behind=_needed(block, text, recipes)) for block in found
    ]


def _needed(block: Block, text: str, recipes: Mapping[str, str]) -> str:
    """What the prerequisites of a target without a recipe run."""
    rule = _MAKE_RULE.match(text.split("\n")[block.lines[0].number - 1])
    names = rule[2].partition("#")[0].split() if rule is not None else []
    return "\n".join(filter(None, (recipes.get(name) for name in names)))


def just_blocks(text: str, *, file: str) -> list[Block]:
    """The recipes of a justfile."""
    return list(_rules(text, file, "just", _JUST_RULE))[:_MAX_TASKS]


def _rules(text: str, file: str, program: str, pattern: re.Pattern[str]) -> Iterator[Block]:
    lines = text.split("\n")
    for index, line in enumerate(lines):
        rule = pattern.match(line)
        if rule is None:
            continue
        recipe = _recipe(lines[index + 1 :])
        note = rule[rule.lastindex or 0].partition("#")[2].strip("# ") or _comment_above(lines, index)
        for name in rule[1].split():
            if recipe or program == "make":
                yield _task(f"{program} {name}", file, program, index + 1, recipe, note)


def _recipe(below: Sequence[str]) -> str:
    found: list[str] = []
    for line in below:
        if line.startswith(("\t", "  ")):
            found.append(re.sub(r"^\s*[@+-]*", "", line))
        elif line.strip() and not line.startswith("#"):
            break
    return "\n".join(found)


def _comment_above(lines: Sequence[str], index: int) -> str:
    above = lines[index - 1].strip() if index else ""
    return above.strip("# ") if above.startswith("#") else ""


def _task(command: str, file: str, source: str, line: int, behind: str, note: str = "") -> Block:
    return Block(
        file=file,
        source=source,
        lines=(Line(line, command),),
        before=note,
        certain=True,
        workdir=".",
        behind=behind,
    )


def package_blocks(text: str, *, file: str) -> list[Block]:
    """The scripts of a package.json; raises ValueError for what is none."""
    document = json.loads(text)
    scripts = document.get("scripts") if isinstance(document, dict) else None
    found = []
    for name, command in (scripts if isinstance(scripts, dict) else {}).items():
        if isinstance(command, str) and re.fullmatch(r"[\w:.-]+", name):
            run = f"npm {name}" if name in ("test", "start") else f"npm run {name}"
            found.append(_task(run, file, "package", line_of_key(text, name, after='"scripts"'), command))
    return found[:_MAX_TASKS]


def tox_blocks(text: str, *, file: str) -> list[Block]:
    """The environments of a tox.ini; raises ValueError for what is none."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None
    found = []
    for section in parser.sections():
        commands = parser.get(section, "commands", fallback="")
        if commands and (section == "testenv" or section.startswith("testenv:")):
            name = section.partition(":")[2]
            line = next(
                (at for at, one in enumerate(text.split("\n"), 1) if one.strip() == f"[{section}]"), 1
            )
            found.append(
                _task(f"tox -e {name}" if name else "tox", file, "tox", line, _without_factors(commands))
            )
    return found[:_MAX_TASKS]


def _without_factors(commands: str) -> str:
    return re.sub(r"(?m)^\s*(?:[\w,{}!-]+:\s+)?-?\s*", "", commands).strip()


def nox_blocks(text: str, *, file: str) -> list[Block]:
    """The sessions of a noxfile, read and never run; raises ValueError for what is none."""
    found = []
    for node in parsed(text).body:
        if isinstance(node, ast.FunctionDef) and any(
            "session" in ast.unparse(one) for one in node.decorator_list
        ):
            runs = [_session_run(call) for call in ast.walk(node) if isinstance(call, ast.Call)]
            behind = "\n".join(filter(None, runs))
            note = (ast.get_docstring(node) or "").partition("\n")[0]
            found.append(_task(f"nox -s {node.name}", file, "nox", node.lineno, behind, note))
    return found[:_MAX_TASKS]


def _session_run(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    words = [str(one.value) for one in call.args if isinstance(one, ast.Constant)]
    if name.endswith((".run", ".run_always")):
        return shlex.join(words)
    return shlex.join(["pip", "install", *words]) if name.endswith(".install") else ""


def pyproject_tasks(text: str, *, file: str) -> list[Block]:
    """The tasks that poe, PDM, Hatch, taskipy and pixi keep in pyproject.toml; raises ValueError for what is
    no TOML."""
    tool = _table(tomllib.loads(text), "tool")
    found: list[Block] = []
    for path, runner in (
        (("poe", "tasks"), "poe"),
        (("pdm", "scripts"), "pdm run"),
        (("taskipy", "tasks"), "task"),
        (("pixi", "tasks"), "pixi run"),
        (("rye", "scripts"), "rye run"),
    ):
        table = tool
        for key in path:
            table = _table(table, key)
        found += _tasks(table, runner, text, file, ".".join(("tool", *path)))
    for name, environment in _table(_table(tool, "hatch"), "envs").items():
        scripts = _table(environment, "scripts") if isinstance(environment, dict) else {}
        runner = "hatch run " if name == "default" else f"hatch run {name}:"
        found += _tasks(scripts, runner, text, file, f"tool.hatch.envs.{name}")
    return found[:_MAX_TASKS]


def _tasks(table: Mapping[str, Any], runner: str, text: str, file: str, section: str) -> Iterator[Block]:
    for name, task in table.items():
        behind = _command_of(task)
        if behind and re.fullmatch(r"[\w:.-]+", name):
            start = runner if runner.endswith((" ", ":")) else f"{runner} "
            yield _task(f"{start}{name}", file, "pyproject", line_of_key(text, name, after=section), behind)


def _command_of(task: object) -> str:
    if isinstance(task, str):
        return task
    if isinstance(task, list):
        return "\n".join(filter(None, map(_command_of, task)))
    if isinstance(task, dict):
        return next(
            (_command_of(task[key]) for key in ("cmd", "shell", "command", "sequence") if key in task), ""
        )
    return ""


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, dict) else {}
