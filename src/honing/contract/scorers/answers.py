r"""Where in a completion its final answer stands, for scorers that read text.

A model may mark its answer: the last \boxed{...}, else the last <answer>...</answer>, else the last line that
starts with '####', else the last phrase such as "the answer is" or "Answer:". A marked answer is the only
one that is judged, whatever else is said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Marker(StrEnum):
    """How an answer was marked."""

    BOXED = "boxed"
    TAG = "tag"
    HASHES = "hashes"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True)
class Marked:
    """A marked answer."""

    marker: Marker
    text: str
    """What stands inside the box or tag, or after the marker to the end of its line (the next one with
    text).
    """
    others: tuple[str, ...] = ()
    """Different answers marked on the same line in the same way: more than one is a hedge."""


MAX_CHARS = 200_000
"""Only the end of a longer completion is read: an answer stands at the end, and work stays bounded."""

_BOXES, _LONGEST_BOX = 8, 2000
"""Boxes that are read, from the end, and characters of one: bounds for texts that are nothing but boxes."""
_BOX = re.compile(r"\\(?:boxed|fbox)\s*")
_TAG = re.compile(r"<answer>([^<>]*)</answer>", re.IGNORECASE)
_HASHES = re.compile(r"^[ \t>*]*####[ \t]*(\S[^\n]*)$", re.MULTILINE)
_NUMBERED_HEADING = re.compile(r"\d+[.)]\s+[^\W\d]")
# At most three of them: without a bound, a text of nothing else would take quadratic time.
_PRAISE = r"(?:final|correct|right|best|my)\s+"
_PHRASE = re.compile(
    rf"""
    (?: \b (?:(?:{_PRAISE}){{0,3}} answer | (?:{_PRAISE}){{1,3}} (?:option|choice|solution|result))
        (?:\s+(?:choice|option|to\s+(?:the|this)\s+(?:question|problem)))?
        \s* (?: \bis\b (?:\s+(?:therefore|thus|simply|just|option|choice|that\b))? \s*:?
            | \bwould\s+be\b
            | [:=] )
      | ^[ \t]*ans\s*[:=]
      | ^[ \t]*(?:final\s+)?answer[ \t]*$
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_LETTER = re.compile(r"^[ \t]*A:", re.MULTILINE)
# The asterisks of "3*4" and "2 * 3" are no emphasis.
_EMPHASIS = re.compile(r"(?<!\w)\*{1,3}(?=\S)|(?<=\S)\*{1,3}(?!\w)|`{1,3}|(?<!\w)__(?=\w)|(?<=\w)__(?!\w)")


def plain(text: str) -> str:
    """The end of a completion without markdown emphasis and code ticks, with line feeds only."""
    text = text[-MAX_CHARS:].replace("\r\n", "\n").replace("\r", "\n")
    return _EMPHASIS.sub("", text)


_LATEX_WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")


def without_latex(text: str) -> str:
    r"""The text with \text{...} and the marks of inline formulas replaced by what they hold."""
    return re.sub(r"\\[()\[\]]", "", _LATEX_WORDS.sub(r"\1", text))


def marked_answer(text: str, *, letter: bool = True) -> Marked | None:
    """The answer that a completion marks as its own.

    Args:
        text: The completion, as `plain` returns it.
        letter: Whether a line that begins with "A:" is one; not where A is a choice.

    Returns:
        None where nothing is marked.
    """
    return _boxed(text) or _tagged(text) or _hashes(text) or _phrase(text, letter)


def _tagged(text: str) -> Marked | None:
    found = _TAG.findall(text)
    return Marked(Marker.TAG, found[-1].strip()) if found else None


def _boxed(text: str) -> Marked | None:
    boxes = [(match.start(), _inside(text, match.end())) for match in list(_BOX.finditer(text))[-_BOXES:]]
    if not boxes:
        return None
    start, last = boxes[-1]
    line = text.rfind("\n", 0, start)
    return Marked(Marker.BOXED, last, tuple(inner for at, inner in boxes[:-1] if at > line and inner != last))


def _inside(text: str, start: int) -> str:
    """The text between the brace at `start` and its partner, or one word where there is no brace."""
    if start >= len(text) or text[start] != "{":
        words = text[start : start + _LONGEST_BOX].split(maxsplit=1)
        return words[0].rstrip(".$") if words else ""
    depth = 0
    for position in range(start, min(len(text), start + _LONGEST_BOX)):
        if text[position] == "{" and text[position - 1] != "\\":
            depth += 1
        elif text[position] == "}" and text[position - 1] != "\\":
            depth -= 1
            if depth == 0:
                return text[start + 1 : position]
    return text[start + 1 : start + _LONGEST_BOX]


def _hashes(text: str) -> Marked | None:
    # '#### 3. Count them' and '#### Step' are headings of markdown, not answers.
    lines = [line for line in _HASHES.findall(text) if not _NUMBERED_HEADING.match(line)]
    lines = [line for line in lines if len(line.split()) <= 12 and not line.rstrip().endswith(":")]
    return Marked(Marker.HASHES, str(lines[-1])) if lines else None


def _phrase(text: str, letter: bool) -> Marked | None:  # noqa: FBT001
    ends = [match.end() for match in _PHRASE.finditer(text)]
    ends += [match.end() for match in _LETTER.finditer(text)] if letter else []
    if not ends:
        return None
    rest = text[max(ends) :].lstrip(" \t:")
    line, _, below = rest.partition("\n")
    if not line.strip():
        line = next((one for one in below.split("\n") if one.strip()), "")
    return Marked(Marker.PHRASE, line.strip())
