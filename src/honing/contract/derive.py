"""Which contract a target has: the user's, the target's own, or one derived from its data.

Where none can be had, a gap says what was tried and what would close it; nothing is made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.dataset import Gap, derive
from honing.contract.spec import ContractSpec, MetricSpec, Provenance
from honing.contract.spec_file import CONTRACT_PATH, load_contract
from honing.contract.task import DatasetTask, task_from_document
from honing.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A target's contract, ready to run."""

    spec: ContractSpec
    task: DatasetTask | None
    """The task of `spec.task`, on its data; None where the target brings commands only."""
    folder: Path
    """The working copy it was read from."""
    by: str
    """`user`, `target` or `derivation`."""


class GapError(ContractError):
    """No contract can be had for a target; `document` is what contract_gap.json says."""

    def __init__(self, gap: Gap) -> None:
        self.document: dict[str, Any] = {
            "level": "L0",
            "reason": gap.reason.value,
            "found": gap.text,
            "closes": gap.closes,
            "candidates": list(gap.candidates),
            "tried": list(gap.notes),
        }
        tried = "".join(f"\n  {note}" for note in gap.notes[:5])
        candidates = f" Candidates: {', '.join(gap.candidates[:8])}." if gap.candidates else ""
        super().__init__(
            f"no contract: the target has no {CONTRACT_PATH}, and none can be derived from its data: "
            f"{gap.text}."
            f"{candidates}{tried}\nWhat would close it: {gap.closes}; or write one with `hone contract init "
            "FOLDER`."
        )


def contract_for(
    folder: Path, *, override: Path | None = None, split: str | None = None, config: str | None = None
) -> Derived:
    """The contract of the target in `folder`.

    Args:
        folder: The target's working copy; it is only read.
        override: A contract file that replaces the target's own.
        split: Split of a data set.
        config: Configuration of a data set.

    Raises:
        ContractError: A contract file is invalid.
        GapError: There is no contract and none can be derived.
        TargetError: A data file is damaged.
    """
    if override is not None:
        return _own(load_contract(override), folder, by="user", file=override.name)
    if (folder / CONTRACT_PATH).is_file():
        return _own(load_contract(folder / CONTRACT_PATH), folder, by="target", file=CONTRACT_PATH)
    found = derive(folder, split=split, config=config)
    if isinstance(found, Gap):
        raise GapError(found)
    return Derived(spec=_spec_of(found), task=found, folder=folder, by="derivation")


def _own(spec: ContractSpec, folder: Path, *, by: str, file: str) -> Derived:
    task = task_from_document(spec.task, folder) if spec.task is not None else None
    if not spec.provenance:
        part = Provenance(part="contract", by="user" if by == "user" else "target", anchor=f"{file}:1")
        spec = spec.model_copy(update={"provenance": (part,)})
    return Derived(spec=spec, task=task, folder=folder, by=by)


def _spec_of(task: DatasetTask) -> ContractSpec:
    """The visible contract of a derived task: every decision with its anchor."""
    parts = tuple(
        Provenance(
            part=f"task.{decision.what}",
            by="derivation",
            anchor=decision.anchor,
            why=f"{decision.why} (confidence {decision.confidence:g})",
        )
        for decision in task.evidence
    )
    notes = tuple(Provenance(part="task", by="derivation", why=note) for note in task.notes)
    name = "pass@1" if task.kind == "code_tests" else "accuracy"
    return ContractSpec(
        task=_plain(task.as_document()),
        metric=MetricSpec(name=name, chance=task.chance),
        provenance=parts + notes,
    )


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}
