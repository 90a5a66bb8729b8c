"""Where the three systems are joined: what one of them needs of another is made here.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.objectives import ContractObjectives, contract_objectives

_HOMES = {"ContractObjectives": "objectives", "contract_objectives": "objectives"}
"""Which file of this package defines a name."""

__all__ = ["ContractObjectives", "contract_objectives"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"honing.experiments.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'honing.experiments' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
