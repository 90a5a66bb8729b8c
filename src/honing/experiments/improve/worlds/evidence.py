"""What a student's own episodes say about where it goes wrong: the evidence that proposers are shown.

Nothing here knows the world. Where a kind of action was open, episodes that took it are compared with those
that did not, among the goals that hold a word; a student that acts by chance tries most things now and then.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from honing.learn import Episode, Lesson, diagnosis_from_kinds, reason_from_kind

Kind = Callable[[str], str]
_SEEN_FEWEST = 8
"""Episodes with a word of the goal, at least: fewer say nothing of the word."""
_MARK_FROM = 0.8
"""Share of the observations after a kind of action that must hold its mark."""
_MARK_BEFORE = 0.1
"""Share of the observations before it that may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clue:
    """A kind of action that seems to help where the goal holds a word."""

    word: str
    """Of the goal; empty for every goal."""
    kind: str
    weight: float
    """Failures that taking it might have avoided: a share, by what the episodes show, times their number."""
    with_it: tuple[int, int]
    """Successes and episodes that took it."""
    without: tuple[int, int]
    """Successes and episodes that could have and did not."""
    can: str
    """What its actions have in common from their beginning on."""
    mark: str
    """What is seen after it and not before; empty where nothing tells."""
    lesson: Lesson
    """As a teacher would say it, by kinds alone."""


@dataclass(slots=True)
class _Kept:
    """What is counted of one kind of action."""

    actions: set[str] = field(default_factory=set)
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    n_before: int = 0
    n_after: int = 0
    places: Counter[str] = field(default_factory=Counter)
    instead: Counter[str] = field(default_factory=Counter)
    """Actions that failed episodes took where it was open."""


def clues_of(episodes: Sequence[Episode], kind: Kind) -> list[Clue]:
    """The clues of episodes, the weightiest first; those that speak against a kind are left out.

    Args:
        episodes: With their steps; tampered ones are passed over.
        kind: Of an action: `World.kind`.
    """
    sound = [episode for episode in episodes if episode.moves and not episode.tampered]
    kept = _kept(sound, kind)
    counts: dict[tuple[str, str], list[int]] = {}
    for episode in sound:
        words = {"", *_words(episode.goal)}
        able = {kind(action) for move in episode.moves for action in move.actions}
        took = {kind(move.action) for move in episode.moves}
        for name in able:
            for word in words:
                row = counts.setdefault((word, name), [0, 0, 0, 0])
                place = 0 if name in took else 2
                row[place] += episode.success
                row[place + 1] += 1
    found = [
        _clue(word, name, row, kept[name], kind)
        for (word, name), row in counts.items()
        if name and row[1] + row[3] >= _SEEN_FEWEST
    ]
    useful = [clue for clue in found if clue is not None]
    return sorted(useful, key=lambda clue: (-clue.weight, clue.kind, clue.word))


def trace_of(episodes: Sequence[Episode], clues: Sequence[Clue], *, shown: int = 12) -> str:
    """The evidence as text, for proposers that read: the clues, then failed episodes move by move."""
    lines = ["What seems to help, by the student's own episodes (successes of episodes):"]
    lines += [
        f"- goals with {clue.word!r}: "
        * bool(clue.word)
        + f"{'' if clue.word else '- '}{clue.kind} taken {clue.with_it[0]} of {clue.with_it[1]}, not taken "
        f"{clue.without[0]} of {clue.without[1]}"
        for clue in clues[:shown]
    ]
    for episode in [one for one in episodes if not one.success][:shown]:
        lines += ["", f"failed, reward {episode.reward:g}: {episode.goal}"]
        lines += [f"  {move.observation}  ->  {move.action}" for move in episode.moves]
    return "\n".join(lines) + "\n"


def _kept(episodes: Iterable[Episode], kind: Kind) -> dict[str, _Kept]:
    found: dict[str, _Kept] = {}
    for episode in episodes:
        for number, move in enumerate(episode.moves):
            taken = kind(move.action)
            grams = _grams(move.observation)
            for name in {kind(action) for action in move.actions}:
                one = found.setdefault(name, _Kept())
                one.actions |= {action for action in move.actions if kind(action) == name}
                one.places[_place(move.observation)] += 1
                if name != taken and not episode.success:
                    one.instead[move.action] += 1
            one = found[taken]
            one.n_before += 1
            one.before.update(grams)
            if number + 1 < len(episode.moves):
                one.n_after += 1
                one.after.update(_grams(episode.moves[number + 1].observation))
    return found


def _clue(word: str, name: str, row: Sequence[int], kept: _Kept, kind: Kind) -> Clue | None:
    """The clue of a word and a kind; None where taking it did not help, or was never left out."""
    took, without = (row[0], row[1]), (row[2], row[3])
    gain = (took[0] + 0.5) / (took[1] + 1) - (without[0] + 0.5) / (without[1] + 1)
    weight = gain * (without[1] - without[0])
    if weight <= 0:
        return None
    # The commonest of each; of equals the first by name, whatever order they were met in.
    action = min(kept.actions)
    wrong = min(kept.instead, key=lambda one: (-kept.instead[one], one), default="")
    wrong_kind = kind(wrong) if wrong else ""
    return Clue(
        word=word,
        kind=name,
        weight=weight,
        with_it=took,
        without=without,
        can=os.path.commonprefix(sorted(kept.actions)),
        mark=_mark(kept),
        lesson=Lesson(
            observation=min(kept.places, key=lambda one: (-kept.places[one], one)),
            action=action,
            reason=reason_from_kind(name),
            wrong=wrong,
            diagnosis=diagnosis_from_kinds(name, wrong_kind),
        ),
    )


def _mark(kept: _Kept) -> str:
    """The words that tell whether it was done already: seen after it, and hardly before it."""
    if not kept.n_after:
        return ""
    shares: Mapping[str, float] = {
        gram: count / kept.n_after - kept.before[gram] / max(1, kept.n_before)
        for gram, count in kept.after.items()
        if count / kept.n_after >= _MARK_FROM and kept.before[gram] / max(1, kept.n_before) <= _MARK_BEFORE
    }
    return min(shares, key=lambda gram: (-round(shares[gram], 6), len(gram), gram), default="")


def _grams(text: str) -> set[str]:
    """The words of a text, and each two that follow one another."""
    words = text.casefold().split()
    return {*words, *(f"{one} {other}" for one, other in zip(words, words[1:], strict=False))}


def _words(goal: str) -> set[str]:
    return {word for word in goal.casefold().split() if len(word) > 1}


def _place(observation: str) -> str:
    """The beginning of an observation, which says where one is: its first sentence or line."""
    return observation.replace("\n", ".").split(".", 1)[0]
