"""The contract of a data task that a foreign file declares."""

from __future__ import annotations

from typing import Any

from honing.contract.data.task import DatasetTask
from honing.contract.spec import ChatSpec, ContractSpec, MetricSpec, Provenance


def data_spec(
    name: str, task: DatasetTask, provenance: tuple[Provenance, ...], *, system: str = ""
) -> ContractSpec:
    """The contract: Honing asks and judges.

    Args:
        name: What its owner calls it.
        task: The task, on its data.
        provenance: Where each declared part stands, and what was not carried.
        system: System prompt.
    """
    seen = tuple(
        Provenance(part=f"task.{one.what}", by="target", anchor=one.anchor, why=one.why)
        for one in task.evidence
    )
    remarks = tuple(Provenance(part="task", by="derivation", why=note) for note in task.notes)
    return ContractSpec(
        name=name,
        task=_plain(task.as_document()),
        metric=MetricSpec(name="accuracy", chance=task.chance),
        chat=ChatSpec(system=system),
        provenance=(*provenance, *seen, *remarks),
    )


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in document.items()}
