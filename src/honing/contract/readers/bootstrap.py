"""`bootstrap.yml`, version 1: how such a target is installed, and the variables its stages then have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from honing.contract.readers.base import Note
from honing.contract.readers.located import Document, Where, read_document
from honing.errors import ContractError

FILES = (".aider_fsm/bootstrap.yml", ".aider_fsm/bootstrap.yaml", "bootstrap.yml", "bootstrap.yaml")
_KEYS = ("version", "cmds", "steps", "commands", "env", "workdir", "timeout_seconds", "retries")
_STEP_KEYS = ("run", "cmd", "command")
_WRAPPERS = ("boot", "bootstrap")


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How a target is installed."""

    commands: tuple[tuple[str, str], ...] = ()
    """Shell text and anchor."""
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "."
    timeout_s: float = 1800.0
    retries: int = 0
    notes: tuple[Note, ...] = ()


def read_bootstrap(folder: Path) -> Bootstrap:
    """The target's bootstrap file; an empty one where it has none.

    Raises:
        ContractError: A key is unknown or a value of the wrong kind; the text names the line.
    """
    file = next((file for file in FILES if (folder / file).is_file()), None)
    if file is None:
        return Bootstrap()
    document = read_document(folder, file)
    if document is None:
        raise ContractError(f"{file}:1: a bootstrap is a mapping with 'version: 1'.")
    where: Where = ()
    notes = []
    wrapper = next((key for key in _WRAPPERS if isinstance(document.value.get(key), dict)), None)
    if wrapper is not None:
        document.check_keys((), ("version", wrapper))
        where = (wrapper,)
        notes.append(
            Note(document.anchor(wrapper), f"what stands below {wrapper!r} is read as the bootstrap")
        )
    document.check_keys(where, _KEYS)
    commands = [step for key in ("cmds", "steps", "commands") for step in _steps(document, (*where, key))]
    return Bootstrap(
        commands=tuple(commands),
        env=document.variables((*where, "env")),
        workdir=document.text((*where, "workdir"), "."),
        timeout_s=document.number((*where, "timeout_seconds")) or 1800.0,
        retries=document.count((*where, "retries")),
        notes=tuple(notes),
    )


def _steps(document: Document, where: Where) -> list[tuple[str, str]]:
    value = document.at(where)
    if value is None:
        return []
    if isinstance(value, str):
        return [(value, document.anchor(*where))]
    if not isinstance(value, list):
        raise document.wrong(where, "a list of commands")
    return [(_command(document, (*where, at)), document.anchor(*where, at)) for at in range(len(value))]


def _command(document: Document, where: Where) -> str:
    step = document.at(where)
    if isinstance(step, str):
        return step
    if not isinstance(step, dict):
        raise document.wrong(where, "a command, or a mapping with 'run'")
    document.check_keys(where, (*_STEP_KEYS, "name"))
    key = next((key for key in _STEP_KEYS if isinstance(step.get(key), str)), None)
    if key is None:
        raise document.wrong(where, "a command, or a mapping with 'run'")
    return str(step[key])
