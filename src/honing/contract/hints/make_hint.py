"""One statement becomes one hint: what it starts, where, what it is for, what is missing in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from honing.contract.hints.base import Hint, Placeholder, Role, TrapFound
from honing.contract.hints.block import Block
from honing.contract.hints.carry import Carry
from honing.contract.hints.files import TargetFiles
from honing.contract.hints.invocations import Form, Invocation, invocations, programs_of
from honing.contract.hints.placeholders import placeholders_of
from honing.contract.hints.places import Place, has_program, is_there, locate
from honing.contract.hints.plausible import plausibility
from honing.contract.hints.roles import Surroundings, Verdict, role_of
from honing.contract.hints.sources.projects import Project
from honing.contract.hints.statements import Statement
from honing.contract.hints.traps import traps_of

_LEANING = {
    "ci": (Role.TEST, 0.4),
    "tox": (Role.TEST, 0.8),
    "nox": (Role.TEST, 0.4),
    "docker": (Role.INSTALL, 0.6),
    "devcontainer": (Role.INSTALL, 0.8),
}
"""What a kind of file speaks for."""
_SURE = 0.6
"""Certainty from which the name of a task says what it is for, whatever it runs."""
_DOUBT = 0.75
"""What each doubt leaves of the confidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A statement that may be a command, with what stands around it."""

    command: str
    statement: Statement
    block: Block
    workdir: str | None
    """Folder that the text above it has led to; None where it has led to none."""
    carry: Carry


@dataclass(frozen=True, slots=True)
class Target:
    """What commands are seen against."""

    files: TargetFiles
    project: Project


def hint_of(found: Found, target: Target) -> Hint | None:
    """The hint that a statement gives; None where it is no command."""
    started = invocations(found.command)
    judged = invocations(found.block.behind) if found.block.behind else started
    place = _place(found, started, target.files)
    share = plausibility(started, found.block, target.files, target.project, place.folder)
    if not share:
        return None
    verdict = _verdict(found, started, judged, target)
    placeholders = _placeholders(found, started, place.folder, target)
    doubts = [*_doubts(found.statement), *_missing(started, place.folder, target.files)]
    return Hint(
        command=found.command,
        role=verdict.role,
        anchor=f"{found.block.file}:{found.statement.line}",
        source=found.block.source,
        confidence=round(verdict.certainty * share * _DOUBT ** len(doubts), 2),
        why=" ".join([verdict.why, *([f"{place.why}."] if place.why else []), *doubts]),
        asks_model=verdict.asks_model,
        programs=programs_of(started),
        placeholders=placeholders,
        traps=_traps(found, started, judged, placeholders),
        workdir=place.folder,
        env={} if found.block.inline else dict(found.carry.env),
    )


def _verdict(
    found: Found, started: Sequence[Invocation], judged: Sequence[Invocation], target: Target
) -> Verdict:
    block = found.block
    around = Surroundings(
        headings=block.headings,
        before=block.before,
        comment=found.statement.comment,
        leaning=_LEANING.get(block.source),
        own_names=target.project.names,
    )
    by_name = role_of(started, around)
    if not block.behind:
        return by_name
    by_recipe = role_of(judged, around)
    if by_recipe.role is Role.OTHER or (by_name.role is not Role.OTHER and by_name.certainty >= _SURE):
        return replace(by_name, asks_model=by_recipe.asks_model)
    return replace(by_recipe, why=f"What it runs: {by_recipe.why}")


def _placeholders(
    found: Found, started: Sequence[Invocation], folder: str, target: Target
) -> tuple[Placeholder, ...]:
    def is_own(invocation: Invocation) -> bool:
        return (
            bool(has_program(target.files, folder, invocation))
            or invocation.form is not Form.PROGRAM
            or invocation.program in target.project.scripts
        )

    placeholders = placeholders_of(
        found.command,
        started,
        known=found.carry.known,
        own=is_own,
        exists=lambda path: is_there(target.files, folder, path),
        copy=found.carry.copy,
    )
    return tuple(
        replace(one, choices=one.choices or found.block.choices.get(one.name, ())) for one in placeholders
    )


def _traps(
    found: Found, started: list[Invocation], judged: list[Invocation], placeholders: Sequence[Placeholder]
) -> tuple[TrapFound, ...]:
    behind = found.block.behind
    return traps_of(
        f"{found.command}\n{behind}" if behind else found.command,
        [*started, *judged] if behind else started,
        env={} if found.block.inline else found.carry.env,
        placeholders=placeholders,
    )


def _place(found: Found, started: Sequence[Invocation], files: TargetFiles) -> Place:
    if found.workdir is not None:
        return Place(found.workdir)
    previous = found.carry.previous
    above = [previous] if previous and files.is_folder(previous) else []
    page = str(PurePosixPath(found.block.file).parent)
    nearest = [page, "."] if found.block.source == "readme" else [".", page]
    return locate(files, started, list(dict.fromkeys([*above, *nearest])))


def _doubts(statement: Statement) -> Iterator[str]:
    if statement.broken:
        yield "No shell can read it: a quote or bracket stays open."
    if statement.mended:
        yield f"Its lines were joined over {statement.mended}."


def _missing(started: Sequence[Invocation], folder: str, files: TargetFiles) -> Iterator[str]:
    for invocation in started:
        if invocation.form is Form.SCRIPT and has_program(files, folder, invocation) is False:
            yield f"The target has no `{invocation.program}` there."
            return
