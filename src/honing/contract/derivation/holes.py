"""Filling the typed holes of a contract with what the user gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from honing.contract.spec import ContractSpec, HoleKind, HoleSpec, Provenance, StageSpec, with_provenance
from honing.errors import UsageError

_STAGES = ("auth", "bootstrap", "tests", "rollout", "evaluate", "benchmark")
_DEPLOY = ("setup", "health", "teardown")


def fill_holes(spec: ContractSpec, choices: Mapping[str, str]) -> ContractSpec:
    """The contract with `{{name}}` replaced by the user's value, for every hole that has one.

    Args:
        spec: The contract.
        choices: Values by hole.

    Raises:
        UsageError: A value is none of a hole's choices, or no number where one belongs.
    """
    given = {hole.name: choices[hole.name] for hole in spec.holes if hole.name in choices}
    if not given:
        return spec
    for hole in spec.holes:
        if hole.name in given:
            _check(hole, given[hole.name])
    stages = spec.stages
    changed: dict[str, Any] = {name: _stage(getattr(stages, name), given) for name in _STAGES}
    deploy = {name: _stage(getattr(stages.deploy, name), given) for name in _DEPLOY}
    changed["deploy"] = stages.deploy.model_copy(update=deploy)
    left = tuple(hole for hole in spec.holes if hole.name not in given)
    spec = spec.model_copy(update={"stages": stages.model_copy(update=changed), "holes": left})
    parts = [
        Provenance(part=f"holes.{name}", by="user", why=f"--set {name}={value}")
        for name, value in sorted(given.items())
    ]
    return with_provenance(spec, parts)


def _check(hole: HoleSpec, value: str) -> None:
    allowed = tuple(choice for choice in hole.choices if choice.strip("."))
    if hole.kind is HoleKind.CHOICE and allowed and "..." not in hole.choices and value not in allowed:
        raise UsageError(f"--set {hole.name}={value}: the target names {', '.join(allowed)} ({hole.anchor}).")
    if hole.kind in (HoleKind.NUMBER, HoleKind.LIMIT) and not _is_number(value):
        raise UsageError(f"--set {hole.name}={value}: a number belongs there ({hole.anchor}).")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _stage(stage: StageSpec, given: Mapping[str, str]) -> StageSpec:
    return stage.model_copy(update={"commands": tuple(_filled(text, given) for text in stage.commands)})


def _filled(command: str, given: Mapping[str, str]) -> str:
    for name, value in given.items():
        command = command.replace(f"{{{{{name}}}}}", value)
    return command
