"""Finding the commands that a target's own files name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing.contract.hints.base import Hint
from honing.contract.hints.block import Block
from honing.contract.hints.carry import Carry
from honing.contract.hints.collect import blocks_of, task_texts
from honing.contract.hints.files import TargetFiles
from honing.contract.hints.make_hint import Found, Target, hint_of
from honing.contract.hints.options import Sources
from honing.contract.hints.sources.projects import read_project
from honing.contract.hints.statements import statements
from honing.contract.hints.transcripts import MAX_LINES, typed_lines

_SURER = 0.3
"""By how much a later mention of a command must be surer than the first one to take its place."""
_ECHO = 0.4
"""Confidence up to which a hint that repeats another's command is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a target's files name."""

    hints: tuple[Hint, ...]
    notes: tuple[str, ...] = ()
    """What was left out, and why."""


def find_hints(folder: Path, *, names: Sequence[str] = ()) -> list[Hint]:
    """The commands that the files below `folder` name: READMEs first, then docs, then project files, then CI;
    within a file from top to bottom.

    The folder is only read: no link out of it is followed, nothing of it is run, and very large files are
    left out (`survey` says which).

    Args:
        folder: The target's working copy.
        names: Names that the target goes by beside those that its files give: the last part of its address. A
            `git clone` of the target itself is told by them.
    """
    return list(survey(folder, names=names).hints)


def survey(folder: Path, *, names: Sequence[str] = ()) -> Survey:
    """As `find_hints`, with what was left out."""
    files = TargetFiles(folder)
    project = read_project(files, names)
    target = Target(files, project, task_texts(files), Sources(files, project))
    pages: dict[str, Carry] = {}
    found: dict[tuple[str, str, str], Hint] = {}
    rank: dict[str, int] = {}
    for block in blocks_of(target.files, target.project):
        rank.setdefault(block.file, len(rank))
        fresh = Carry(own_names=target.project.names, is_folder=files.is_folder)
        carry = fresh if block.certain else pages.setdefault(block.file, fresh)
        for hint in _hints(block, carry, target):
            key = (block.file, hint.command, hint.workdir)
            if key not in found or found[key].confidence + _SURER < hint.confidence:
                found[key] = hint
    hints = sorted(_without_echoes(list(found.values())), key=lambda hint: _place(hint, rank))
    return Survey(hints=tuple(hints), notes=tuple(dict.fromkeys(files.notes)))


def _place(hint: Hint, rank: Mapping[str, int]) -> tuple[int, int]:
    file, _, line = hint.anchor.rpartition(":")
    return rank[file], int(line)


def _hints(block: Block, carry: Carry, target: Target) -> Iterator[Hint]:
    lines = typed_lines(block)
    if not lines:
        return
    if len(block.lines) > MAX_LINES:
        target.files.notes.append(
            f"{block.file}:{block.lines[0].number}: only the first {MAX_LINES} of {len(block.lines)} lines "
            "of this block were read"
        )
    if not block.inline:
        carry.enter_block(block.headings, block.env, block.workdir)
    for statement in statements(lines):
        if block.inline:
            command, workdir = statement.text, None
        else:
            kept = carry.take(statement.text)
            command, workdir = kept.command, kept.workdir
        found = Found(command=command, statement=statement, block=block, workdir=workdir, carry=carry)
        hint = hint_of(found, target) if command else None
        if hint is not None:
            yield hint


def _without_echoes(hints: list[Hint]) -> Iterator[Hint]:
    """Drop what a sentence repeats of a block (an inline command has less confidence than a block's)."""
    best: dict[str, float] = {}
    for hint in hints:
        best[hint.command] = max(best.get(hint.command, 0.0), hint.confidence)
    for hint in hints:
        if hint.confidence > _ECHO or hint.confidence == best[hint.command]:
            yield hint
