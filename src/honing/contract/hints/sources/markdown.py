"""Blocks of a Markdown page: fenced, indented, and code within sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from honing.contract.hints.block import Block, Line, numbered

if TYPE_CHECKING:
    from markdown_it.token import Token

_INLINE = re.compile(r"(?<![`\\])(`{1,2})(?!`)([^`\n]+?)(?<!`)\1(?!`)")
_SUMMARY = re.compile(r"<(summary|h[1-6])\b[^>]*>(.*?)</\1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]{1,200}>")
_MAX_BEFORE = 600


@dataclass(slots=True)
class _Place:
    """Where in the page the reader is."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    before: str = ""

    def enter(self, level: int, title: str) -> None:
        self.headings = [kept for kept in self.headings if kept[0] < level] + [(level, title)]
        self.before = ""

    def titles(self) -> tuple[str, ...]:
        return tuple(title for _, title in self.headings)


def markdown_blocks(text: str, *, file: str, source: str) -> list[Block]:
    """Every stretch of code in a Markdown page, in the page's order."""
    place = _Place()
    return list(_blocks(_tokens(text), place, _Page(file, source, 0)))


@dataclass(frozen=True, slots=True)
class _Page:
    file: str
    source: str
    offset: int
    """Lines above the text that is being read."""


def _tokens(text: str) -> Sequence[Token]:
    from markdown_it import MarkdownIt

    # The inline pass is not needed, and costs more than all the rest.
    return MarkdownIt("commonmark").disable(["inline", "text_join"]).parse(text)


def _blocks(tokens: Sequence[Token], place: _Place, page: _Page) -> Iterator[Block]:
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        first = token.map[0] + page.offset + 1
        if token.type == "heading_open":
            place.enter(int(token.tag[1:]), _plain(tokens[index + 1].content))
        elif token.type == "inline" and tokens[index - 1].type != "heading_open":
            place.before = _plain(token.content)[-_MAX_BEFORE:]
            yield from _within_sentences(token.content, first, place, page)
        elif token.type == "fence":
            yield _block(numbered(token.content.removesuffix("\n"), first + 1), token.info, place, page)
        elif token.type == "code_block":
            yield _block(numbered(token.content.removesuffix("\n"), first), "", place, page)
        elif token.type == "html_block":
            yield from _inside_html(token.content, first, place, page)


def _block(lines: tuple[Line, ...], info: str, place: _Place, page: _Page) -> Block:
    return Block(
        file=page.file,
        source=page.source,
        lines=lines,
        language=language_of(info),
        headings=place.titles(),
        before=place.before,
    )


def _within_sentences(content: str, first: int, place: _Place, page: _Page) -> Iterator[Block]:
    for offset, line in enumerate(content.split("\n")):
        for found in _INLINE.finditer(line):
            yield Block(
                file=page.file,
                source=page.source,
                lines=(Line(first + offset, found[2].strip()),),
                headings=place.titles(),
                before=place.before,
                inline=True,
            )


def _inside_html(content: str, first: int, place: _Place, page: _Page) -> Iterator[Block]:
    for found in _SUMMARY.finditer(content):
        title = _plain(_TAG.sub(" ", found[2]))
        if found[1].lower() == "summary":
            place.before = title
        else:
            place.enter(int(found[1][1]), title)
    lines = content.split("\n")
    fences = [index for index, line in enumerate(lines) if line.lstrip().startswith(("```", "~~~"))]
    if len(fences) > 1:
        inner = "\n".join(lines[fences[0] : fences[-1] + 1])
        below = _Page(page.file, page.source, first - 1 + fences[0])
        yield from _blocks(_tokens(inner), place, below)


def language_of(info: str) -> str:
    """The language that the info string of a fence names: the first word of `bash title=x`, `{.sh}`."""
    found = re.match(r"[\s{.]*([\w+#-]+)", info)
    return found[1].lower() if found else ""


def _plain(text: str) -> str:
    return " ".join(text.split())
