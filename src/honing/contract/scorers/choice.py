"""Judges answers to multiple-choice questions: the label of a choice, or its text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from honing.contract.scorers import answers
from honing.contract.scorers.answers import Marked, Marker
from honing.contract.scorers.base import Row, ScoreDetail, invalid, right, wrong
from honing.contract.scorers.text import normalise

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_CHOICES = len(LETTERS)


@dataclass(frozen=True, slots=True)
class ChoiceScorer:
    """Finds the one choice that a completion names, and compares it with the gold label.

    A row carries `choices` (the texts, in the order shown) and may carry `labels`; without them they are A,
    B, C. A completion that names several choices, or a label together with another choice's text, is wrong.
    """

    name: str = "choice"

    def score(self, row: Row, completion: str) -> ScoreDetail:
        choices = tuple(str(choice) for choice in row.inputs.get("choices", ()))
        labels = labels_of(row)
        if not 2 <= len(choices) <= MAX_CHOICES or len(labels) != len(choices):
            return invalid(
                row.gold, f"a row needs 2 to {MAX_CHOICES} choices and as many labels, got {len(choices)}"
            )
        if row.gold not in labels:
            return invalid(
                row.gold, f"the gold {row.gold[:40]!r} is not one of the labels {', '.join(labels)}"
            )
        if not completion.strip():
            return wrong(row.gold, None, "the completion is empty")
        named, why = _Reader(labels, choices).read(completion)
        if named is None:
            return wrong(row.gold, None, why)
        # Two choices with the same text are the same answer.
        same = normalise(choices[labels.index(named)]) == normalise(choices[labels.index(row.gold)])
        if named == row.gold or (same and normalise(choices[labels.index(named)])):
            return right(row.gold, named, f"{why} names {named}")
        return wrong(row.gold, named, f"{why} names {named}, the gold is {row.gold}")

    def values(self, row: Row) -> frozenset[str]:
        """See `Scorer.values`."""
        return frozenset(row.golds)


def labels_of(row: Row) -> tuple[str, ...]:
    """The labels under which a row's choices are shown."""
    labels = row.inputs.get("labels")
    return tuple(map(str, labels)) if labels else tuple(LETTERS[: len(row.inputs.get("choices", ()))])


_OPEN, _CLOSE = r"[(\[{\"'“]*", r"[)\]}\"'”]*"
_EXPLAINS = re.compile(
    r"\b(?:because|since|as|so|due|which|where|while|whereas|but|not|rather)\b|[.;\n]|\s[-\u2013\u2014]\s",
    re.IGNORECASE,
)


