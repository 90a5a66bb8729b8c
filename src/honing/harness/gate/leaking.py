"""What a harness must not know: which tasks it is judged by, what their hidden parts hold, forbidden phrases.

Only what is new counts: a phrase that stands in the candidate no more often than in its parent was the user's
own, or was let through before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from honing.harness.candidate import Outcome
from honing.harness.gate.hiding import fold, holds_encoded, readable
from honing.harness.gate.refusal import Refusal, refusal
from honing.harness.gate.touched import Touched
from honing.harness.project import Project
from honing.store import Entry, EntryKind, Tree

Read = Callable[[Entry], bytes]

_TELLING_FROM = 16
"""Characters from which a name made of one plain word is looked for."""
_COMPOSED_FROM = 6
"""Characters from which a name made of several parts, or with a digit in it, is looked for."""
_COMPOSED = re.compile(r"\w[-_./: ]+\w|[^\W\d_]\d|\d[^\W\d_]|[a-z][A-Z]")
_LINE_FROM = 24
"""Characters of a grader's line from which it may give the grader away."""
_LINES_NEEDED = 3
"""Lines of a grader's file that have to stand in a candidate's, and half of those that may give it away: a
few may be anybody's."""
_BOILERPLATE = re.compile(r"(?:(?:from|import|if __name__|class|def|async|return|raise|with)\b|[@#\"'])")
"""How lines begin that are the same in many files."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Something to look for."""

    text: str
    shown: str
    """How it is spoken of. Hidden ones are described, not repeated: reports are read by the next proposer."""
    whole_words: bool = False


def leakage_violation(project: Project, before: Tree, found: Sequence[Touched], read: Read) -> Refusal | None:
    """Why a candidate counts as having been told, or telling, what a harness must not know, if it does.

    Args:
        project: What its candidates must not know.
        before: The parent.
        found: What the candidate touched.
        read: The bytes of a stored file.
    """
    if not project.rules.leakage:
        return None
    texts = _Texts(found, read)
    leaks = [f"{phrase.shown} in {path}" for phrase in phrases_of(project) for path in texts.gained(phrase)]
    for shown, lines in _hidden_lines(project):
        if texts.copied(lines):
            # Read only now: lines that the user's own files hold are public.
            public = "\n".join(
                readable(read(entry)) for entry in before.entries if entry.kind is EntryKind.FILE
            )
            secret = [line for line in lines if line not in public]
            leaks += [f"lines of the hidden part of {shown} in {path}" for path in texts.copied(secret)]
    if not leaks:
        return None
    return refusal(Outcome.LEAKAGE_VIOLATION, "it holds what a harness must not know", leaks)


def phrases_of(project: Project) -> tuple[Phrase, ...]:
    """Everything that is looked for in a project's candidates.

    Ids that say nothing (one plain short word) or that the project itself tells its proposers are left out.
    """
    told = fold(
        "\n".join(
            (
                project.objective,
                *project.constraints,
                *(one.path for one in project.rules.scope),
                *project.rules.required,
            )
        )
    )
    found = [Phrase(task.id, f"the task id '{task.id}'", whole_words=True) for task in project.tasks]
    found += [
        Phrase(task.id, f"the id of held-out task {number}", whole_words=True)
        for number, task in enumerate(project.held_out, start=1)
    ]
    ids = [phrase for phrase in found if is_telling(phrase.text) and fold(phrase.text) not in told]
    forbidden = [
        Phrase(text, f"forbidden phrase {number}")
        for number, text in enumerate(project.rules.forbidden, start=1)
        if fold(text)
    ]
    return (*ids, *forbidden)


def is_telling(name: str) -> bool:
    """Whether nobody writes a name by chance: it has parts or a digit, or is long."""
    composed = _COMPOSED.search(name) is not None
    return len(name) >= (_COMPOSED_FROM if composed else _TELLING_FROM)


class _Texts:
    """What a candidate's touched files, links and names say now, and what they said before."""

    def __init__(self, found: Sequence[Touched], read: Read) -> None:
        self._now: list[tuple[str, str, bytes]] = []
        before: list[str] = []
        raw: list[bytes] = []
        for one in found:
            for entry, is_now in ((one.before, False), (one.after, True)):
                if entry is None or entry.kind is EntryKind.SPECIAL:
                    continue
                content = read(entry) if entry.kind is EntryKind.FILE else entry.target
                text = f"{fold(entry.name)}\n{readable(content)}"
                if is_now:
                    self._now.append((one.name, text, content))
                else:
                    before.append(text)
                    raw.append(content)
        self._before, self._raw = "\n".join(before), b"\n".join(raw)

    def gained(self, phrase: Phrase) -> list[str]:
        """Paths that hold a phrase, where it stands in the candidate more often than in its parent."""
        expression = _expression(phrase)
        now = {name: len(expression.findall(text)) for name, text, _ in self._now}
        plain = [name for name, count in now.items() if count]
        if plain and sum(now.values()) > len(expression.findall(self._before)):
            return plain
        if holds_encoded(self._raw, phrase.text):
            return []
        return [name for name, _, content in self._now if holds_encoded(content, phrase.text)]

    def copied(self, lines: Sequence[str]) -> list[str]:
        """Paths of files that hold so many of these lines that they are a copy."""
        needed = max(_LINES_NEEDED, (len(lines) + 1) // 2)
        return [name for name, text, _ in self._now if sum(line in text for line in lines) >= needed]


def _expression(phrase: Phrase) -> re.Pattern[str]:
    text = re.escape(fold(phrase.text))
    return re.compile(rf"(?<![\w-]){text}(?![\w-])" if phrase.whole_words else text)


def _hidden_lines(project: Project) -> list[tuple[str, tuple[str, ...]]]:
    """The telling lines of each file of graders with a hidden part, and how its task is spoken of."""
    named = [(f"task '{task.id}'", task) for task in project.tasks]
    named += [(f"held-out task {number}", task) for number, task in enumerate(project.held_out, start=1)]
    found = []
    for shown, task in named:
        texts = getattr(task, "hidden_texts", None)
        if callable(texts):
            found += [(shown, telling_lines(text)) for text in texts()]
    return found


@lru_cache(maxsize=256)
def telling_lines(text: str) -> tuple[str, ...]:
    """The lines of a grader's file that nobody writes by chance, folded."""
    folded = {fold(line) for line in text.splitlines()}
    return tuple(sorted(one for one in folded if len(one) >= _LINE_FROM and not _BOILERPLATE.match(one)))
