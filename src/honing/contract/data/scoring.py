"""From a scorer's name and parameters, as a contract holds them, to the scorer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from honing.contract.scorers import (
    ChoiceScorer,
    CodeLimits,
    CodeScorer,
    JudgeModelScorer,
    NumericScorer,
    Scorer,
    TextScorer,
)
from honing.errors import ContractError
from honing.sandbox import Sandbox

T = TypeVar("T")
JUDGE_MODEL = "judge_model"
_KINDS: Mapping[type, str] = {
    str: "a text",
    tuple: "a list of texts",
    float: "a number >= 0",
    int: "a whole number > 0",
}


def make_scorer(name: str, parameters: Mapping[str, Any], *, sandbox: Sandbox | None = None) -> Scorer:
    """The scorer that a contract names.

    Args:
        name: `numeric`, `choice`, `text`, `code` or `judge_model`.
        parameters: Its parameters, by the names of its fields.
        sandbox: Where `code` runs; the others need none.

    Raises:
        ContractError: Unknown name or parameter, a value of the wrong kind, or `code` without a sandbox.
    """
    if name == "code":
        if sandbox is None:
            raise ContractError(
                "the scorer 'code' runs what a model wrote, so it needs a sandbox; pass `sandbox=`."
            )
        limits = _built(
            name, CodeLimits, _of_kind(name, parameters, {"time_limit_s": float, "memory_bytes": int})
        )
        return CodeScorer(sandbox=sandbox, limits=limits)
    if name == "numeric":
        kinds = {"absolute_tolerance": float, "relative_tolerance": float}
        return _built(name, NumericScorer, _of_kind(name, parameters, kinds))
    if name == "choice":
        return _built(name, ChoiceScorer, _of_kind(name, parameters, {}))
    if name == "text":
        return _built(name, TextScorer, _of_kind(name, parameters, {"labels": tuple}))
    if name == JUDGE_MODEL:
        return _built(name, JudgeModelScorer, _of_kind(name, parameters, {"model": str, "instructions": str}))
    raise ContractError(f"unknown scorer {name!r}; known: choice, code, judge_model, numeric, text.")


def needs_sandbox(name: str) -> bool:
    """Whether a scorer runs what a model wrote, so that judging costs something and needs a sandbox."""
    return name == "code"


def asks_model(name: str) -> bool:
    """Whether a scorer asks a model for its verdicts."""
    return name == JUDGE_MODEL


def _built(name: str, build: Callable[..., T], parameters: Mapping[str, Any]) -> T:
    try:
        return build(**parameters)
    except ValueError as error:
        raise ContractError(f"scorer {name!r}: {error}") from None


def _of_kind(name: str, parameters: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """The parameters, each of the kind it must have."""
    checked: dict[str, Any] = {}
    for key, value in parameters.items():
        kind = kinds.get(key)
        if kind is None:
            known = ", ".join(kinds) or "none"
            raise ContractError(f"scorer {name!r} has no parameter {key!r}; known: {known}.")
        checked[key] = _converted(name, key, value, kind)
    return checked


def _converted(name: str, key: str, value: Any, kind: type) -> Any:
    if kind is tuple and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if kind is str and isinstance(value, str):
        return value
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    if kind is int and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    raise ContractError(f"scorer {name!r}: {key!r} must be {_KINDS[kind]}, got {value!r}.")
