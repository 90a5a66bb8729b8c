"""Placeholders: the stretches of a command that somebody must fill in, each with its kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from honing.contract.hints.base import Placeholder
from honing.contract.hints.invocations import Invocation, Word
from honing.contract.hints.kinds import PATH_LIKE, SAMPLES_NAME, STAND_IN, option_kind, option_name, text_kind
from honing.contract.hints.marks import Mark, marks
from honing.contract.spec import HoleKind

_VARIABLE = re.compile(r"(?<!\\)\$(?:\{(?P<braced>[A-Za-z_]\w*)\}|(?P<plain>[A-Za-z_]\w*))")
USUAL_VARIABLES = frozenset(
    {"PATH", "HOME", "PWD", "USER", "PYTHONPATH", "LD_LIBRARY_PATH", "SHELL", "HOSTNAME", "RANDOM",
     "OLDPWD", "TMPDIR",
     "LANG", "UID", "EDITOR", "SECONDS", "LINENO", "BASH_SOURCE", "IFS", "CI", "GITHUB_WORKSPACE",
     "GITHUB_ENV",
     "GITHUB_OUTPUT", "GITHUB_PATH", "RUNNER_TEMP", "CONDA_PREFIX", "VIRTUAL_ENV", "CUDA_HOME"}
)  # fmt: skip
_CI_EXPRESSION = re.compile(r"\$\{\{[^{}\n]{1,200}\}\}")
_KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*(?:KEY|TOKEN|SECRET|ROLE_ARN)")
_KEPT_KINDS = frozenset({HoleKind.MODEL, HoleKind.BASE_URL, HoleKind.KEY, HoleKind.LIMIT, HoleKind.OUTPUT})
"""Concrete values of these kinds stand for the reader's own."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class _Slot:
    """A word of a command with the option it is the value of."""

    option: str
    value: str
    start: int
    end: int
    concrete: bool
    """Whether its kind may be told by its option although the value is concrete."""

    @property
    def kind(self) -> HoleKind | None:
        """What its option says it is; the options of well-known programs say nothing about a model."""
        if _KEY_NAME.fullmatch(self.option):
            return HoleKind.KEY
        return option_kind(self.option) if self.option and (self.concrete or self.assigned) else None

    @property
    def assigned(self) -> bool:
        return bool(self.option) and not self.option.startswith("-")


def placeholders_of(
    command: str,
    found: Sequence[Invocation],
    *,
    known: Collection[str],
    own: Callable[[Invocation], bool],
    exists: Callable[[str], bool],
    copy: str = "",
) -> tuple[Placeholder, ...]:
    """The placeholders of one command, from left to right; they do not overlap.

    Args:
        command: Shell text.
        found: Its programs.
        known: Variables that the text around it sets.
        own: Whether a program is the target's own, so that its options may be read as those of a benchmark.
        exists: Whether a path is there, seen from where the command runs.
        copy: Name of the folder that a `git clone` of the target above it has made, where nobody has
            entered it: a word that names it stands for the target's own folder.
    """
    slots = [slot for invocation in found for slot in _slots(command, invocation, concrete=own(invocation))]
    made = [*_marked(command, slots), *_variables(command, slots, known), *_copies(slots, copy)]
    taken = [(one.start, one.end) for one in made]
    for slot in slots:
        if any(start < slot.end and slot.start < end for start, end in taken):
            continue
        one = _stand_in(slot) or (_concrete(slot, exists) if slot.concrete else None)
        if one is not None:
            made.append(one)
            taken.append((one.start, one.end))
    return _named(sorted(made, key=lambda one: one.start))


def _slots(command: str, invocation: Invocation, *, concrete: bool) -> Iterator[_Slot]:
    for word in invocation.assignments:
        yield _half(command, word, concrete=False)
    option = ""
    for word in invocation.arguments:
        if re.match(r"--?[A-Za-z][\w.-]*=|[A-Za-z_][\w.]*=", word.text):
            yield _half(command, word, concrete=concrete)
            option = ""
        elif re.fullmatch(r"--?[A-Za-z][\w.-]*", word.text):
            option = word.text
        else:
            yield _Slot(option, word.text, *_unquoted(command, word.start, word.end), concrete)
            option = ""


def _half(command: str, word: Word, *, concrete: bool) -> _Slot:
    """The value in `--option=value` or `NAME=value`."""
    option, _, value = word.text.partition("=")
    start = command.index("=", word.start) + 1
    return _Slot(option, value, *_unquoted(command, start, word.end), concrete)


def _unquoted(command: str, start: int, end: int) -> tuple[int, int]:
    if end - start >= 2 and command[start] in "\"'" and command[end - 1] == command[start]:
        return start + 1, end - 1
    return start, end


