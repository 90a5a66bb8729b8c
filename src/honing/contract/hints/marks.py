"""Stretches of shell text that stand for something else: `<model>`, `[a|b]`, `{a|b}`, `[OPTIONS]`, `...`.

To a shell some of them are redirections, pipes and patterns. They are found first, and covered with letters
of the same length before the text is read as shell text.

`{a,b}` is what a shell expands on purpose where it is part of a longer word (`data/{train,test}.jsonl`) or
counts (`{1..9}`); where it is a whole word it stands for a choice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FILTERS = frozenset(
    {"awk", "bash", "bunzip2", "cat", "cut", "fold", "grep", "gunzip", "gzip", "head", "jq", "less",
     "more", "perl", "python", "python3", "ruby", "sed", "sh", "sort", "tail", "tar", "tee", "tr", "uniq",
     "wc", "xargs", "zsh"}
)  # fmt: skip
"""Programs that stand behind a pipe sign."""

_ANGLE = re.compile(r"(?<![<>\d&])<(?P<text>[A-Za-z_][^<>\n;&`]{0,80}?)>(?!\()")
_CHOICE = re.compile(r"\[(?P<square>[\w./+-][^\[\]\n]{0,200}\|[^\[\]\n]{0,200})\]")
_BRACE_CHOICE = re.compile(r"(?<!\$)\{(?P<brace>[\w./+-][^{}\n;]{0,200}\|[^{}\n;]{0,200})\}")
_COMMA_CHOICE = re.compile(
    r"(?<![^\s=\"'])\{(?P<comma>[\w./+-]+(?:,\s?[\w./+-]+)+(?:,\s?\.\.\.)?)\}(?![^\s\"'])"
)
_BARE_CHOICE = re.compile(r"(?<=--)(?P<option>[\w-]+[ =])(?P<bare>[\w.-]+(?:\|[\w.-]+)+)(?=\s|$)")
_BRACKET = re.compile(r"(?<![^\s=\"'(:/])\[(?P<bracket>[A-Za-z_?-][^\[\]|\n]{0,80})\](?![^\s\"',):/.])")
_UNKNOWN = re.compile(r"\[(?P<unknown>\?{1,4})\]")
_BRACE = re.compile(r"(?<![$\w\\])\{(?P<name>[A-Za-z_][\w -]{0,60})\}")
_LONE_BRACE = re.compile(r"(?<![$\w\\])\{(?P<lone>[a-z]+(?:_[a-z]+)+)(?=\s+--?\w)")
_DOTS = re.compile(r"(?<![^\s=\"'])(?P<dots>\.\.\.|…)(?![^\s\"',;])")


@dataclass(frozen=True, slots=True)
class Mark:
    """One such stretch."""

    start: int
    end: int
    text: str
    """With its brackets."""
    inner: str
    """Without them."""
    choices: tuple[str, ...] = ()


def marks(text: str) -> list[Mark]:
    """Every stretch that stands for something else, from left to right; they do not overlap.

    Variables (`$MODEL`) are no marks: a shell reads them rightly.
    """
    found: list[Mark] = []
    for pattern in (_CHOICE, _BRACE_CHOICE, _COMMA_CHOICE, _UNKNOWN, _ANGLE, _BRACKET, _BRACE, _LONE_BRACE):
        for match in pattern.finditer(text):
            inner = match[match.lastgroup or 0]
            mark = Mark(match.start(), match.end(), match[0], inner, _alternatives(inner, pattern))
            if _stands_alone(mark, text) and not _overlaps(mark, found):
                found.append(mark)
    for mark in (*_bare_choices(text), *_dots(text)):
        if not _overlaps(mark, found):
            found.append(mark)
    return sorted(found, key=lambda mark: mark.start)


def cover(text: str) -> str:
    """The text with every mark replaced by letters, so that a shell reads it as a word. Its length stays."""
    covered = list(text)
    for mark in marks(text):
        covered[mark.start : mark.end] = "X" * (mark.end - mark.start)
    return "".join(covered)


def _alternatives(inner: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    if pattern in (_CHOICE, _BRACE_CHOICE):
        return split_choices(inner, "|")
    if pattern is _COMMA_CHOICE:
        return split_choices(inner, ",")
    if pattern is _ANGLE and re.fullmatch(r"[\w.-]+(?:[/|][\w.-]+)+", inner) and "path" not in inner.lower():
        return split_choices(inner, "|" if "|" in inner else "/")
    return ()


def split_choices(inner: str, separator: str) -> tuple[str, ...]:
    """The alternatives in `a|b|...`."""
    parts = (part.strip(" \"'`") for part in inner.split(separator))
    return tuple(part for part in parts if part and part.strip(".…"))


def _stands_alone(mark: Mark, text: str) -> bool:
    """Whether the stretch is no shell syntax: `<in >out`, `<a>b.txt`, `[ -f x ]`."""
    if not mark.text.startswith("<"):
        return not (mark.text.startswith("[") and mark.inner.startswith("-") and mark.inner.endswith(" "))
    if mark.inner.endswith(" ") or "\\" in mark.inner:
        return False
    behind = re.match(r"[\w./-]+\.\w+(?=\s|$)", text[mark.end :])
    # `<a>b.txt` reads from one file and writes another; `<model>.jsonl` is a name with a placeholder in it.
    return behind is None or behind[0].startswith((".", "_", "-", "/"))


def _overlaps(mark: Mark, found: list[Mark]) -> bool:
    return any(mark.start < other.end and other.start < mark.end for other in found)


def _bare_choices(text: str) -> list[Mark]:
    found = []
    for match in _BARE_CHOICE.finditer(text):
        choices = split_choices(match["bare"], "|")
        if not _FILTERS.intersection(choices):
            found.append(Mark(match.start("bare"), match.end("bare"), match["bare"], match["bare"], choices))
    return found


def _dots(text: str) -> list[Mark]:
    return [Mark(found.start(), found.end(), found[0], found[0]) for found in _DOTS.finditer(text)]
