"""What an attack is: a candidate (or an agent), what it does to a naive judge, and what comes of it here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Effect(StrEnum):
    """What an attack does to the naive judge."""

    FULL_SCORE = "scores 1.0"
    NO_NUMBER = "has a score that is none"
    DIED = "ends the whole run"
    HUNG = "hangs the run"
    HOST = "changes files of the host"
    OTHERS = "rewrites the run and other candidates"
    LEAKED = "takes a secret along"
    SURVIVED = "leaves a process that acts later"
    HEARD = "sends something out"
    MISJUDGED = "is reported as a timeout although it ended"
    STARVED = "starves the commands after it"
    RAW = "writes terminal sequences into the table"


@dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


class Pipe:
    """A pipe, at which a reader would hang."""


@dataclass(frozen=True)
class Sparse:
    """A file with a size and no content."""

    size: int


class Folder:
    """An empty folder."""


Content = str | bytes | Link | Pipe | Sparse | Folder
Files = Mapping[str, Content]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One attack."""

    name: str
    """A sentence: who does what."""
    listed: str
    """Number in the list of known attacks; P1 ... for what worked against the predecessor."""
    course: str
    """By which tasks it is judged; see `redteam_courses`."""
    files: Files = field(default_factory=dict)
    """What the candidate holds beyond the harness. In texts, @HOST@, @HOME@, @PROJECT@, @RUNS@, @PORT@ and
    @MARK@ stand for what the attacker knows of the machine."""
    baseline: Files = field(default_factory=dict)
    """What the user's harness itself held before."""
    agent: str = ""
    """Shell text that the agent runs while it proposes, instead of `files`."""
    effect: Effect
    shows: str = ""
    """What the naive judge says when it dies or hangs."""
    outcome: str = "discard"
    """Of the candidate here."""
    score: float | None = 0.0
    """Of the candidate here; None where it was not judged."""
    slow: bool = False
    """Whether only `make test-all` runs it."""


def lay_out(folder: str, files: Files, words: Mapping[str, str]) -> None:
    """Write files, each after whatever was at its place is gone; scripts are executable."""
    for name, content in files.items():
        path = os.path.join(os.fsencode(folder), name.encode("utf-8", "surrogateescape"))  # noqa: PTH118 - bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - bytes
        _clear(path)
        _write(path, content, words)


def filled(text: str, words: Mapping[str, str]) -> str:
    """A text with its words replaced."""
    for word, meaning in words.items():
        text = text.replace(f"@{word}@", meaning)
    return text


def _clear(path: bytes) -> None:
    if os.path.islink(path) or os.path.isfile(path):  # noqa: PTH113, PTH114 - bytes
        os.unlink(path)  # noqa: PTH108 - bytes
    elif os.path.isdir(path):  # noqa: PTH112 - bytes
        for name in os.listdir(path):  # noqa: PTH208 - bytes
            _clear(os.path.join(path, name))  # noqa: PTH118 - bytes
        os.rmdir(path)  # noqa: PTH106 - bytes


def _write(path: bytes, content: Content, words: Mapping[str, str]) -> None:
    if isinstance(content, Link):
        os.symlink(filled(content.target, words), path)  # noqa: PTH211 - bytes
    elif isinstance(content, Pipe):
        os.mkfifo(path)
    elif isinstance(content, Folder):
        os.mkdir(path)  # noqa: PTH102 - bytes
    else:
        written = filled(content, words).encode() if isinstance(content, str) else content
        with open(path, "wb") as stream:  # noqa: PTH123 - bytes
            if isinstance(written, Sparse):
                stream.truncate(written.size)
            else:
                stream.write(written)
        os.chmod(path, 0o755 if path.endswith(b".sh") else 0o644)  # noqa: PTH101 - bytes
