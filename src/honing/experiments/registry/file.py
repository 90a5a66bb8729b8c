"""Opening a registry: experiments.yaml, with every problem named by file and line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from honing.documents import Lines, Where, checked, parse_located, read_bytes
from honing.errors import RegistryError
from honing.experiments.registry.evidence import OUTPUT, placeholders
from honing.experiments.registry.experiment import FREE_NAMES, Experiment, ExperimentMode, ModeSpec, Registry

REGISTRY_FILE = "experiments.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFile:
    """A registry and where it lies."""

    path: Path
    registry: Registry

    @property
    def root(self) -> Path:
        """The folder that commands run in and that paths are relative to."""
        return self.path.parent

    def find(self, wanted: str) -> Experiment:
        """One experiment by its id, in any case of letters.

        Raises:
            RegistryError: There is none of that id; the text names the nearest.
        """
        rows = self.registry.experiments
        for row in rows:
            if row.id.lower() == wanted.lower():
                return row
        near = get_close_matches(wanted, [row.id for row in rows], n=1)
        known = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(row.id for row in rows)}."
        raise RegistryError(f"{self.path}: there is no experiment {wanted!r}; {known}")


def load_registry(path: Path) -> RegistryFile:
    """Read a registry and check all of it: keys, signals, placeholders, ids.

    Raises:
        RegistryError: It cannot be read, or something in it cannot be used; every problem of one kind is
            listed with its line.
    """
    source = str(path)
    content = read_bytes(path, source=source, error=RegistryError, what="a registry of experiments")
    value, lines = parse_located(content, source=source, error=RegistryError, what="a registry")
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise RegistryError(f"{source}:1: a registry is a mapping, got {type(value).__name__}.")
    registry = checked(Registry, value, lines, source=source, error=RegistryError, what="the registry")
    problems = [f"{source}:{lines.line_of(where)}: {why}" for where, why in _problems(registry, lines)]
    if problems:
        raise RegistryError("\n".join(problems))
    return RegistryFile(path=path.absolute(), registry=registry)


def registry_schema() -> dict[str, Any]:
    """The JSON Schema of experiments.yaml, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Registry.model_json_schema(by_alias=True),
        "title": "Experiments of a project that uses Honing",
    }


def _problems(registry: Registry, lines: Lines) -> Iterator[tuple[Where, str]]:
    """What the schema alone cannot see."""
    for name in registry.data:
        if name in FREE_NAMES or not name.isidentifier():
            yield ("data", name), f"data.{name}: a placeholder of yours is a plain word, none of {_free()}."
    for position, grid in enumerate(registry.grids):
        if unknown := sorted(placeholders(grid.notes) - {"target", "agent"}):
            yield (
                ("grids", position, "notes"),
                f"{{{unknown[0]}}} stands for nothing; a grid has {{target}}, {{agent}}.",
            )
    seen: dict[str, int] = {}
    for position, row in enumerate(registry.experiments):
        where: Where = ("experiments", position)
        if row.id.lower() in seen:
            line = lines.line_of(("experiments", seen[row.id.lower()]))
            yield (*where, "id"), f"the id {row.id!r} stands twice; the first is in line {line}."
        seen.setdefault(row.id.lower(), position)
        yield from _row_problems(row, where, {*FREE_NAMES, *registry.data})


def _row_problems(row: Experiment, where: Where, known: set[str]) -> Iterator[tuple[Where, str]]:
    for text, part in _texts(row):
        if unknown := sorted(placeholders(text) - known):
            there = ", ".join(sorted(known))
            yield (
                (*where, *part),
                f"{row.id}: {{{unknown[0]}}} stands for nothing; there are {there}. Name it under `data`.",
            )
    for mode in row.modes:
        if not row.signals_of(mode):
            yield (
                (*where, "commands", mode.value),
                f"{row.id}: the mode {mode} has no done signal, and an exit code is no result. Add `done`.",
            )
        if OUTPUT in row.artifacts_of(mode):
            yield (
                (*where, "artifacts", OUTPUT),
                f"{row.id}: the artifact 'output' is there without this line.",
            )


def _texts(row: Experiment) -> Iterator[tuple[str, Where]]:
    """Every text of a row in which placeholders are filled, and where it stands."""
    for name, text in row.env.items():
        yield text, ("env", name)
    for name, text in row.artifacts.items():
        yield text, ("artifacts", name)
    for mode in row.modes:
        yield from ((text, ("commands", mode.value)) for text in mode_texts(row, mode))


def mode_texts(row: Experiment, mode: ExperimentMode) -> list[str]:
    """Every text of a mode in which placeholders are filled."""
    spec = row.mode(mode) or ModeSpec.model_construct(commands=())
    commands = [command.run for command in spec.commands]
    return [*commands, *row.env.values(), *row.artifacts_of(mode).values()]


def _free() -> str:
    return ", ".join(sorted(FREE_NAMES))