def _marked(command: str, slots: Sequence[_Slot]) -> Iterator[Placeholder]:
    for found in _CI_EXPRESSION.finditer(command):
        name = re.sub(r"\W+", " ", found[0]).split()[-1:] or ["value"]
        kind = text_kind(name[0]) or HoleKind.TEXT
        yield Placeholder(start=found.start(), end=found.end(), text=found[0], kind=kind, name=name[0])
    whole: set[int] = set()
    for mark in marks(_CI_EXPRESSION.sub(lambda found: "X" * len(found[0]), command)):
        slot = next((slot for slot in slots if slot.start <= mark.start and mark.end <= slot.end), None)
        option = slot.option if slot is not None else ""
        if slot is not None and not mark.inner.strip("?"):
            mark = Mark(slot.start, slot.end, slot.value, slot.value)
            if mark.start in whole:
                continue
            whole.add(mark.start)
        yield Placeholder(
            start=mark.start, end=mark.end, text=mark.text, option=option, choices=mark.choices,
            kind=_kind_of_mark(mark, slot), name=_name_of_mark(mark, option),
        )  # fmt: skip


def _kind_of_mark(mark: Mark, slot: _Slot | None) -> HoleKind:
    by_option = slot.kind if slot is not None else None
    by_text = text_kind(mark.inner)
    if by_option in (HoleKind.KEY, HoleKind.BASE_URL, HoleKind.MODEL):
        return by_option
    if mark.choices:
        return HoleKind.CHOICE
    if by_text is HoleKind.SAMPLES:
        return by_text
    if by_option in (HoleKind.SAMPLES, HoleKind.OUTPUT, HoleKind.LIMIT):
        return by_option
    return by_text or by_option or HoleKind.TEXT


def _name_of_mark(mark: Mark, option: str) -> str:
    if option:
        return option_name(option)
    return "choice" if mark.choices else mark.inner.strip(".…?- ") or "rest"


def _variables(command: str, slots: Sequence[_Slot], known: Collection[str]) -> Iterator[Placeholder]:
    quoted = [found.span() for found in re.finditer(r"'[^']*'", command)]
    for found in _VARIABLE.finditer(_CI_EXPRESSION.sub(lambda one: "X" * len(one[0]), command)):
        name = found["braced"] or found["plain"]
        inside = any(start < found.start() < end for start, end in quoted)
        if name in known or name in USUAL_VARIABLES or inside:
            continue
        slot = next((slot for slot in slots if slot.start <= found.start() and found.end() <= slot.end), None)
        whole = slot is not None and (slot.start, slot.end) == found.span()
        by_option = slot.kind if whole and slot is not None else None
        kind = HoleKind.KEY if _KEY_NAME.fullmatch(name) else by_option or text_kind(name) or HoleKind.TEXT
        yield Placeholder(
            start=found.start(), end=found.end(), text=found[0], kind=kind, name=name,
            option=slot.option if slot is not None else "",
        )  # fmt: skip


def _copies(slots: Sequence[_Slot], copy: str) -> Iterator[Placeholder]:
    for slot in slots:
        if copy and (slot.value == copy or slot.value.startswith(f"{copy}/")):
            yield Placeholder(
                start=slot.start, end=slot.start + len(copy), text=copy, kind=HoleKind.PATH, name="target",
                option=slot.option, default=".",
            )  # fmt: skip


def _stand_in(slot: _Slot) -> Placeholder | None:
    """`YOUR_KEY`, `path/to/samples.jsonl`: words that nobody means literally."""
    text = slot.value
    if not text or (not STAND_IN.search(text.replace("_", " ")) and not STAND_IN.search(text)):
        return None
    by_option = slot.kind
    path = "/" in text or PATH_LIKE.fullmatch(text) is not None
    kind = by_option or text_kind(text) or (HoleKind.PATH if path else HoleKind.TEXT)
    name = option_name(slot.option) if slot.option else kind.value
    return _made(slot, kind, name)


def _concrete(slot: _Slot, exists: Callable[[str], bool]) -> Placeholder | None:
    """A value that is given as an example, or that names a file which is not there."""
    kind = option_kind(slot.option) if slot.option else None
    if kind in _KEPT_KINDS and (kind is not HoleKind.LIMIT or _NUMBER.fullmatch(slot.value)):
        return _made(slot, kind, option_name(slot.option), default=slot.value)
    if SAMPLES_NAME.fullmatch(slot.value) or (kind is HoleKind.SAMPLES and PATH_LIKE.fullmatch(slot.value)):
        return _made(slot, HoleKind.SAMPLES, "samples", default=slot.value)
    if PATH_LIKE.fullmatch(slot.value) and slot.option and not exists(slot.value):
        return _made(slot, HoleKind.PATH, option_name(slot.option), default=slot.value)
    return None


def _made(slot: _Slot, kind: HoleKind, name: str, default: str | None = None) -> Placeholder:
    return Placeholder(
        start=slot.start,
        end=slot.end,
        text=slot.value,
        kind=kind,
        name=name,
        option=slot.option,
        default=default,
    )


def _named(found: Sequence[Placeholder]) -> tuple[Placeholder, ...]:
    """Give each a name of its own, in the form that a contract's holes have."""
    named: list[Placeholder] = []
    used: set[str] = set()
    for one in found:
        base = re.sub(r"[^a-z0-9]+", "_", one.name.lower()).strip("_")[:40] or one.kind.value
        base = base if base[0].isalpha() else f"{one.kind.value}_{base}"
        name, number = base, 2
        while name in used:
            name, number = f"{base}_{number}", number + 1
        used.add(name)
        named.append(replace(one, name=name))
    return tuple(named)
