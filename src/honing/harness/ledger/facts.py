"""What a run was asked to do, read from the configuration in its `run.json`. Nothing in it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from honing.harness.ledger.base import Facts


def facts_of(config: Mapping[str, Any], *, seed: int) -> Facts:
    """The facts of a run; what its configuration (`loop.config.config_of`) does not say is left empty.

    Args:
        config: Of `run.json`.
        seed: The run's.
    """
    plain = Facts()
    found = {
        field.name: config[field.name]
        for field in fields(Facts)
        if field.name in config and _fits(config[field.name], getattr(plain, field.name))
    }
    return Facts(**{**found, "seed": seed})


def _fits(value: Any, plain: Any) -> bool:
    """Whether a value is of the kind of the default. A number fits where none is known yet."""
    if plain is None or isinstance(plain, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(plain, Mapping):
        return isinstance(value, Mapping)
    return type(value) is type(plain)
