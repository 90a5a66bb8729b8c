"""One statement becomes one hint: what it starts, where, what it is for, what is missing in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from honing.contract.hints.base import Hint, Placeholder, Role
from honing.contract.hints.block import Block
from honing.contract.hints.carry import Carry
from honing.contract.hints.files import TargetFiles
from honing.contract.hints.invocations import Form, Invocation, invocations, programs_of, task_of
from honing.contract.hints.options import Sources, typed
from honing.contract.hints.placeholders import placeholders_of
from honing.contract.hints.places import Place, has_program, is_there, locate
from honing.contract.hints.plausible import is_shown, plausibility
from honing.contract.hints.roles import Surroundings, Verdict, known_role, role_of
from honing.contract.hints.sources.projects import Project, plain_name
from honing.contract.hints.statements import Statement
from honing.contract.hints.traps import merged, traps_of
from honing.contract.spec import HoleKind

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
_MAX_BEHIND = 20_000
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
    tasks: Mapping[str, str]
    """What each task runs, by the command that starts it."""
    sources: Sources


def hint_of(found: Found, target: Target) -> Hint | None:
    """The hint that a statement gives; None where it is no command."""
    started = invocations(found.command)
    place = _place(found, started, target.files)
    behind = found.block.behind or _behind(started, place.folder, target)
    judged = [*started, *invocations(behind)] if behind else started
    share = plausibility(started, found.block, target.files, target.project, place.folder)
    if not share or (not found.block.certain and is_shown(found.command, started)):
        return None
    verdict = _verdict(found, started, behind, target)
    placeholders = _placeholders(found, started, place.folder, target)
    traps = traps_of(
        f"{found.command}\n{behind}" if behind else found.command,
        judged,
        env={} if found.block.inline or all(map(known_role, started)) else found.carry.env,
        placeholders=placeholders,
    )
    doubts = [*_doubts(found.statement), *_missing(started, place.folder, target)]
    return Hint(
        command=found.command,
        role=verdict.role,
        anchor=f"{found.block.file}:{found.statement.line}",
        source=found.block.source,
        confidence=round(verdict.certainty * share * _DOUBT ** len(doubts), 2),
        why=" ".join([verdict.why, *([f"{place.why}."] if place.why else []), *doubts]),
        asks_model=verdict.asks_model or _may_ask(found, started, placeholders, place.folder, target),
        programs=programs_of(started),
        placeholders=placeholders,
        traps=merged([*traps, *target.sources.traps(started, place.folder)]),
        workdir=place.folder,
        env={} if found.block.inline else dict(found.carry.env),
    )


def _may_ask(
    found: Found, started: list[Invocation], placeholders: Sequence[Placeholder], folder: str, target: Target
) -> bool:
    """Whether a command without a model and without samples can all the same be told where a model is."""
    if any(one.kind is HoleKind.SAMPLES for one in placeholders) or found.block.source == "pyproject":
        return False
    return target.sources.asks_model(started, folder)


def _behind(started: Sequence[Invocation], folder: str, target: Target) -> str:
    """What the tasks and shell scripts run that a command starts."""
    texts: list[str] = []
    for invocation in started:
        task = target.tasks.get(f"{invocation.program} {task_of(invocation)}") or target.tasks.get(
            f"{invocation.program} run {task_of(invocation)}"
        )
        if task:
            texts.append(task)
        elif invocation.form is Form.SCRIPT and invocation.program.endswith(".sh"):
            texts.append((target.files.text(f"{folder}/{invocation.program}") or "")[:_MAX_BEHIND])
    return "\n".join(filter(None, texts))


def _verdict(found: Found, started: Sequence[Invocation], behind: str, target: Target) -> Verdict:
    block = found.block
    around = Surroundings(
        headings=block.headings,
        before=block.before,
        comment=found.statement.comment,
        leaning=_LEANING.get(block.source),
        own_names=target.project.names,
    )
    if not behind:
        return role_of(started, around)
    recipe = invocations(behind)
    by_name = role_of([_task(started[0])], around)
    by_recipe = role_of(recipe, around)
    named = by_name.certainty >= _SURE
    known = any(known_role(one) is by_recipe.role for one in recipe)
    surer = by_name.role is not Role.OTHER and by_name.certainty > by_recipe.certainty
    if not recipe or named or (not known and (by_recipe.role is Role.OTHER or surer)):
        return replace(by_name, asks_model=by_recipe.asks_model)
    return replace(by_recipe, why=f"What it runs: {by_recipe.why}")


def _task(invocation: Invocation) -> Invocation:
    """A task by its own name, not by that of what runs it."""
    name = invocation.program if invocation.form is Form.SCRIPT else task_of(invocation)
    return replace(invocation, program=name or invocation.program, form=Form.SCRIPT, arguments=())


def _placeholders(
    found: Found, started: Sequence[Invocation], folder: str, target: Target
) -> tuple[Placeholder, ...]:
    def is_own(invocation: Invocation) -> bool:
        return bool(has_program(target.files, folder, invocation)) or known_role(invocation) is None

    placeholders = placeholders_of(
        found.command,
        started,
        known=found.carry.known,
        own=is_own,
        exists=lambda path: is_there(target.files, folder, path),
        copy=found.carry.copy,
    )
    listed = tuple(
        replace(one, choices=one.choices or found.block.choices.get(one.name, ())) for one in placeholders
    )
    return typed(listed, target.sources.options(list(started), folder))


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


def _missing(started: Sequence[Invocation], folder: str, target: Target) -> Iterator[str]:
    for invocation in started:
        if has_program(target.files, folder, invocation) is not False:
            continue
        if invocation.form is Form.SCRIPT:
            yield f"The target has no `{invocation.program}` there."
            return
        if plain_name(invocation.program.split(".")[0]) in target.project.names:
            yield "It names the target's own folder: it is meant to run in the folder above."
            return
