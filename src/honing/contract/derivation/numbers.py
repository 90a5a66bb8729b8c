"""Every number that an evaluation left: in labelled lines of its output, and in its new JSON files.

Each comes with a place from which the same number can be read again on another day, with another model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from honing.contract.spec import MetricsSource

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_LABEL = r"[A-Za-z][A-Za-z0-9_@.+/-]*(?: [A-Za-z0-9_@.+/()-]+){0,3}"
_GAP = r"['\"]?\*{0,2}\s*(?:[:=|]|->|\bis\b|\s)\s*\|?\s*\*{0,2}"
_WRAPPED = r"(?:[A-Za-z_][\w.]*\()?"
_LABELLED = re.compile(rf"(?<![\w@.])({_LABEL}?)({_GAP})({_WRAPPED})({NUMBER})(\s*%)?(?![\w.])")
_BAR = re.compile(r"\d\s*(?:it|s|examples|tok|B|kB|MB)/(?:s|it)\b|\d%\|")
"""Progress bars, which are full of numbers that mean nothing."""
_MAX_LINES = 5_000
_MAX_LINE = 2_000
_MAX_DEPTH = 6
_MAX_KEYS = 200
"""Objects with more keys hold one entry for each task, not figures."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands, so that it can be read again."""

    source: MetricsSource
    file: str = ""
    """Path below the working copy."""
    path: tuple[str, ...] = ()
    """Keys that lead to it in that file."""
    pattern: str = ""
    """For output: a regular expression with the group `score`."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number that an evaluation left."""

    name: str
    """Its own label."""
    place: Place
    value: float
    percent: bool
    """Whether a % sign follows it."""
    order: int
    """Counts up in the order of appearance: a summary comes last."""
    within: tuple[str, ...] = ()
    """Names of what it is part of, outermost first."""


def numbers_in_output(text: str) -> list[Number]:
    """Labelled numbers in what a command printed; of several under one label the last, as it is read
    again."""
    found: dict[Place, Number] = {}
    for order, line in enumerate(text.splitlines()[-_MAX_LINES:]):
        if len(line) > _MAX_LINE or _BAR.search(line):
            continue
        for number in _in_line(line, order):
            found.pop(number.place, None)
            found[number.place] = number
    return [number for number in found.values() if _reads_again(number, text)]


def _in_line(line: str, order: int) -> Iterator[Number]:
    for match in _LABELLED.finditer(line):
        label, value = match[1].strip(), float(match[4])
        if not math.isfinite(value):
            continue
        # White space alone ties a word to a number only where the line holds nothing else.
        if not re.search(r"[:=|]|->|\bis\b", match[2]) and line.strip() != match[0].strip():
            continue
        pattern = (
            rf"(?<![\w@.]){re.escape(label)}['\"]?\*{{0,2}}\s*(?:[:=|]|->|\bis\b|\s)\s*\|?\s*\*{{0,2}}"
            rf"(?:[A-Za-z_][\w.]*\()?(?P<score>{NUMBER})"
        )
        place = Place(MetricsSource.STDOUT, pattern=pattern)
        yield Number(label, place, value, bool(match[5]), order)


def _reads_again(number: Number, text: str) -> bool:
    """Whether the place leads to this very number."""
    last: str | None = None
    for line in text.splitlines():
        for match in re.finditer(number.place.pattern, line[:_MAX_LINE]):
            last = match["score"]
            break
    return last is not None and float(last) == number.value


def numbers_in_files(documents: Mapping[str, object]) -> list[Number]:
    """Numbers in JSON documents by path; lists and large objects hold one entry for each task and are left
    out."""
    found: list[Number] = []
    for file, document in sorted(documents.items()):
        if isinstance(document, dict):
            for path, value in _leaves(document, ()):
                place = Place(MetricsSource.FILE, file=file, path=path)
                found.append(
                    Number(path[-1], place, value, percent=False, order=len(found), within=path[:-1])
                )
    return found


def _leaves(
    document: Mapping[object, object], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], float]]:
    if len(above) >= _MAX_DEPTH or len(document) > _MAX_KEYS:
        return
    for key, value in document.items():
        path = (*above, str(key))
        if isinstance(value, dict):
            yield from _leaves(value, path)
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield path, float(value)
