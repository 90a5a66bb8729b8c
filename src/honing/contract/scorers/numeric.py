"""Judges answers that are one number, exactly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from honing.contract.scorers import answers, numbers
from honing.contract.scorers.answers import Marked, Marker
from honing.contract.scorers.base import Row, ScoreDetail, invalid, right, wrong
from honing.contract.scorers.numbers import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericScorer:
    r"""Reads one number from a completion and compares it with the gold.

    The number is the marked one (see `answers.marked_answer`), otherwise the last of the text. Where a marked
    answer is a calculation ("3 * 4 = 12") its result counts. Equality is exact; "50%" equals 50 and 1/2.
    """

    absolute_tolerance: float = 0.0
    """Largest accepted difference. Only where the target declares one."""
    relative_tolerance: float = 0.0
    """Largest accepted difference as a share of the gold. Only where the target declares one."""
    name: str = "numeric"

    def score(self, row: Row, completion: str) -> ScoreDetail:
        golds = [gold for text in row.golds if (gold := read_gold(text)) is not None]
        if not golds:
            return invalid(row.gold, f"the gold {row.gold[:80]!r} is not one number that can be read")
        expected = _shown(golds[0])
        if not completion.strip():
            return wrong(expected, None, "the completion is empty")
        found, why = extract(completion)
        if found is None:
            return wrong(expected, None, why)
        if any(self._equal(gold, found) for gold in golds):
            return right(expected, found.text, f"{why} equals the gold")
        return wrong(expected, found.text, f"{why} is {_shown(found)}, the gold is {expected}")

    def values(self, row: Row) -> frozenset[str]:
        """See `Scorer.values`."""
        golds = (read_gold(text) for text in row.golds)
        return frozenset(numbers.show(value) for gold in golds if gold is not None for value in gold.readings)

    def _equal(self, gold: Number, found: Number) -> bool:
        if gold.percent and found.percent:
            return self._close(max(gold.readings), max(found.readings)) if gold.readings else False
        return any(self._close(expected, got) for expected in gold.readings for got in found.readings)

    def _close(self, expected: Fraction, got: Fraction) -> bool:
        if expected == got:
            return True
        allowed = max(Fraction(self.absolute_tolerance), abs(expected) * Fraction(self.relative_tolerance))
        return abs(expected - got) <= allowed


def read_gold(text: str) -> Number | None:
    """The one number of a gold text, units and currency aside; None where it holds none, several or a
    formula.
    """
    cleaned = numbers.clean(answers.plain(text))
    found = [number for number in numbers.numbers_in(cleaned) if not number.unit_power]
    if len(found) != 1 or not found[0].readings:
        return None
    return found[0]


def extract(completion: str) -> tuple[Number | None, str]:
    """The number a completion answers with, and a sentence on where it was found or why there is none."""
    text = answers.plain(completion)
    marked = answers.marked_answer(text)
    if marked is None:
        return _last(numbers.clean(text))
    if marked.marker is Marker.BOXED and len({_key(inner) for inner in (marked.text, *marked.others)}) > 1:
        return None, "several different answers are boxed on one line"
    found, why = _from_marked(marked)
    if found is None and marked.marker is Marker.PHRASE and not any(map(str.isdigit, marked.text)):
        # "The answer is simple:" marks nothing.
        return _last(numbers.clean(text))
    return found, why


def _key(text: str) -> frozenset[Fraction] | str:
    number = read_gold(text)
    return number.readings if number else text.strip()


def _last(text: str) -> tuple[Number | None, str]:
    found = [number for number in numbers.numbers_in(text) if not number.unit_power]
    if not found:
        return None, "no number was found"
    if not found[-1].readings:
        return None, f"the last number, {found[-1].text[:60]!r}, cannot be read"
    return found[-1], f"the last number, {found[-1].text[:60]!r},"


_WHERE = {
    Marker.BOXED: "the boxed answer",
    Marker.TAG: "the tagged answer",
    Marker.HASHES: "the answer after '####'",
    Marker.PHRASE: "the stated answer",
}
_SENTENCE_END = re.compile(r"\.(?:\s|$)|[;!?]")
_EXPLAINED = re.compile(
    r"\.(?:\s|$)|[;!?]|[,:]\s|\b(?:since|because|as|for|so|check|where|which)\b", re.IGNORECASE
)
_DENIED = re.compile(r"\bnot\s+[$€£]?\Z")
_FILLER = re.compile(
    r"(?:[\s$€£¥₹(\[{:≈~\"'“”\u2018\u2019#-]|\\\$|"
    r"\b(?:approximately|approx\.?|about|around|roughly|exactly|only|just|simply|"
    r"equal\s+to|equals|a\s+total\s+of|the\s+number|USD|EUR|GBP|INR|Rs\.?|US)\b)*\Z",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\s*(?:[-+*\u00d7·÷/]|\\div)[\s$€£({√]*\Z")
_OR = re.compile(r"[^.\n]{0,20}\bor\b[^.\n]{0,20}\Z", re.IGNORECASE)


def _from_marked(marked: Marked) -> tuple[Number | None, str]:
    where = _WHERE[marked.marker]
    cleaned = numbers.clean(marked.text)
    if not cleaned.strip():
        return None, f"{where} is empty"
    clause = _clause(cleaned) if marked.marker is Marker.PHRASE else cleaned
    for part in reversed(re.split(r"[=≈]", clause)):
        found = [number for number in numbers.numbers_in(part) if not number.unit_power]
        if found:
            return _choose(found, part, where, loose=marked.marker is Marker.PHRASE)
    return None, f"{where}, {cleaned.strip()[:60]!r}, holds no number"


def _clause(text: str) -> str:
    """What a phrase says: to the end of its first number's sentence, or to where an explanation begins."""
    first = next(iter(numbers.numbers_in(text)), None)
    if first is None:
        return text
    tight = _FILLER.match(text[: first.start])
    end = (_EXPLAINED if tight else _SENTENCE_END).search(text, first.end)
    return text if end is None else text[: end.start()]


def _choose(found: list[Number], part: str, where: str, *, loose: bool) -> tuple[Number | None, str]:
    """The first number where it follows the marker closely, the last of the sentence otherwise."""
    first = found[0]
    if loose and not _FILLER.match(part[: first.start]):
        first, found = found[-1], found[-1:]
    if _DENIED.search(part[: first.start]):
        return None, f"{where} only says what it is not"
    if not first.readings:
        return None, f"{where}, {first.text[:60]!r}, cannot be read as a number"
    if len(found) > 1:
        between = part[first.end : found[1].start]
        signed = part[found[1].start] in "+-" and not between.strip()
        if signed or _OPERATOR.match(between):
            return None, f"{where} is a calculation without its result"
        if _OR.match(between) and not (first.readings & found[1].readings):
            return None, f"{where} names several candidates"
    return first, f"{where}, {first.text[:60]!r},"


def _shown(number: Number) -> str:
    return numbers.show(_main(number.readings))


def _main(readings: Iterable[Fraction]) -> Fraction:
    """The largest reading: "2 million" is 2000000, "50%" is 50."""
    return max(readings, key=abs)
