"""Where the three systems are joined: what one of them needs of another is made here.

Names load on first use, so importing this package costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honing.experiments.objectives import ContractObjectives

__all__ = ["ContractObjectives", "contract_objectives"]


def contract_objectives(sandbox: str, models: Mapping[str, str]) -> Callable[[Path], ContractObjectives]:
    """What makes the objective of one run, given a folder of it. The system that measures loads only then.

    Args:
        sandbox: In which targets' own commands run.
        models: Addresses and keys of models by their usual variable names.
    """

    def made(home: Path) -> ContractObjectives:
        from honing.contract import SetupOptions
        from honing.experiments.objectives import ContractObjectives

        return ContractObjectives(SetupOptions(home=home, sandbox=sandbox), models=models)

    return made


def __getattr__(name: str) -> Any:
    if name == "ContractObjectives":
        from honing.experiments.objectives import ContractObjectives

        return ContractObjectives
    raise AttributeError(f"module 'honing.experiments' has no attribute {name!r}")
