"""Reading a `.env` file: names, quotes, comments, `export`. Nothing is expanded, no value is ever logged."""

from __future__ import annotations

import re
from dataclasses import dataclass

from honing.errors import SettingsError

_LINE = re.compile(
    r"""[^\S\n]*(?:export[^\S\n]+)?
    (?P<name>[A-Za-z_][A-Za-z0-9_]*)[^\S\n]*
    (?:=[^\S\n]*(?:
        '(?P<single>[^']*)' |
        "(?P<double>(?:[^"\\]|\\.)*)" |
        (?P<plain>(?!['"])[^\n]*?)
    ))?
    [^\S\n]*(?:(?:(?<=\s)|(?<=['"]))\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[^\S\n]*(?:\#[^\n]*)?\n|[^\S\n]+\Z|\#[^\n]*\Z")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `NAME=value`."""

    value: str
    line: int
    """From 1."""

    def __repr__(self) -> str:
        return f"Assignment(line={self.line})"


def parse_dotenv(content: str, *, where: str) -> dict[str, Assignment]:
    """Every assignment by name; the last of a name wins.

    'single' quotes keep the text as it is, "double" quotes know \\n, \\r, \\t and \\x for any other x;
    both may span lines. Without quotes the value ends with the line or at a # after a space. A name alone
    sets nothing.

    Args:
        content: The file's text.
        where: The file's name, for errors.

    Raises:
        SettingsError: A line is no assignment, or a quote is not closed; the text names the line, never the
            value.
    """
    found: dict[str, Assignment] = {}
    content = content.removeprefix("\ufeff").replace("\r\n", "\n")
    position, line = 0, 1
    while position < len(content):
        match = _BLANK.match(content, position) or _LINE.match(content, position)
        if match is None:
            raise SettingsError(
                f"{where}:{line}: this line is not NAME=value, or its quote is not closed (its text is not "
                "shown). Write NAME=value, NAME='value' or # a comment."
            )
        if match.re is _LINE and (value := _value(match)) is not None:
            found[match["name"]] = Assignment(value, line)
        line += content.count("\n", position, match.end())
        position = match.end()
    return found


def _value(match: re.Match[str]) -> str | None:
    if match["double"] is not None:
        return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), match["double"], flags=re.DOTALL)
    return match["single"] if match["single"] is not None else match["plain"]
