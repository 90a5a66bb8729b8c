"""What a student's own episodes say about where it goes wrong: the evidence that proposers are shown.

Nothing here knows the world. Where a kind of action was open, episodes that took it are compared with those
that did not, among the goals that hold a word; a student that acts by chance tries most things now and then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

from honing.learn import Episode, Lesson, diagnosis_from_kinds, reason_from_kind

Kind = Callable[[str], str]
_SEEN_FEWEST = 8
"""Episodes with a word of the goal, at least: fewer say nothing of the word."""
_OF_ONE_KIND = 4
"""Clues, at most."""
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
    """The clues of episodes: the weightiest of each kind of action, then the second of each, and so on.

    Of one kind, a clue counts only episodes that no weightier one speaks of: "shoes" says nothing new once
    "size" is named, where every pair of shoes has a size.

    Args:
        episodes: With their steps; tampered ones are passed over.
        kind: Of an action: `World.kind`.
    """
    sound = [episode for episode in episodes if episode.moves and not episode.tampered]
    kept = _kept(sound, kind)
    rounds: list[tuple[int, Clue]] = []
    for name in sorted(kept):
        rows = [_row(episode, name, kind) for episode in sound]
        able = [row for row in rows if row is not None]
        rounds += enumerate(_of_one_kind(able, name, kept[name], kind))
    return [clue for _, clue in sorted(rounds, key=lambda one: (one[0], -one[1].weight, one[1].kind))]


@dataclass(frozen=True, slots=True)
class _Able:
    """One episode in which a kind of action was open."""

    words: frozenset[str]
    took: bool
    success: bool


def _row(episode: Episode, name: str, kind: Kind) -> _Able | None:
    if not any(kind(action) == name for move in episode.moves for action in move.actions):
        return None
    took = any(kind(move.action) == name for move in episode.moves)
    return _Able(frozenset({"", *_words(episode.goal)}), took, episode.success)


def _of_one_kind(rows: Sequence[_Able], name: str, kept: _Kept, kind: Kind) -> list[Clue]:
    found: list[Clue] = []
    left = list(rows)
    while len(found) < _OF_ONE_KIND:
        words = sorted({word for row in left for word in row.words})
        clues = [clue for word in words if (clue := _clue(word, name, left, kept, kind)) is not None]
        # Of equals the longest word: "" and "buy" hold for every goal, and say least.
        best = max(clues, key=lambda clue: (round(clue.weight, 6), len(clue.word), clue.word), default=None)
        if best is None:
            break
        found.append(best)
        left = [row for row in left if best.word not in row.words]
    return found


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


def _clue(word: str, name: str, rows: Sequence[_Able], kept: _Kept, kind: Kind) -> Clue | None:
    """The clue of a word and a kind; None where taking it did not help, or was never left out."""
    ours = [row for row in rows if word in row.words]
    if len(ours) < _SEEN_FEWEST:
        return None
    took, without = _counted(row for row in ours if row.took), _counted(row for row in ours if not row.took)
    gain = (took[0] + 0.5) / (took[1] + 1) - (without[0] + 0.5) / (without[1] + 1)
    # What was hardly tried is worth a try, and less than what was seen to help.
    sure = (took[1] + 1) / (took[1] + 3)
    weight = gain * sure * (without[1] - without[0])
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
        can=_beginning(sorted(kept.actions)),
        mark=_mark(kept),
        lesson=Lesson(
            observation=min(kept.places, key=lambda one: (-kept.places[one], one)),
            action=action,
            reason=reason_from_kind(name),
            wrong=wrong,
            diagnosis=diagnosis_from_kinds(name, wrong_kind),
        ),
    )


def _counted(rows: Iterable[_Able]) -> tuple[int, int]:
    """Successes, and how many there are."""
    ended = [row.success for row in rows]
    return sum(ended), len(ended)


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
    return {*words, *(f"{one} {other}" for one, other in pairwise(words))}


def _beginning(texts: Sequence[str]) -> str:
    """What sorted texts have in common from their beginning on."""
    both = zip(texts[0], texts[-1], strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both))


def _words(goal: str) -> set[str]:
    return {word for word in goal.casefold().split() if len(word) > 1}


def _place(observation: str) -> str:
    """The beginning of an observation, which says where one is: its first sentence or line."""
    return observation.replace("\n", ".").split(".", 1)[0]
