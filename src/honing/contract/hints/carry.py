"""What one command leaves to those below it: the folder, the variables, the copy of the target."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from honing.contract.hints.files import base_name
from honing.contract.hints.invocations import SimpleCommand, Word, simple_commands, unquoted
from honing.contract.hints.places import inside
from honing.contract.hints.sources.projects import plain_name

_SETTERS = ("export", "declare", "setenv")
_LOOP_VARIABLE = re.compile(r"\b(?:for|select)\s+([A-Za-z_]\w*)|\bread\s+(?:-\w+\s+)*([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a statement for a hint."""

    command: str
    """Empty where nothing is."""
    workdir: str | None
    """Folder that the text above it has led to; None where it has led to none."""


@dataclass(slots=True)
class Carry:
    """The state of the shell that a reader of one page would have."""

    own_names: frozenset[str]
    """Names that the target goes by."""
    is_folder: Callable[[str], bool]
    """Whether the target has such a folder."""
    workdir: str | None = None
    """Where the block's own `cd` has led; None before the first one."""
    previous: str | None = None
    """Where an earlier block has led."""
    env: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Variables that have a value."""
    copy: str = ""
    """Name of the folder that a `git clone` of the target has made, while nobody has entered it."""
    _heading: tuple[str, ...] = ()

    def enter_block(self, headings: tuple[str, ...], env: Mapping[str, str], workdir: str) -> None:
        """Begin a block; another section forgets the variables of the last one."""
        if headings != self._heading:
            self.env, self.known = {}, set()
        self._heading = headings
        self.env |= env
        self.known |= set(env)
        self.previous = self.workdir or self.previous
        self.workdir = inside(".", workdir) if workdir else None

    def take(self, statement: str) -> Kept:
        """Follow one statement, and say what of it is to be run from where.

        A leading `git clone` of the target itself and the step into it are dropped, as are statements that
        only set variables or change the folder. All else stays as written.
        """
        commands = simple_commands(statement)
        self.known |= {found[1] or found[2] for found in _LOOP_VARIABLE.finditer(statement)}
        at, rest = 0, commands
        while rest and self._leads_here(rest[0]):
            at = _next_command(statement, (*rest[0].words, *rest[0].assignments))
            rest = rest[1:]
        workdir = self.workdir
        only_state = [self._changes_state(command, statement) for command in rest]
        return Kept("" if all(only_state) else statement[at:], workdir)

    def _leads_here(self, command: SimpleCommand) -> bool:
        """Whether a command only copies the target, or steps into that copy; it is followed."""
        names = [word.text for word in command.words]
        if self._clones_itself(names):
            folder = names[-1] if len(names) > 3 and "/" not in names[-1].strip("./") else ""
            url = next(name for name in names[2:] if "/" in name)
            self.copy = folder or base_name(url).removesuffix(".git")
            return True
        if names[:1] == ["cd"] and len(names) == 2 and self._is_own_folder(names[1]):
            self.workdir, self.copy = ".", ""
            return True
        return False

    def _changes_state(self, command: SimpleCommand, statement: str) -> bool:
        names = [word.text for word in command.words]
        if not names:
            if "(" in statement.replace("$(", ""):
                return False  # A call in another language.
            self._assign(statement, command.assignments)
        elif names[0] in _SETTERS and all("=" in name or name.startswith("-") for name in names[1:]):
            self._assign(statement, command.words[1:])
        elif names[0] in ("cd", "pushd") and len(names) == 2:
            if not statement.lstrip().startswith("("):
                self.workdir = self._entered(names[1])
        else:
            return False
        return True

    def _entered(self, folder: str) -> str:
        """The folder that a `cd` leads to. A page that names two ways begins the second at the top again."""
        from_here = inside(self.workdir or self.previous or ".", folder)
        from_top = inside(".", folder)
        return from_top if self.is_folder(from_top) and not self.is_folder(from_here) else from_here

    def _is_own_folder(self, folder: str) -> bool:
        name = base_name(folder)
        if name and name == self.copy:
            return True
        there = self.is_folder(inside(self.workdir or ".", folder))
        return not there and plain_name(name) in self.own_names

    def _assign(self, statement: str, words: tuple[Word, ...]) -> None:
        for word in words:
            name, equals, _ = word.text.partition("=")
            if equals and re.fullmatch(r"[A-Za-z_]\w*", name):
                written = statement[word.start : word.end].split("=", 1)
                self.env[name] = unquoted(written[-1])
                self.known.add(name)

    def _clones_itself(self, names: list[str]) -> bool:
        if names[:2] != ["git", "clone"]:
            return False
        urls = [name for name in names[2:] if "/" in name and ("://" in name or "@" in name)]
        return bool(urls) and plain_name(base_name(urls[0].split("@")[-1])) in self.own_names


def _next_command(statement: str, words: tuple[Word, ...]) -> int:
    """Where the next command of the list begins."""
    end = max(word.end for word in words)
    found = re.compile(r"\s*(?:&&|\|\||;|\n|&)?\s*").match(statement, end)
    return found.end() if found is not None else end
