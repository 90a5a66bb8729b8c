"""Shell text cut into statements: one for each command list, with quotes, here documents and loops whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from honing.contract.hints.block import Line
from honing.contract.hints.marks import cover

_MAX_NESTING = 50
_TOKEN = re.compile(
    r"""
    (?P<joined>\\[ \t]*\n)
  | (?P<escape>\\.)
  | (?P<single>'[^']*')
  | (?P<heredoc><<-?[ \t]*(?P<quote>["']?)\\?(?P<word>[\w.-]+)(?P=quote))
  | (?P<open>\$\(|\$\{|[<>]\(|\(|"|`)
  | (?P<close>\))
  | (?P<comment>(?<![^\s;&|()])\#[^\n]*)
  | (?P<newline>\n)
  | (?P<operator>&&|\|\||;;|[;&|]|<|>)
  | (?P<blank>[ \t]+)
  | (?P<plain>[^\s\\'"`$()#;&|<>]+|.)
    """,
    re.VERBOSE,
)
_QUOTED = re.compile(
    r'(?P<escape>\\.|\\\n)|(?P<open>\$\(|\$\{|`)|(?P<close>")|(?P<plain>[^\\$`"]+|.)', re.DOTALL
)
_OPENERS = frozenset({"if", "for", "while", "until", "case", "select", "{"})
_CLOSERS = frozenset({"fi", "done", "esac", "}"})
_CARRY_ON = frozenset({"&&", "||", "|"})
_STRAY_OPTION = re.compile(r"[ \t]+--?[A-Za-z]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One command list."""

    text: str
    """As written, continued lines joined, without the comment behind it."""
    line: int
    """Number of its first line in the file."""
    comment: str = ""
    """The comment lines directly above it and the comment behind it."""
    mended: str = ""
    """What was joined although a shell would not; empty where nothing was."""
    broken: bool = False
    """Whether a quote or bracket stays open, so that no shell could run it."""


def statements(lines: Sequence[Line]) -> list[Statement]:
    """Cut shell text into statements.

    A line at which the text cannot be read as shell text is a broken statement by itself, and reading goes on
    behind it.
    """
    found: list[Statement] = []
    rest = list(lines)
    while rest:
        reader = _Reader(rest)
        found += reader.read()
        rest = rest[reader.lines_read :]
    return found


class _Reader:
    """Reads until the end, or until a statement turns out to be broken."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._text = "\n".join(line.text for line in lines)
        self._covered = "\n".join(cover(line.text) for line in lines)
        self._at = 0
        self._found: list[Statement] = []
        self._comments: list[str] = []
        self._start_over()
        self.lines_read = len(lines)

    def _start_over(self) -> None:
        self._start = self._at
        self._stack: list[str] = []
        self._depth = 0
        self._command_next = True
        self._carry_on = False
        self._heredocs: list[str] = []
        self._joins: list[tuple[int, int, bool]] = []
        self._behind = ""
        self._end = self._at
        self._mended = ""

    def read(self) -> list[Statement]:
        while self._at < len(self._covered):
            inside_quotes = bool(self._stack) and self._stack[-1] == '"'
            pattern = _QUOTED if inside_quotes else _TOKEN
            token = pattern.match(self._covered, self._at)
            if token is None or len(self._stack) > _MAX_NESTING:
                return self._give_up()
            self._at = token.end()
            if inside_quotes:
                self._quoted(token)
            elif not self._take(token):
                return self._give_up()
        if self._stack or self._depth > 0 or self._heredocs:
            return self._give_up()
        self._finish()
        return self._found

    def _quoted(self, token: re.Match[str]) -> None:
        if token.lastgroup == "open":
            self._open(token[0])
        elif token.lastgroup == "close":
            self._stack.pop()
        elif token[0] == "\\\n":
            self._joins.append((token.start(), token.end(), True))
        self._end = self._at

    def _take(self, token: re.Match[str]) -> bool:
        """Take one token outside double quotes; False where the text cannot be read on."""
        kind = token.lastgroup or ""
        if kind == "single" and "\n" in token[0] and self._text[token.start() - 1 : token.start()].isalpha():
            return False  # An apostrophe.
        if kind == "newline":
            return self._newline()
        if kind == "joined":
            self._joined(token)
        elif kind == "comment":
            self._comment(token)
        elif kind != "blank":
            self._end = self._at
            self._carry_on = token[0] in _CARRY_ON
            self._significant(kind, token)
        return True

    def _significant(self, kind: str, token: re.Match[str]) -> None:
        if kind == "open":
            self._open(token[0])
        elif kind == "close":
            if self._stack and self._stack[-1] == ")":
                self._stack.pop()
            self._command_next = True
        elif kind == "operator":
            self._command_next = token[0] not in "<>"
        elif kind == "word" or kind == "heredoc":
            self._heredocs.append(token["word"])
        elif kind == "plain" and token[0] == "}" and self._stack and self._stack[-1] == "}":
            self._stack.pop()
        else:
            self._word(token[0])

    def _open(self, text: str) -> None:
        if text == "`" and self._stack and self._stack[-1] == "`":
            self._stack.pop()
            return
        self._stack.append({'"': '"', "`": "`", "${": "}"}.get(text, ")"))
        self._command_next = text != "${" and text != '"'

    def _word(self, word: str) -> None:
        if self._stack and self._stack[-1] == "}" and word.endswith("}"):
            self._stack.pop()
            return
        if self._command_next and not self._stack:
            if word in _OPENERS:
                self._depth += 1
            elif word in _CLOSERS:
                self._depth -= 1
        self._command_next = word in {"do", "then", "else", "elif", "!", "{", "time", "in"}

    def _joined(self, token: re.Match[str]) -> None:
        if self._end <= self._start:
            self._start = self._end = self._at  # Nothing stands before it.
            return
        self._joins.append((token.start(), token.end(), False))
        if token[0] != "\\\n" and not self._mended:
            self._mended = "blanks behind a backslash"

    def _comment(self, token: re.Match[str]) -> None:
        words = token[0].lstrip("# \t")
        if self._end > self._start or self._depth:
            self._behind = words
        else:
            self._comments.append(words)

    def _newline(self) -> bool:
        if self._heredocs and not self._skip_heredocs():
            return False
        if self._stack or self._depth > 0 or self._carry_on:
            self._command_next = True
            return True
        if self._end > self._start and _STRAY_OPTION.match(self._covered, self._at):
            self._joins.append((self._at - 1, self._at, False))
            self._mended = "an option on a line of its own without a backslash before it"
            return True
        self._finish()
        return True

    def _skip_heredocs(self) -> bool:
        for word in self._heredocs:
            found = re.compile(rf"^[ \t]*{re.escape(word)}[ \t]*$", re.MULTILINE).search(self._text, self._at)
            if found is None:
                return False
            self._at = found.end()
            self._end = found.end()
        self._heredocs = []
        return True

    def _finish(self) -> None:
        if self._end > self._start:
            self._found.append(self._statement(broken=False))
            self._comments = []
        elif not self._text[self._start : self._at].strip():
            self._comments = []
        self._start_over()

    def _statement(self, *, broken: bool) -> Statement:
        start = self._start + _blanks(self._text[self._start : self._end])
        comments = [*self._comments, *([self._behind] if self._behind else [])]
        return Statement(
            text=_joined_text(self._text, start, self._end, self._joins),
            line=self._lines[self._text.count("\n", 0, start)].number,
            comment=" ".join(comments),
            mended=self._mended,
            broken=broken,
        )

    def _give_up(self) -> list[Statement]:
        start = self._start + _blanks(self._text[self._start :])
        end = self._text.find("\n", start)
        self._end = end if end >= 0 else len(self._text)
        self._joins = []
        self._found.append(self._statement(broken=True))
        self.lines_read = self._text.count("\n", 0, start) + 1
        return self._found


def _blanks(text: str) -> int:
    return len(text) - len(text.lstrip())


def _joined_text(text: str, start: int, end: int, joins: Sequence[tuple[int, int, bool]]) -> str:
    """The text with its continued lines joined; each join says whether it stands in quotes, where every blank
    counts."""
    pieces: list[str] = []
    at = start
    for first, last, quoted in joins:
        if first >= end:
            break
        before = text[at:first]
        at = last
        blanks = len(text) - last - len(text[last:].lstrip(" \t"))
        if not quoted and (before[-1:].isspace() or blanks):
            before = before.rstrip(" \t") + " "
            at = last + blanks
        pieces.append(before)
    pieces.append(text[at:end])
    return "".join(pieces).strip()
