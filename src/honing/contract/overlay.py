"""A contract of the user's own with its programs, laid over a target."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from honing.contract.options import SetupOptions
from honing.contract.spec_file import CONTRACT_PATH
from honing.contract.target import Target
from honing.errors import ContractError, boundary
from honing.store import TreeStore

_OVER = Path(CONTRACT_PATH).parent


def with_contract(target: Target, options: SetupOptions, trees: TreeStore) -> tuple[Target, SetupOptions]:
    """The target and its options once a contract folder that the user named is laid over it.

    Raises:
        ContractError: See `lay_over`.
    """
    if options.contract is None or not options.contract.is_dir():
        return target, options
    file = options.contract / Path(CONTRACT_PATH).name
    return lay_over(target, options.contract, trees), replace(options, contract=file)


def lay_over(target: Target, contract: Path, trees: TreeStore) -> Target:
    """The target with the contract folder in the place of its own `.honing`.

    Args:
        target: The target as resolved; it stays as it is.
        contract: A folder with contract.yaml and the programs it names, each as `.honing/NAME`.
        trees: Where the joined tree is kept; its hash covers the contract's files as well.

    Raises:
        ContractError: The folder has no contract.yaml, or cannot be read.
    """
    if not (contract / Path(CONTRACT_PATH).name).is_file():
        raise ContractError(
            f"--contract {str(contract)!r}: the folder has no contract.yaml. Name the file, or a folder that "
            "holds it and the programs it runs."
        )
    with (
        boundary(ContractError, f"laying {str(contract)!r} over the target"),
        tempfile.TemporaryDirectory(prefix="honing-") as scratch,
    ):
        folder = Path(scratch) / "target"
        trees.materialise(target.tree, folder)
        _clear(folder / _OVER)
        trees.materialise(trees.snapshot(contract, ignore=("__pycache__",)), folder / _OVER)
        return replace(target, tree=trees.snapshot(folder))


def _clear(place: Path) -> None:
    """Remove the target's own contract folder. A link in its place is removed, never followed."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
