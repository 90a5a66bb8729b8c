"""Blocks of a reStructuredText page: code directives, literal blocks, code within sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from honing.contract.hints.block import Block, Line

_DIRECTIVE = re.compile(r"(\s*)\.\.\s+(code-block|code|sourcecode|prompt|parsed-literal|console)::\s*(\S*)")
_FIELD = re.compile(r"\s*:[\w-]+:")
_ADORNMENT = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*")
_INLINE = re.compile(r"``([^`\n]+)``")


@dataclass(slots=True)
class _Page:
    file: str
    source: str
    lines: Sequence[str]
    ranks: list[str] = field(default_factory=list)
    """Adornments of headings in the order in which they appear, which is their rank."""
    headings: list[tuple[int, str]] = field(default_factory=list)
    before: str = ""


def restructured_blocks(text: str, *, file: str, source: str) -> list[Block]:
    """Every stretch of code in a reStructuredText page, in the page's order."""
    return list(_blocks(_Page(file, source, text.split("\n"))))


def _blocks(page: _Page) -> Iterator[Block]:
    at = 0
    while at < len(page.lines):
        line = page.lines[at]
        directive = _DIRECTIVE.match(line)
        if directive is not None:
            end = _indented_end(page.lines, at + 1, len(directive[1]))
            yield _block(page, at + 1, end, directive[3].lower())
            at = end
        elif _is_heading(page, at):
            at += 2
        elif line.rstrip().endswith("::") and not line.lstrip().startswith(".."):
            page.before = line.strip().rstrip(":")
            end = _indented_end(page.lines, at + 1, _indentation(line))
            yield _block(page, at + 1, end, "")
            at = max(end, at + 1)
        else:
            yield from _sentence(page, at)
            at += 1


def _is_heading(page: _Page, at: int) -> bool:
    """Whether a title with its underline stands here; the page then knows it."""
    title = page.lines[at].strip()
    below = page.lines[at + 1] if at + 1 < len(page.lines) else ""
    if not title or not _ADORNMENT.fullmatch(below) or len(below.strip()) < min(len(title), 3):
        return False
    if _ADORNMENT.fullmatch(page.lines[at]):
        return False
    mark = below.strip()[0]
    if mark not in page.ranks:
        page.ranks.append(mark)
    rank = page.ranks.index(mark)
    page.headings = [kept for kept in page.headings if kept[0] < rank] + [(rank, title)]
    page.before = ""
    return True


def _sentence(page: _Page, at: int) -> Iterator[Block]:
    line = page.lines[at]
    if line.strip():
        above = page.lines[at - 1] if at else ""
        page.before = (f"{page.before} {line.strip()}" if above.strip() else line.strip())[-600:]
    for found in _INLINE.finditer(line):
        yield Block(
            file=page.file,
            source=page.source,
            lines=(Line(at + 1, found[1].strip()),),
            headings=tuple(title for _, title in page.headings),
            before=page.before,
            inline=True,
        )


def _block(page: _Page, start: int, end: int, language: str) -> Block:
    options = start
    while options < end and (_FIELD.match(page.lines[options]) or not page.lines[options].strip()):
        options += 1
    body = page.lines[options:end]
    indentation = min((_indentation(line) for line in body if line.strip()), default=0)
    return Block(
        file=page.file,
        source=page.source,
        lines=tuple(Line(options + index + 1, line[indentation:]) for index, line in enumerate(body)),
        language=language,
        headings=tuple(title for _, title in page.headings),
        before=page.before,
    )


def _indented_end(lines: Sequence[str], start: int, indentation: int) -> int:
    """Where the lines that are indented deeper than `indentation` end."""
    end = start
    for index in range(start, len(lines)):
        if lines[index].strip():
            if _indentation(lines[index]) <= indentation:
                break
            end = index + 1
    return end


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())
