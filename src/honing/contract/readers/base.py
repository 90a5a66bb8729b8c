"""What reading somebody else's contract comes to: ours, or the reason why it cannot be carried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from honing.contract.data.task import DatasetTask
from honing.contract.spec import ContractSpec, Provenance


@dataclass(frozen=True, slots=True)
class Note:
    """Something of a foreign contract that was not carried over, or was carried in another form."""

    anchor: str
    """file:line in the target."""
    text: str
    """What, and what holds instead, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A foreign contract, as ours."""

    kind: str
    """`pipeline.yml`, `eval.yaml`, `task folder` or `task yaml`."""
    file: str
    """Where it was read, below the target."""
    spec: ContractSpec
    """With provenance: every part with its anchor, and every note."""
    task: DatasetTask | None
    """The task of `spec.task` on its data; None where the contract is about commands."""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignGap:
    """A foreign contract that was recognised and cannot be run here."""

    kind: str
    anchor: str
    """The line that stands in the way."""
    text: str
    """What was found, as a sentence."""
    closes: str
    """What would close the gap."""
    candidates: tuple[str, ...] = ()
    """What to choose from, where a choice would close it."""
    notes: tuple[Note, ...] = ()


class Unportable(Exception):
    """A part of a foreign contract stands in the way of running it here; `read_foreign` makes it a gap."""

    def __init__(self, anchor: str, text: str, closes: str, candidates: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.anchor = anchor
        self.text = text
        self.closes = closes
        self.candidates = tuple(candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the user said about which part of a target is meant."""

    split: str | None = None
    config: str | None = None


class Reader(Protocol):
    """Reads one form of foreign contract."""

    @property
    def kind(self) -> str: ...

    def find(self, folder: Path) -> str | None:
        """The file (below the folder) that holds such a contract; None where there is none."""
        ...

    def read(self, folder: Path, file: str, wanted: Wanted) -> Foreign:
        """The contract.

        Raises:
            ContractError: The file breaks its own format; the text names the line.
            Unportable: It is sound, but cannot be run here.
        """
        ...


def provenance_of(parts: Iterable[tuple[str, str, str]], notes: Iterable[Note]) -> tuple[Provenance, ...]:
    """Provenance from (part, anchor, why), and one for each note."""
    found = tuple(Provenance(part=part, by="target", anchor=anchor, why=why) for part, anchor, why in parts)
    noted = tuple(Provenance(part="not carried", by="target", anchor=n.anchor, why=n.text) for n in notes)
    return found + noted
