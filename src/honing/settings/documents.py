"""Reading a config file into flat keys, each with its line: TOML, YAML, or a project's `[tool.honing]`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import SettingsError

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file that holds settings; whoever reads files makes it."""

    path: Path
    """Decides the format by its name (`.toml`, `.yaml`, `.yml`, `.env`) and is named in errors."""
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a config file."""

    key: str
    value: Any
    line: int | None
    """From 1; None where it could not be found."""


def holds_settings(document: Document) -> bool:
    """Whether the file has a place for settings at all: `[tool.honing]`, or `settings:` at the top of YAML.

    A file that is not valid says yes, so that reading it gives the error.
    """
    if document.path.name == "pyproject.toml":
        return re.search(r"^\s*\[\s*tool\s*\.\s*honing\b", document.text, re.MULTILINE) is not None
    if document.path.suffix in {".yaml", ".yml"}:
        return re.search(r"^settings\s*:", document.text, re.MULTILINE) is not None
    return True


def read_entries(document: Document) -> list[Entry]:
    """The settings in a config file, section and field joined by a dot.

    In `pyproject.toml` they stand under `[tool.honing]`, in YAML under `settings:` (the rest of a
    `honing.yaml` is a harness project's), in `honing.toml` at the top.

    Raises:
        SettingsError: The file is not valid TOML or YAML; the text names file and line.
    """
    if document.path.suffix in {".yaml", ".yml"}:
        return list(_read_yaml(document))
    return list(_read_toml(document))


def _read_toml(document: Document) -> Iterator[Entry]:
    try:
        tree = tomllib.loads(document.text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{document.path}: not valid TOML: {error}. Correct that line.") from error
    prefix = ""
    if document.path.name == "pyproject.toml":
        tree, prefix = tree.get("tool", {}).get("honing", {}), "tool.honing."
    lines = _toml_lines(document.text)
    for key, value in _flat(tree, ""):
        yield Entry(key, value, _nearest_line(lines, prefix + key))


def _flat(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _toml_lines(content: str) -> dict[str, int]:
    lines: dict[str, int] = {}
    table = ""
    for number, line in enumerate(content.splitlines(), start=1):
        if match := _TABLE.match(line):
            table = _bare(match[1])
            lines.setdefault(table, number)
            table += "."
        elif match := _KEY.match(line):
            lines.setdefault(table + _bare(match[1]), number)
    return lines


def _bare(key: str) -> str:
    return re.sub(r"[\s\"']", "", key)


def _nearest_line(lines: Mapping[str, int], key: str) -> int | None:
    while key not in lines and "." in key:
        key = key.rpartition(".")[0]
    return lines.get(key)


def _read_yaml(document: Document) -> Iterator[Entry]:
    import yaml

    try:
        root = yaml.compose(document.text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f":{mark.line + 1}"
        problem = getattr(error, "problem", None) or "not readable"
        raise SettingsError(
            f"{document.path}{line}: not valid YAML: {problem}. Correct that line."
        ) from error
    if isinstance(root, yaml.MappingNode):
        for key, value in root.value:
            if key.value == "settings" and value.tag != "tag:yaml.org,2002:null":
                yield from _yaml_entries(value, "", document)


def _yaml_entries(node: Any, prefix: str, document: Document) -> Iterator[Entry]:
    import yaml

    # An alias can make a mapping its own child: settings are two levels deep, so nothing is followed further.
    if not isinstance(node, yaml.MappingNode) or prefix.count(".") > 2:
        value = yaml.safe_load(yaml.serialize(node)) if isinstance(node, yaml.ScalarNode) else []
        yield Entry(prefix.rstrip("."), value, node.start_mark.line + 1)
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            raise SettingsError(
                f"{document.path}:{line}: '{prefix}{name}' stands here and on line {seen[name]}. "
                "Keep one of them."
            )
        seen[name] = line
        yield from _yaml_entries(value, f"{prefix}{name}.", document)
