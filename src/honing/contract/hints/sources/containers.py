"""Blocks of container files: what a Dockerfile runs, and what a devcontainer runs after it is made."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from honing.contract.hints.block import Block, Line

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
_FLAGS = re.compile(r"(?:--[\w-]+(?:=\S+)?\s+)+")
_STRING = r'"(?:\\.|[^"\\])*"'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(\s*[}}\]])")
_DEVCONTAINER = ("onCreateCommand", "updateContentCommand", "postCreateCommand", "postStartCommand")


@dataclass(slots=True)
class _Image:
    """What the instructions above have set."""

    workdir: str = "/"
    copied: str = ""
    """Folder of the image that holds the target."""
    env: dict[str, str] = field(default_factory=dict)


def dockerfile_blocks(text: str, *, file: str) -> list[Block]:
    """The `RUN`, `CMD` and `ENTRYPOINT` of a Dockerfile.

    A folder of the image counts as the target's where the target was copied there; others count as its top.
    """
    image = _Image()
    found: list[Block] = []
    for lines in _instructions(text):
        parsed = _INSTRUCTION.fullmatch("\n".join(line.text for line in lines))
        if parsed is None:
            continue
        name, rest = parsed[1].upper(), parsed[2].strip()
        if name in ("RUN", "CMD", "ENTRYPOINT"):
            found += _ran(name, rest, lines, image, file)
        else:
            _follow(name, rest, image)
    return found


def _instructions(text: str) -> Iterator[list[Line]]:
    """The instructions with the lines that continue them; comments between them are left out."""
    lines: list[Line] = []
    heredoc = ""
    for number, line in enumerate(text.split("\n"), 1):
        if heredoc:
            lines.append(Line(number, line))
            if line.strip() == heredoc:
                heredoc = ""
                yield lines
                lines = []
            continue
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        lines.append(Line(number, line))
        opened = re.search(r"<<-?[\"']?(\w+)[\"']?", line)
        if opened is not None and line.lstrip().upper().startswith("RUN"):
            heredoc = opened[1]
        elif not line.rstrip().endswith("\\"):
            yield lines
            lines = []
    if lines:
        yield lines


def _ran(name: str, rest: str, lines: list[Line], image: _Image, file: str) -> Iterator[Block]:
    if rest.startswith("["):
        words = _exec_form(rest)
        shown = [Line(lines[0].number, shlex.join(words))] if words else []
    else:
        first = re.sub(r"^\s*[A-Za-z]+\s+", "", lines[0].text)
        shown = [Line(lines[0].number, _FLAGS.sub("", first, count=1)), *lines[1:]]
    if shown and shown[0].text.strip():
        yield Block(
            file=file,
            source="docker",
            lines=tuple(shown),
            headings=(name.lower(),) if name != "RUN" else (),
            certain=True,
            workdir=_below(image),
            env=dict(image.env),
        )


def _exec_form(text: str) -> list[str]:
    try:
        words = json.loads(text)
    except ValueError:
        return []
    return [str(word) for word in words] if isinstance(words, list) else []


def _follow(name: str, rest: str, image: _Image) -> None:
    if name == "WORKDIR":
        image.workdir = rest.strip("\"'") if rest.startswith("/") else f"{image.workdir.rstrip('/')}/{rest}"
    elif name in ("COPY", "ADD"):
        words = _FLAGS.sub("", f"{rest} ").split()
        if len(words) == 2 and words[0] in (".", "./"):
            to = words[1].rstrip("/") or "/"
            image.copied = to if to.startswith("/") else f"{image.workdir.rstrip('/')}/{to}".rstrip("/.")
    elif name == "ENV":
        pairs = re.findall(r"(\w+)=(\"[^\"]*\"|\S*)", rest) or [tuple([*rest.split(None, 1), ""][:2])]
        image.env |= {key: value.strip('"') for key, value in pairs if key != "PATH"}


def _below(image: _Image) -> str:
    if image.copied and image.workdir.startswith(f"{image.copied}/"):
        return image.workdir[len(image.copied) + 1 :]
    return "."


def devcontainer_blocks(text: str, *, file: str) -> list[Block]:
    """The commands that a devcontainer.json runs; raises ValueError for what is none."""
    document = json.loads(_without_comments(text))
    found = []
    for key in _DEVCONTAINER if isinstance(document, dict) else ():
        value = document.get(key)
        for command in value.values() if isinstance(value, dict) else [value]:
            shown = shlex.join(map(str, command)) if isinstance(command, list) else command
            if isinstance(shown, str) and shown.strip():
                line = next((at for at, one in enumerate(text.split("\n"), 1) if f'"{key}"' in one), 1)
                lines = tuple(Line(line, part) for part in shown.split("\n"))
                found.append(
                    Block(
                        file=file, source="devcontainer", lines=lines, certain=True, workdir=".", before=key
                    )
                )
    return found


def _without_comments(text: str) -> str:
    """JSON without the comments and the trailing commas that devcontainer files may have."""
    bare = _COMMENT.sub(lambda piece: piece[0] if piece[0].startswith('"') else " ", text)
    return _TRAILING_COMMA.sub(lambda piece: piece[0] if piece[0].startswith('"') else piece[1], bare)
