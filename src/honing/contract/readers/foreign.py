"""The one door: which foreign contract a target brings, read."""

from __future__ import annotations

from pathlib import Path

from honing.contract.readers.base import Foreign, ForeignGap, Reader, Unportable, Wanted
from honing.contract.readers.eval_yaml import EvalYaml
from honing.contract.readers.pipeline import Pipeline
from honing.contract.readers.task_folders import TaskFolders
from honing.contract.readers.task_yaml import TaskYaml

READERS: tuple[Reader, ...] = (Pipeline(), EvalYaml(), TaskFolders(), TaskYaml())
"""In the order in which they are tried."""


def read_foreign(
    folder: Path, *, split: str | None = None, config: str | None = None
) -> Foreign | ForeignGap | None:
    """The contract a target brings in somebody else's form.

    Args:
        folder: The target's working copy; it is only read.
        split: Split of a data set, where the user named one.
        config: Configuration (or task) of a data set, where the user named one.

    Returns:
        The first that can be carried; otherwise the first that was recognised but cannot; None where there
        is none.

    Raises:
        ContractError: A file breaks its own format; the text names file and line.
        TargetError: A data file is damaged.
    """
    wanted = Wanted(split=split, config=config)
    gaps = []
    for reader in READERS:
        file = reader.find(folder)
        if file is None:
            continue
        try:
            return reader.read(folder, file, wanted)
        except Unportable as found:
            gaps.append(
                ForeignGap(
                    kind=reader.kind,
                    anchor=found.anchor,
                    text=found.text,
                    closes=found.closes,
                    candidates=found.candidates,
                )
            )
    return gaps[0] if gaps else None