class _Reader:
    """Reads completions for one set of labels and choices."""

    def __init__(self, labels: Sequence[str], choices: Sequence[str]) -> None:
        self.texts = {label: normalise(choice) for label, choice in zip(labels, choices, strict=True)}
        one = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
        word = r"(?:(?:option|choice|letter|answer)\s+)?"
        self._lone = re.compile(rf"[\s$]*{word}{_OPEN}({one})[\s)\]}}.:,\"'”$]*", re.IGNORECASE)
        self._start = re.compile(rf"[ \t>]*{word}(?:[(\[{{\"]({one})[)\]}}\"][.:,]?|({one})[.):,]+(?=\s|$))")
        self._tight = re.compile(rf"[\s$]*{word}{_OPEN}({one})(?![\w'\u2019]){_CLOSE}", re.IGNORECASE)
        beside = r"\s*(?:[,/&;]|\band\b|\bor\b)?\s*(?:\bor\b\s*)?"
        self._beside = re.compile(rf"{beside}{_OPEN}({one}){_CLOSE}(?=\s*(?:$|[.,;/&\n()]|and\b|or\b))")
        self._statement = re.compile(
            rf"(?:^|[.\n]\s*){_OPEN}({one}){_CLOSE}\s+is\s+(?:the\s+)?(?:correct|right|best|true|answer)",
            re.IGNORECASE,
        )

    def read(self, completion: str) -> tuple[str | None, str]:
        """The label that is named, and where; or None and why."""
        text = answers.plain(completion).strip()
        if not text:
            return None, "the completion holds no words"
        if lone := self._lone.fullmatch(text):
            return self._label(lone), "the completion"
        if self._by_text(text):
            return self._by_text(text), "the completion's text"
        marked = answers.marked_answer(text, letter=False)
        if marked is not None:
            return self._marked(marked)
        return self._unmarked([line.strip() for line in text.split("\n") if line.strip()])

    def _label(self, match: re.Match[str]) -> str:
        found = next(group for group in match.groups() if group)
        return next(label for label in self.texts if label.lower() == found.lower())

    def _marked(self, marked: Marked) -> tuple[str | None, str]:
        where = "the boxed answer" if marked.marker is Marker.BOXED else "the marked answer"
        if any(other.strip() != marked.text.strip() for other in marked.others):
            return None, "several different answers are boxed on one line"
        text = answers.without_latex(marked.text).strip().strip("$")
        tight = self._tight.match(text)
        if tight and self._is_label(tight, text):
            return self._checked(tight, text, where, listed=len(self.texts) - 1)
        named = self._by_text(text) or self._within(_EXPLAINS.split(text, maxsplit=1)[0])
        if named is None:
            return None, f"{where}, {text[:60]!r}, names no single choice"
        return named, where

    def _is_label(self, match: re.Match[str], text: str) -> bool:
        """Whether a letter after a marker is a label: the 'a' of "the answer is a dog" is an article."""
        rest = text[match.end() :]
        following = re.match(r"\s+([\w'\u2019]+)", rest)
        if following is None or match.group().strip() != match.group(1):
            return True
        if match.group(1) in self.texts and match.group(1).lower() not in {"a", "i"}:
            return True
        return bool(_EXPLAINS.match(following.group(1))) or following.group(1).lower() in {"and", "or"}

    def _checked(self, match: re.Match[str], text: str, where: str, *, listed: int) -> tuple[str | None, str]:
        """The label of a match, unless what follows contradicts it.

        Args:
            match: Where the label stands.
            text: The text it stands in.
            where: Its place in words.
            listed: How many other choices, label and text, may not follow.
        """
        label, rest = self._label(match), text[match.end() :]
        if label in self._same_text(rest):
            # Also "D. A and B".
            return label, where
        if (other := self._beside.match(rest)) and self._label(other) != label:
            return None, f"{where} names several choices"
        words = f" {normalise(rest)} "
        others = [one for one in self.texts if one != label and f" {self._listed(one)} " in words]
        if len(others) >= listed:
            return None, f"{where} lists {len(others) + 1} choices"
        same = self._same_text(_EXPLAINS.split(rest.lstrip(" \t.:,)-"), maxsplit=1)[0])
        if same and label not in same:
            return None, f"{where} pairs {label} with the text of {same[0]}"
        return label, where

    def _listed(self, label: str) -> str:
        """A choice as a list shows it, normalised: "b london"."""
        return f"{label.lower()} {self.texts[label]}"

    def _unmarked(self, lines: Sequence[str]) -> tuple[str | None, str]:
        starts = [match for line in lines if (match := self._start.match(line))]
        started = {self._label(match): match for match in starts}
        if len(started) == 1:
            [match] = started.values()
            return self._checked(match, match.string, "the line that starts with a label", listed=1)
        alone = {match.group(1) for line in lines if (match := self._lone.fullmatch(line))} & set(self.texts)
        if len(alone) > 1:
            return None, "several choices stand alone"
        last = self._lone.fullmatch(lines[-1])
        if last and last.group(1) in alone:
            return self._label(last), "the last line"
        if len(started) > 1:
            return None, f"{len(started)} choices are listed and none is marked"
        stated = {self._label(match) for match in self._statement.finditer("\n".join(lines))}
        if len(stated) == 1:
            return stated.pop(), "the statement"
        named = self._by_text(lines[-1])
        return named, "the last line's text" if named else "no choice is named"

    def _same_text(self, text: str) -> list[str]:
        wanted = normalise(text)
        return [label for label, choice in self.texts.items() if wanted and choice == wanted]

    def _by_text(self, text: str) -> str | None:
        """The label of the choice whose text this is."""
        return next(iter(self._same_text(text)), None)

    def _within(self, clause: str) -> str | None:
        """The label of the only choice whose text occurs in a short clause."""
        words = f" {normalise(clause)} "
        found = {choice for choice in self.texts.values() if choice and f" {choice} " in words}
        # "New York" inside "New York City" is not a second choice.
        found = {
            one for one in found if not any(one != other and f" {one} " in f" {other} " for other in found)
        }
        return self._by_text(found.pop()) if len(found) == 1 else None
