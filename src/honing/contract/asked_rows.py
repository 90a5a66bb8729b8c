"""The rows of a target that Honing asks, known before a run is made: to fix samples, and to keep training
apart from them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from honing.contract.controls.gold import gold_of
from honing.contract.data.prompts import framed
from honing.contract.derive import contract_of
from honing.contract.options import SetupOptions
from honing.contract.overlay import with_contract
from honing.contract.results.unmeasured import spoken_of
from honing.contract.target import resolve
from honing.store import TREES, TreeStore


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRow:
    """One row, as a model is asked it."""

    id: str
    """What `RolloutOptions.ids` takes, and a sample's `id`."""
    prompt: str
    gold: str
    """What a perfect model says; empty where the target has no gold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRows:
    """What a target asks."""

    content: str
    """Hash of the target's files."""
    own_commands: bool
    """Whether the target asks with commands of its own: its rows are then not known, and `rows` is empty."""
    system: str
    """System prompt of the contract; empty for none."""
    rows: tuple[AskedRow, ...]
    """In the data's order."""


def asked_rows(target: str | Path, setup: SetupOptions) -> AskedRows:
    """Read a target's rows. No run is opened or made, nothing of the target is run.

    Raises:
        TargetError: The target cannot be read.
        ContractError: It has no valid contract.
        GapError: None can be derived.
    """
    with tempfile.TemporaryDirectory(prefix="honing-") as scratch:
        trees = TreeStore(Path(scratch) / TREES)
        folder = Path(scratch) / "target"
        resolved = resolve(target, trees, leave_out=setup.home, options=setup.fetching())
        resolved, setup = with_contract(resolved, setup.completed(resolved), trees)
        trees.materialise(resolved.tree, folder)
        with spoken_of(folder, str(target)):
            derived = contract_of(folder, setup)
        spec, task = derived.spec, derived.task
        own = spec.stages.target_asks
        gold = None if own else gold_of(derived)
        right = {} if gold is None else gold.right
        rows = [] if own or task is None else task.rows()
        return AskedRows(
            content=resolved.tree,
            own_commands=own,
            system=spec.chat.system,
            rows=tuple(
                AskedRow(
                    id=row.id,
                    prompt=framed(spec.chat.template, task.prompt(row)) if task is not None else "",
                    gold=right.get(row.id, ""),
                )
                for row in rows
            ),
        )
