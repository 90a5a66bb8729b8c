"""Whether a statement is a command at all, or prose, output or data in a code block."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from honing.contract.hints.base import Role
from honing.contract.hints.block import Block
from honing.contract.hints.files import TargetFiles
from honing.contract.hints.invocations import Form, Invocation
from honing.contract.hints.places import has_program
from honing.contract.hints.role_words import PROGRAMS
from honing.contract.hints.roles import known_role
from honing.contract.hints.sources.projects import Project
from honing.contract.hints.transcripts import SHELL_LANGUAGES

_PART = r"(?:[\w.+-]|\{[^{}\s]+\}|<[^<>\s]+>|\[[^\[\]\s]+\])+"
_NAME = re.compile(rf"(?:\./|\.\./|/|~/)?[A-Za-z_<{{]{_PART}?(?:/{_PART})*")
_OPTION = re.compile(r"--?[A-Za-z]")
_ENGLISH = frozenset(
    {"az", "code", "conda", "top", "head", "tail", "set", "go", "make", "which", "exit", "sleep", "less",
     "more", "time", "kill", "ray", "sort", "test", "ls", "cat", "cp", "ln", "source", "transformers",
     "docker", "git", "black", "tar"}
)  # fmt: skip
"""Programs whose names are also words of a sentence or the name of a thing."""
_GENERIC = frozenset(
    {"make", "just", "node", "npx", "java", "Rscript", "perl", "ruby", "go", "cargo", "sbatch", "srun",
     "find", "sed", "awk", "grep", "inspect", "lm_eval", "lm-eval", "poe", "task", "jq", "openssl", "ssh",
     "screen", "tmux", "sky", "modal", "ninja", "sbt", "mvn", "gradle", "dotnet", "swift"}
)  # fmt: skip

_SIGNATURE = re.compile(
    r"<(?:flags|args|command|subcommand)>|(?:GROUP\|)?COMMAND|\[-h\]|\[(?:flags|FLAGS)\]|\[ARGS\]\.\.\."
)
"""Words by which a program's help shows how it is called; nobody types them, and nothing can stand there."""
_SHARES = {"pyproject": 0.6, "docker": 0.6, "requirements": 0.5, "script": 0.7}
"""How surely what a kind of file names is meant to be run: a console script stands there without the
arguments that it needs, an image is another machine, and a list of requirements is no command."""


def plausibility(
    found: Sequence[Invocation], block: Block, files: TargetFiles, project: Project, folder: str
) -> float:
    """How surely a statement is meant to be run: 0 for one that is none, up to 1."""
    named = [one for one in found if one.program not in ("[", "[[")]
    if named and block.certain:
        return _SHARES.get(block.source, 1.0)
    if not named or not _NAME.fullmatch(named[0].program):
        return 0.0
    first = named[0]
    known = _is_known(first, project) or bool(has_program(files, folder, first))
    if block.inline:
        if first.program in ("export", "set", "cd"):
            return 0.0  # It changes a shell that nobody keeps.
        return 0.55 if known and _is_whole(first) and _says_what_to_do(first, project) else 0.0
    options = any(_OPTION.match(word.text) for word in first.arguments)
    if block.language in SHELL_LANGUAGES:
        return 1.0 if known else 0.8 if options or first.form is not Form.PROGRAM else 0.5
    scripted = bool(first.launchers) and first.program.endswith((".py", ".sh"))
    if not known and not scripted and not (options and first.form is not Form.PROGRAM):
        return 0.0
    return 0.9 if _says_what_to_do(first, project) else 0.0


def is_shown(command: str, found: Sequence[Invocation]) -> bool:
    """Whether text shows a program without telling anybody to run it: a table's row, the head of its help
    (`bench evaluate - Judge answers.`), its signature (`bench COMMAND`, `bench <flags>`)."""
    if command.lstrip().startswith("|"):
        return True
    words = [word.text for invocation in found for word in invocation.arguments]
    described = any(
        word == "-" and after[:1].isupper() and len(words) > place + 3
        for place, (word, after) in enumerate(pairwise(words))
    )
    return described or any(_SIGNATURE.fullmatch(word) for word in command.split())


def _is_whole(invocation: Invocation) -> bool:
    """Whether words within a sentence are a command to run, and not the name of one (`docker build`)."""
    if len(invocation.arguments) != 1 or invocation.form is not Form.PROGRAM:
        return bool(invocation.arguments)
    only = invocation.arguments[0].text
    return known_role(invocation) is Role.TEST or not re.fullmatch(r"[a-z-]+", only) or only.startswith("-")


def _is_known(invocation: Invocation, project: Project) -> bool:
    name = invocation.program
    if invocation.form in (Form.MODULE, Form.CODE):
        return True
    if name in project.scripts or name in _GENERIC:
        return True
    start = " ".join([name, *(word.text for word in invocation.arguments[:4])])
    return invocation.form is Form.PROGRAM and any(pattern.match(start) for _, pattern in PROGRAMS)


def _says_what_to_do(invocation: Invocation, project: Project) -> bool:
    """Whether the words behind a program are arguments, and not the rest of a sentence."""
    words = [word.text for word in invocation.arguments]
    if invocation.form in (Form.MODULE, Form.CODE):
        return True
    if invocation.form is Form.SCRIPT:
        return bool(invocation.launchers) or bool(words)
    if not words:
        return invocation.program in project.scripts or invocation.program in ("pytest", "tox", "nox")
    if invocation.program in _ENGLISH:
        return any(re.search(r"[-/.=]", word) for word in words) or (len(words) <= 3 and words[0].islower())
    return True
