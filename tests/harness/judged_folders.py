"""Folders, trees and projects for tests of what a candidate may change."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.harness.gate import Refusal, gate, left_out, secret_holders
from honing.harness.project import Project, Rules
from honing.harness.tasks.base import Cascade, Place, TaskScore, TaskStatus
from honing.store import Tree, TreeDiff, TreeStore


@dataclass(frozen=True)
class PlainTask:
    """Scores 1 where every phrase stands in the file AGENTS.md of the copy, by share otherwise."""

    id: str
    phrases: tuple[str, ...] = ()
    weight: float = 1.0
    hidden: tuple[str, ...] = ()
    cascade: Cascade = Cascade.STATIC
    shares: str = ""
    deterministic: bool = True

    def identity(self) -> Mapping[str, Any]:
        return {"kind": "plain", "phrases": list(self.phrases)}

    def hidden_texts(self) -> Sequence[str]:
        return self.hidden

    def judge(self, place: Place, seed: int) -> TaskScore:
        text = place.read_text("AGENTS.md") or ""
        held = {phrase: phrase in text for phrase in self.phrases}
        score = sum(held.values()) / len(held) if held else 1.0
        return TaskScore(status=TaskStatus.SCORED, score=score, reason="a phrase is missing", checks=held)


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Moded:
    text: str
    mode: int


class Pipe:
    """A pipe, at which a reader would hang."""


class Socket:
    """A socket that somebody left behind."""


class Folder:
    """An empty folder."""


Content = str | bytes | Link | Moded | Pipe | Socket | Folder
Files = Mapping[str, Content]


def lay_out(folder: Path, files: Files) -> Path:
    """Make a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = os.path.join(os.fsencode(folder), name.encode("utf-8", "surrogateescape"))  # noqa: PTH118 - bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120 - bytes
        _write(path, content)
    return folder


def _write(path: bytes, content: Content) -> None:
    if isinstance(content, Link):
        os.symlink(content.target, path)  # noqa: PTH211 - bytes
    elif isinstance(content, Pipe):
        os.mkfifo(path)
    elif isinstance(content, Socket):
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path)
    elif isinstance(content, Folder):
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 - bytes
    else:
        text = content.text if isinstance(content, Moded) else content
        with open(path, "wb") as stream:  # noqa: PTH123 - bytes
            stream.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, content.mode if isinstance(content, Moded) else 0o644)  # noqa: PTH101 - bytes


def made_project(rules: Rules | None = None, *, folder: Path = Path("/project"), **changes: Any) -> Project:
    """A project with one search task and one held-out task."""
    fields: dict[str, Any] = {
        "folder": folder,
        "file": folder / "honing.yaml",
        "name": "example",
        "objective": "Answer well.",
        "baseline": folder / "baseline",
        "tasks": (PlainTask("reads-the-guide-1"),),
        "held_out": (PlainTask("sealed-task-77"),),
        "rules": rules or Rules(),
        **changes,
    }
    return Project(**fields)


@dataclass(frozen=True)
class Pair:
    """Two trees and what lies between them."""

    before: Tree
    after: Tree
    diff: TreeDiff
    store: TreeStore


def compared(folder: Path, project: Project, before: Files, after: Files) -> Pair:
    """Both folders as the loop takes them."""
    store = TreeStore(folder / "trees")
    ignore = left_out(project.rules)
    old = store.snapshot(lay_out(folder / "before", before), ignore=ignore)
    new = store.snapshot(lay_out(folder / "after", after), ignore=ignore)
    return Pair(store.load(old), store.load(new), store.diff(old, new), store)


def gated(
    folder: Path,
    project: Project,
    before: Files,
    after: Files,
    *,
    secret: str = "",
    forged: Sequence[str] = (),
) -> Refusal | None:
    """What the gate says of a candidate."""
    pair = compared(folder, project, before, after)
    read = pair.store.read
    carrying = secret_holders(pair.before, pair.after, read, [secret])
    return gate(project, pair.before, pair.after, pair.diff, read, forged=forged, carrying=carrying)
