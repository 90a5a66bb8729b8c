"""The programs that a completion may be, the likeliest first."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAX_CHARS = 200_000
"""Only so much of a completion is read."""
_FENCE = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)|\Z)", re.MULTILINE | re.DOTALL
)
_CODE_START = re.compile(r"^(?:from\s+\w|import\s+\w|def\s+\w|async\s+def\s+\w|class\s+\w|@\w)", re.MULTILINE)
_FUTURE = re.compile(r"^from\s+__future__\s+import\s.*$", re.MULTILINE)
_OTHER_LANGUAGES = frozenset({"bash", "sh", "shell", "console", "text", "output", "json", "txt", "plaintext"})


@dataclass(frozen=True, slots=True)
class Program:
    """One way to read a completion as a program."""

    source: str
    trim: int
    """How many lines at its end may be prose. What was given is never among them."""


def programs(completion: str, *, names: Sequence[str], given: str | None) -> list[Program]:
    """Every reading of a completion, the likeliest first, without repeats.

    Args:
        completion: As the model wrote it: fenced or bare, a whole program or the rest of the given one, with
            prose.
        names: What the tests use.
        given: The program that the prompt began, where the model was to complete it.
    """
    text = completion.replace("\r\n", "\n").replace("\r", "\n")[-MAX_CHARS:]
    found: list[Program] = []
    for code, fenced in _texts(text, names):
        for source in _assembled(code, given):
            found.append(Program(source, trim=0 if fenced else code.count("\n")))
    return list(dict.fromkeys(found))


def _texts(text: str, names: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Parts of a completion that may be code, and whether they were fenced."""
    blocks = [
        textwrap.dedent(match.group(2)) if match.group(2)[:1] in " \t" and match.group(1) else match.group(2)
        for match in _FENCE.finditer(text)
        if match.group(1).lower() not in _OTHER_LANGUAGES
    ]
    if blocks:
        defining = [block for block in blocks if any(_defines(block, name) for name in names)]
        for block in reversed(defining):
            yield block, True
        if len(blocks) > 1:
            yield "\n".join(blocks), True
        for block in blocks:
            yield block, True
        return
    yield text, False
    start = _CODE_START.search(text)
    if start:
        yield text[start.start() :], False


def _defines(code: str, name: str) -> bool:
    return (
        re.search(
            rf"^(?:(?:async\s+)?def|class)\s+{re.escape(name)}\b|^{re.escape(name)}\s*=", code, re.MULTILINE
        )
        is not None
    )


def _assembled(code: str, given: str | None) -> Iterator[str]:
    """The code as a program, after what was given where something was."""
    if given is None:
        yield code
        return
    # These must come first in a program, also before what was given.
    future = "".join(f"{line}\n" for line in _FUTURE.findall(code))
    code = _FUTURE.sub("", code)
    given = future + given
    head = given if given.endswith("\n") else given + "\n"
    # A chat model repeats the function; what was given before it (imports, helpers) still belongs to it.
    if _CODE_START.search(code):
        yield head.rstrip() + "\n    pass\n\n" + code
        yield future + code
    yield given + code
    yield head + code
    lines = code.split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    # A reply whose ends were stripped lost the indentation of its first line only.
    yield head + "\n".join([*lines[:first], "    " + lines[first].lstrip(), *lines[first + 1 :]])
    yield head + textwrap.indent(textwrap.dedent(code), "    ")
    yield future + code
