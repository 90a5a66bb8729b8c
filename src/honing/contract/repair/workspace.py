"""The folder an agent works in, and what becomes of what it leaves there."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from honing.contract.spec import ContractSpec, Provenance
from honing.contract.spec_file import CONTRACT_PATH, dump_contract, load_contract
from honing.contract.stages.copies import fresh_copy, place
from honing.contract.target import Target
from honing.contract.targets.base import is_agent_file
from honing.errors import ContractError
from honing.sandbox import remove_tree
from honing.store import Run, TreeDiff, TreeId, TreeStore

FOLDER = ".honing"
TRACES = ("__pycache__", "*.pyc", ".pytest_cache", ".mypy_cache", ".ruff_cache")
"""What programs leave beside their source without meaning it; no part of a patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A copy of the target for one run of an agent: without the files that address agents, with a contract to
    edit where there is one."""

    folder: Path
    before: TreeId
    spec: ContractSpec | None
    """The contract it was given; None where there is none yet, or one that cannot be read."""
    names: frozenset[str]
    """Files of the target, as the agent sees them; its contract is not among them."""


def open_workspace(
    run: Run, trees: TreeStore, target: Target, spec: ContractSpec | None, number: int
) -> Workspace:
    """Lay out the folder for one iteration.

    Args:
        run: Whose working copies are used.
        trees: Holds the target.
        target: As it is now, accepted patches included.
        spec: Its contract, whoever wrote it; None where there is none that can be read.
        number: Of the iteration.
    """
    folder = fresh_copy(run, trees, target.tree, f"repair.{number}")
    for path in sorted(folder.rglob("*"), reverse=True):
        if is_agent_file(path.relative_to(folder).as_posix()):
            _remove(path)
    contract = folder / CONTRACT_PATH
    if spec is not None and not _says(contract, spec):
        contract.parent.mkdir(exist_ok=True)
        contract.write_text(dump_contract(spec), encoding="utf-8")
    before = trees.snapshot(folder, ignore=TRACES)
    found = (entry.name for entry in trees.load(before).entries)
    names = frozenset(name for name in found if not name.startswith(f"{FOLDER}/") and name != FOLDER)
    return Workspace(folder=folder, before=before, spec=spec, names=names)


def changes(workspace: Workspace, trees: TreeStore) -> TreeDiff:
    """What lies in the folder now, against what was laid out: the files say so, never the agent."""
    return trees.diff(workspace.before, trees.snapshot(workspace.folder, ignore=TRACES))


def adopt(
    run: Run, trees: TreeStore, target: Target, workspace: Workspace, parts: list[Provenance]
) -> TreeId:
    """The target with the contract files of the workspace in the place of its own, signed.

    Args:
        run: Whose working copies are used.
        trees: Where the new tree goes.
        target: As it was before the patch; its other files stay as they are, agents' files included.
        workspace: What the gates let through.
        parts: Who wrote what, added to the contract's provenance.

    Raises:
        ContractError: The contract cannot be read (the gates look at this first).
    """
    spec = load_contract(workspace.folder / CONTRACT_PATH)
    folder = fresh_copy(run, trees, target.tree, "repair.adopted")
    _remove(folder / FOLDER)
    shutil.copytree(workspace.folder / FOLDER, folder / FOLDER, ignore=shutil.ignore_patterns(*TRACES))
    signed = spec.model_copy(update={"provenance": tuple(parts)})
    (folder / CONTRACT_PATH).write_text(dump_contract(signed), encoding="utf-8")
    tree = trees.snapshot(folder)
    remove_tree(folder)
    return tree


def close_workspace(run: Run, number: int) -> None:
    """Remove the folder of an iteration."""
    remove_tree(place(run, f"repair.{number}"))


def hash_of(path: Path) -> str:
    """sha256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _says(path: Path, spec: ContractSpec) -> bool:
    """Whether the target's own file says the same: it is then left as its author wrote it."""
    try:
        return load_contract(path).digest == spec.digest
    except ContractError:
        return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)
