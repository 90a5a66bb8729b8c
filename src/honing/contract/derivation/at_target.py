"""Deriving the contract of any target, for a person to look at, complete and keep. Nothing of it is run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from honing.contract.derive import Derived, contract_of
from honing.contract.options import SetupOptions
from honing.contract.results.unmeasured import spoken_of
from honing.contract.target import resolve
from honing.store import TreeStore


def derive_target(target: str | Path, options: SetupOptions) -> Derived:
    """The contract that a measurement of a target would use.

    Args:
        target: A folder or an address.
        options: Which contract, choices, variables and date count; where runs and downloads lie.

    Raises:
        GapError: None can be had; `document` says what was tried.
        TargetError: The target cannot be read.
        UsageError: A choice or the date cannot be understood.
    """
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        trees = TreeStore(Path(scratch) / "trees")
        resolved = resolve(target, trees, leave_out=options.home, options=options.fetching())
        options = options.completed(resolved)
        folder = Path(scratch) / "target"
        trees.materialise(resolved.tree, folder)
        with spoken_of(folder, str(target)):
            return contract_of(folder, options)
