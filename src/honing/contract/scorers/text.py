"""Judges short free text: exact after normalisation, with token overlap as a secondary figure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from honing.contract.scorers import answers
from honing.contract.scorers.base import Row, ScoreDetail, invalid, right, wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class TextScorer:
    """Compares a completion's answer with each acceptable gold, forgiving case, articles, white space and the
    punctuation around words.

    The answer is the marked one (see `answers.marked_answer`), else the whole completion or its last line.
    """

    labels: tuple[str, ...] = ()
    """The closed set of answers, where there is one ("yes", "no"): then an answer that starts with one label
    and goes on is read as that label."""
    name: str = "text"

    def score(self, row: Row, completion: str) -> ScoreDetail:
        golds = [gold for gold in row.golds if normalise(gold)]
        if not golds:
            return invalid(row.gold, "the row has no gold with any text")
        if not completion.strip():
            return wrong(golds[0], None, "the completion is empty", token_f1=0.0)
        wanted = {normalise(text) for gold in golds for text in (gold, answers.plain(gold))}
        found = self._candidates(completion)
        overlap = max(token_f1(found[-1], gold) for gold in golds)
        for answer in found:
            if normalise(answer) in wanted:
                return right(golds[0], answer, "the answer equals a gold", token_f1=1.0)
        return wrong(golds[0], found[-1], f"{found[-1][:60]!r} equals none of the golds", token_f1=overlap)

    def values(self, row: Row) -> frozenset[str]:
        """See `Scorer.values`."""
        return frozenset(normalise(gold) for gold in row.golds)

    def _candidates(self, completion: str) -> list[str]:
        """Readings of the one answer a completion gives, never a choice among several."""
        # An answer may consist of what is emphasis elsewhere.
        text = answers.plain(completion).strip() or completion.strip()
        marked = answers.marked_answer(text)
        if marked is not None:
            answer = answers.without_latex(marked.text).strip()
            label = self._label(answer)
            # "The answer is Paris." and a gold that happens to begin with a marker's words are both read.
            return [text, answer, label] if label is not None else [text, answer]
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        label = self._label(lines[0] if len(lines) == 1 else lines[-1])
        return [text, lines[-1]] if label is None else [text, lines[-1], label]

    def _label(self, answer: str) -> str | None:
        words = f"{normalise(answer)} "
        found = [label for label in self.labels if words.startswith(f"{normalise(label)} ")]
        longest = max(found, key=len, default=None)
        if longest is None:
            return None
        others = [
            label for label in self.labels if label not in found and f" {normalise(label)} " in words[:60]
        ]
        return None if others else longest


_QUOTES = re.compile("[\"'`\u00b4\u2018\u2019“”„«»]")
_HYPHEN = re.compile(r"(?<=[^\W\d])[-\u2010-\u2015](?=[^\W\d])")
_EDGE = ".,;:!?()[]{}<>*_"
_ARTICLES = frozenset({"a", "an", "the"})


def normalise(text: str) -> str:
    """The text as compared: NFKC, case folded, without quotes, articles, and punctuation around words.

    Marks inside a word stay ("1.5", "C++", "-3", "50%"), so that answers that differ in them stay different.
    A text made of marks alone keeps them; one that is an article alone keeps it.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2212", "-")
    words = _HYPHEN.sub(" ", _QUOTES.sub("", folded)).split()
    kept = [bare for word in words if (bare := _strip(word))]
    # "A) Paris" starts with a label, "a dog" with an article.
    content = [bare for word in words if word not in _ARTICLES and (bare := _strip(word))]
    if not any(character.isalnum() for word in kept for character in word):
        return " ".join(folded.split())
    return " ".join(content or kept)


def _strip(word: str) -> str:
    """A word without the punctuation around it; the point of ".5" and a currency sign stay."""
    bare = word.strip(_EDGE)
    return f".{bare}" if bare[:1].isdigit() and word.startswith(".") else bare


def token_f1(answer: str, gold: str) -> float:
    """Harmonic mean of precision and recall over normalised words, in [0, 1]."""
    got, expected = normalise(answer).split(), normalise(gold).split()
    shared = sum((Counter(got) & Counter(expected)).values())
    return 2 * shared / (len(got) + len(expected)) if shared else 0.0
