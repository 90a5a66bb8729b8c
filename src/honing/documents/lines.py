"""Where each part of a YAML or JSON document stands in its file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from honing.errors import HoningError

Where = tuple[str | int, ...]
"""The way to a part of a document: keys and positions."""
_JSON_TOKEN = re.compile(r'[{}\[\]]|"(?:[^"\\]|\\.)*"|[^\s:,{}\[\]"]+')


@dataclass(slots=True)
class Lines:
    """The lines of a mapping's keys or of a list's members, and of what is inside each."""

    start: int
    """From 1."""
    parts: dict[str | int, tuple[int, Lines]] = field(default_factory=dict)
    """Line of the key (or member), and the lines inside its value."""

    def line_of(self, where: Where) -> int:
        """The line of the deepest part of a way that exists, counted from 1."""
        here, line = self, self.start
        for part in where:
            if part not in here.parts:
                break
            line, here = here.parts[part]
        return line


def yaml_lines(node: yaml.Node) -> Lines:
    """The lines of a composed YAML document; what an alias stands for is where its anchor is."""
    made: dict[int, Lines] = {}

    def visit(node: yaml.Node) -> Lines:
        if id(node) in made:
            return made[id(node)]
        lines = made[id(node)] = Lines(node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                lines.parts[str(key.value)] = (key.start_mark.line + 1, visit(value))
        elif isinstance(node, yaml.SequenceNode):
            for position, member in enumerate(node.value):
                lines.parts[position] = (member.start_mark.line + 1, visit(member))
        return lines

    return visit(node)


def json_lines(text: str, *, source: str, error: type[HoningError]) -> Lines:
    """The lines of a JSON document that is known to be well formed.

    Raises:
        HoningError: Of the kind `error`: a key stands twice, which the text says with its line.
        RecursionError: It is nested too deeply.
    """
    tokens = _json_tokens(text)

    def visit(line: int, token: str) -> Lines:
        lines = Lines(line)
        if token == "{":
            for key_line, key in iter(lambda: next(tokens), None):
                if key == "}":
                    break
                name = json.loads(key)
                if name in lines.parts:
                    raise error(f"{source}:{key_line}: the key {name!r} stands twice.")
                lines.parts[name] = (key_line, visit(*next(tokens)))
        elif token == "[":
            for position, (inner, first) in enumerate(iter(lambda: next(tokens), None)):
                if first == "]":
                    break
                lines.parts[position] = (inner, visit(inner, first))
        return lines

    return visit(*next(tokens))


def _json_tokens(text: str) -> Iterator[tuple[int, str]]:
    """Brackets, strings with their quotes, and other values, each with its line; marks between are left
    out."""
    line, counted = 1, 0
    for match in _JSON_TOKEN.finditer(text):
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        yield line, match[0]
