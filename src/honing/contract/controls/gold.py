"""The right answers of a target, as the controls use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from honing.contract.controls.calibrate import OracleSource
from honing.contract.controls.control import AnswerBook, Known
from honing.contract.data.prompts import framed
from honing.contract.data.task import DatasetTask
from honing.contract.data.variants import shuffled, variants
from honing.contract.derivation.gold_table import right_answers
from honing.contract.derive import Derived
from honing.documents import parse_json, read_plain_file
from honing.errors import ContractError, MetricsError

ORACLE_BYTES = 256 * 1024 * 1024
"""Largest file of right answers that is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """Right answers by row, and the texts by which a prompt is joined to its row."""

    source: OracleSource
    right: Mapping[str, str]
    """What a perfect model says, by row id."""
    texts: Mapping[str, tuple[str, ...]]
    """By row id; see `Known.texts`."""
    prompts: Mapping[str, str] = field(default_factory=dict)
    """The prompt Honing itself would send, by row id."""
    task: DatasetTask | None = None

    def book(self, completions: Mapping[str, str]) -> AnswerBook:
        """An answerer that says `completions` (by row id)."""
        rows = [Known(row_id, self.texts[row_id], completion) for row_id, completion in completions.items()]
        exact = {self.prompts[row_id]: text for row_id, text in completions.items() if row_id in self.prompts}
        return AnswerBook(rows, exact=exact)

    def shuffled(self, ids: Sequence[str], seed: int) -> dict[str, str]:
        """Another row's gold for each row, different in value; rows without such a partner are left out."""
        if self.task is None:
            return _rotated(self.right)
        rows = [row for row in self.task.rows() if row.id in set(ids)]
        return shuffled(self.task, rows, seed)

    def variants(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """The gold in other clothes: completions by variant and row id."""
        if self.task is None:
            return {}
        rows = [row for row in self.task.rows() if row.id in set(ids)]
        return variants(self.task, rows)


def gold_of(derived: Derived) -> Gold | None:
    """The gold of a target: from its data, or from the oracle file its contract names; None where there is
    neither.

    Raises:
        ContractError: The oracle file cannot be read.
    """
    oracle = derived.spec.oracle
    if oracle is not None and oracle.file is not None and not oracle.commands:
        return gold_in(derived.folder, oracle.file)
    if derived.spec.oracle is not None and derived.spec.oracle.table is not None:
        pairs = right_answers(derived.spec.oracle.table, derived.folder, derived.data)
        return Gold(
            source=OracleSource.DATA,
            right={row_id: answer for row_id, (_, answer) in pairs.items()},
            texts={row_id: (question,) for row_id, (question, _) in pairs.items()},
        )
    task = derived.task
    if task is None or not task.has_gold():
        return None
    rows = task.rows()
    return Gold(
        source=OracleSource.DATA,
        right={row.id: task.gold_completion(row) for row in rows},
        texts={row.id: task.texts(row) for row in rows},
        prompts={row.id: framed(derived.spec.chat.template, task.prompt(row)) for row in rows},
        task=task,
    )


def gold_in(folder: Path, name: str) -> Gold:
    """The gold that a file of right answers holds.

    Args:
        folder: Where it lies.
        name: Its path below the folder.

    Raises:
        ContractError: It cannot be read, or a line is not of the agreed form.
    """
    right: dict[str, str] = {}
    texts: dict[str, tuple[str, ...]] = {}
    try:
        lines = read_plain_file(folder, name, max_bytes=ORACLE_BYTES).splitlines()
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = parse_json(line, source=f"{name}:{number}")
            match, completion = row.get("match"), row.get("completion")
            if not isinstance(match, str) or not match.strip() or not isinstance(completion, str):
                raise ContractError(
                    f'{name}:{number}: a row is {{"match": text, "completion": text}}, got {row!r}.'
                )
            row_id = str(row.get("id", f"{name}:{number}"))
            right[row_id], texts[row_id] = completion, (match,)
    except (MetricsError, AttributeError) as error:
        raise ContractError(f"the oracle file of the contract: {error}") from error
    if not right:
        raise ContractError(f"the oracle file {name!r} holds no rows.")
    return Gold(source=OracleSource.FILE, right=right, texts=texts)


def _rotated(right: Mapping[str, str]) -> dict[str, str]:
    """Each row's completion replaced by the next different one, in order."""
    names = list(right)
    rotated: dict[str, str] = {}
    for index, name in enumerate(names):
        others = (right[names[(index + step) % len(names)]] for step in range(1, len(names)))
        found = next((other for other in others if other != right[name]), None)
        if found is not None:
            rotated[name] = found
    return rotated
